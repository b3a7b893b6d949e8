import { CommanderError } from 'commander'
import { ConfigError } from '../config/mistakes.ts'

/** A wrong use of the command line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The exit statuses of all commands. */
export const exitStatus = { done: 0, failed: 1, wrongUsage: 2 } as const

/** Returns the lines for standard error and the exit status of an error. Never contains a stack trace. */
export function explain(error: unknown): { readonly lines: readonly string[]; readonly status: number } {
  // Commander has written its message already.
  if (error instanceof CommanderError) {
    return { lines: [], status: error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUsage }
  }
  if (error instanceof ConfigError) return { lines: error.mistakes, status: exitStatus.wrongUsage }
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split('\n').map((text) => text.trim())
  const line = `sealpost: ${lines.filter((text) => text !== '').join('; ')}`
  return { lines: [line], status: error instanceof UsageError ? exitStatus.wrongUsage : exitStatus.failed }
}
