import { type Command, Option } from 'commander'
import { serverProtocols } from '../config/schema/protocol.ts'
import { withConfig } from './configuration.ts'
import { withOverrideOptions } from './options.ts'
import type { StartOptions } from './run-lab.ts'

/** Adds `sealpost start`. */
export function addStart(program: Command): void {
  const command = withConfig(program.command('start'))
    .description('run the lab until SIGINT or SIGTERM; SIGHUP reloads the file')
    .addOption(
      new Option('--only <protocol...>', 'start only the virtual servers of these protocols').choices(serverProtocols),
    )
    .option('--capture <file>', 'capture the traffic to a pcapng file for Wireshark')
    .option('--no-secrets', 'leave TLS secrets out of the capture, so that it shows only ciphertext')
    .option('--json', 'print events and the log as JSON lines')
  // Loaded on demand, so that the other commands start faster.
  withOverrideOptions(command).action(async (options: StartOptions) => (await import('./run-lab.ts')).runLab(options))
}
