import { CommanderError } from 'commander'
import { ConfigError } from '../../core/config/mistakes.ts'
import { rawFileErrorText } from '../../core/files/file-errors.ts'

/** A wrong use of the command line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A lab that cannot start, with every reason as one line. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
  readonly reasons: readonly string[]
  readonly status: number

  constructor(reasons: readonly string[], status: number, options: ErrorOptions) {
    super(reasons.join('\n'), options)
    this.reasons = reasons
    this.status = status
  }
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
  if (error instanceof CannotStart) return { lines: error.reasons, status: error.status }
  const message = rawFileErrorText(error) ?? (error instanceof Error ? error.message : String(error))
  const lines = message.split('\n').map((text) => text.trim())
  const line = `sealpost: ${lines.filter((text) => text !== '').join('; ')}`
  return { lines: [line], status: error instanceof UsageError ? exitStatus.wrongUsage : exitStatus.failed }
}
