import { type Command, Option } from 'commander'
import { systemClock } from '../clock.ts'
import { type Protocol, protocols } from '../config/schema.ts'
import { createLab } from '../lab/lab.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig, withOverrideOptions } from './configuration.ts'
import { endpointTable } from './endpoint-table.ts'
import { createLog } from './log.ts'
import { note, print } from './output.ts'
import { assertPins } from './pinned-certificates.ts'
import { RunningLab } from './running-lab.ts'

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
  withOverrideOptions(command).action(start)
}

async function start(options: StartOptions): Promise<void> {
  const configuration = await loadConfiguration(options)
  for (const warning of configuration.warnings) note(`warning: ${warning}`)
  await assertPins(configuration)
  const log = createLog(configuration.lab.logLevel, options.json ?? false)
  const running = new RunningLab(options, configuration, log)
  const lab = await createLab(running.config, { log, clock: systemClock })
  await running.takeOver(lab)
  const endpoints = lab.endpoints()
  if (options.json) print(JSON.stringify({ event: 'ready', pid: process.pid, endpoints }))
  else print(`${endpointTable(endpoints)}\nready`)
  await running.untilStopped()
}
