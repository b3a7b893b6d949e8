import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { askLab } from '../../lab/control/client.ts'
import { type ConfigurationOptions, configurationIdentity, withConfig } from '../shared/configuration.ts'
import { timeLimit } from '../shared/options.ts'
import { print } from '../shared/output.ts'
import { controlSockets } from '../shared/running-labs.ts'
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
    .option('--now', 'end sessions immediately instead of letting them finish')
    .option('--timeout <time>', 'longest wait (default: 60s)', timeLimit)
    .addOption(sharedOptions.json)
    .action(stop)
}

async function stop({ now = false, timeout = TIMEOUT_MS, json = false, ...options }: StopOptions): Promise<void> {
  const { name, identity } = configurationIdentity(options)
  const sockets = await controlSockets(identity)
  if (sockets.length === 0) throw new Error(`no lab of ${name} is running for this user, so there is nothing to stop`)
  for (const socket of sockets) {
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
