import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { askLab } from '../../lab/control/client.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { timeLimit } from '../shared/options.ts'
import { print } from '../shared/output.ts'
import { runningLabs } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface StopOptions extends ConfigurationOptions {
  readonly now?: boolean
  /** Milliseconds. */
  readonly timeout?: number
  readonly json?: boolean
}

const TIMEOUT_MS = 60_000
/** Time between two looks at the process, in milliseconds. */
const LOOK_MS = 50

/** Adds `sealpost stop`. */
export function addStop(program: Command): void {
  withConfig(program.command('stop'))
    .description('stop the running lab, also one in the background, and wait until it has ended')
    .option('--now', 'end the sessions immediately; without it, they finish what they do')
    .option('--timeout <time>', 'longest wait (default: 60s)', timeLimit)
    .addOption(sharedOptions.json)
    .action(stop)
}

async function stop({ now = false, timeout = TIMEOUT_MS, json = false, ...options }: StopOptions): Promise<void> {
  for (const socket of await runningLabs(options)) {
    const { pid } = (await askLab(socket, { verb: 'stop', args: { now } })) as { pid: number }
    const end = performance.now() + timeout
    while (isRunning(pid)) {
      if (performance.now() > end)
        throw new Error(
          `process ${pid} has not ended within ${timeout / 1000} s; wait longer with --timeout, or end its sessions with --now`,
        )
      await wait(LOOK_MS)
    }
    print(json ? JSON.stringify({ event: 'stopped', pid }) : `stopped (process ${pid})`)
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
