import { type Command, Option } from 'commander'
import { type Protocol, protocols } from '../config/schema/protocol.ts'
import { type ConfigurationOptions, withConfig, withOverrideOptions } from './configuration.ts'

export interface StartOptions extends ConfigurationOptions {
  readonly only?: readonly Protocol[]
  readonly json?: boolean
}

/** `sealpost start`: runs the lab until a signal ends it. */
export function addStart(program: Command): void {
  const command = withConfig(program.command('start'))
    .description('run the lab until SIGINT or SIGTERM; SIGHUP reads the file again')
    .addOption(new Option('--only <protocol...>', 'only the virtual servers of these protocols').choices(protocols))
    .option('--capture <file>', 'write what the sockets carry to a pcapng file, for Wireshark')
    .option('--no-secrets', 'keep TLS secrets out of the capture: it shows ciphertext only')
    .option('--json', 'print events as JSON lines')
  // The lab itself is loaded for this command alone: the others answer sooner.
  withOverrideOptions(command).action(async (options: StartOptions) => (await import('./run-lab.ts')).runLab(options))
}
