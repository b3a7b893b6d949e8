import type { Logger } from 'pino'
import type { Clock } from '../core/time/clock.ts'
// Before a test can replace it: the lab is loaded later.
import '../core/time/real-timers.ts'
import type { LabInput } from '../core/config/schema.ts'
import { Call } from './calls/call.ts'
import type { TestLab } from './test-lab.ts'

/** Options of a lab that are not part of its configuration. */
export interface StartLabOptions {
  /** Default: silent. */
  readonly log?: Logger
  /** The clock that `lab.clock` follows. Default: the machine's. */
  readonly clock?: Clock
}

/**
 * Starts a lab and resolves once every port answers.
 *
 * - Without an argument: the four protocols with TLS on free loopback ports, all data in memory, any name and password.
 * - With an object: the keys of the YAML file; missing keys have the same defaults as above.
 * - With a path: the lab of that file.
 *
 * The lab does not keep the process running: if it has not been stopped when nothing else is left to do, a warning says
 * where it was started, and it is stopped. `lab.ref()` keeps the process running.
 * @throws ConfigError listing every mistake; TypeError for wrong options; ListenError if a port is taken
 */
export async function startLab(config: LabInput | string = {}, options: StartLabOptions = {}): Promise<TestLab> {
  const call = new Call('startLab', startLab)
  // Loaded on demand: test files and tools that import the library do not all start a lab.
  const { openTestLab } = await import('./open-test-lab.ts')
  return openTestLab(call, config, options)
}
