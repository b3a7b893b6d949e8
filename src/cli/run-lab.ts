import { systemClock } from '../common/clock.ts'
import { createLab } from '../lab/lab.ts'
import { loadConfiguration } from './configuration.ts'
import { endpointTable } from './endpoint-table.ts'
import { giveBackWhenIdle } from './idle-memory.ts'
import { createLog } from './log.ts'
import { note, print } from './output.ts'
import { assertPins } from './pinned-certificates.ts'
import { RunningLab } from './running-lab.ts'
import type { StartOptions } from './start.ts'

/** Runs a lab until a signal has ended it. @throws ConfigError; ListenError and whatever else keeps it from starting */
export async function runLab(options: StartOptions): Promise<void> {
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
  giveBackWhenIdle(log)
  await running.untilStopped()
}
