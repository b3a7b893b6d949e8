import { type Command, CommanderError } from 'commander'
import { ConfigError } from '../../core/config/mistakes.ts'
import { rawFileErrorText } from '../../core/files/file-errors.ts'
import { isMapping } from '../../core/values/mapping.ts'
import { typedName } from './usage-text.ts'

/** A wrong use of the command line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Returns the result of a check of values that the user has typed. @throws UsageError instead of the error of the check */
export function checkTyped<Result>(check: () => Result): Result {
  try {
    return check()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** A problem document. RFC 9457. */
export interface Problem {
  readonly type: string
  readonly status: number
  readonly detail: string
  readonly [member: string]: unknown
}

/** A value that the lab refused. `pointer`: RFC 6901; of a configuration with its place in the file. */
export interface Refused {
  readonly pointer: string
  readonly message: string
  readonly place?: string
}

const isRefused = (value: unknown): value is Refused =>
  isMapping(value) && typeof value.pointer === 'string' && typeof value.message === 'string'

/** Statuses of a lab for wrong values, such as an empty address or a search with a wrong date. */
const WRONG_VALUES = [400, 422]

/** Returns the parameter that the detail of a problem begins with, as in `since: x is not a time`. */
function refusedParameter({ status, detail }: Problem): Refused[] {
  const [, pointer, message] = /^([a-z]\w*): (.+)$/is.exec(detail) ?? []
  return WRONG_VALUES.includes(status) && pointer && message ? [{ pointer, message }] : []
}

/** An operation that the lab refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly problem: Problem
  /** The values that the lab refused, if the problem is about values. Another server may say anything. */
  readonly refused: readonly Refused[]
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
    this.refused = Array.isArray(problem.errors) ? problem.errors.filter(isRefused) : refusedParameter(problem)
  }
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

const isWrongUsage = (error: unknown): boolean =>
  error instanceof UsageError || (error instanceof ApiError && WRONG_VALUES.includes(error.problem.status))

/** Returns a mistake as an error line. Only a mistake in a file has no prefix, because its place comes first. */
export const errorLine = (mistake: string): string =>
  /^(?:--|SEALPOST_)/.test(mistake) ? `sealpost: ${mistake}` : mistake

/** The exit statuses of all commands. */
export const exitStatus = { done: 0, failed: 1, wrongUsage: 2 } as const

/**
 * Returns the lines for standard error and the exit status of an error. Never contains a stack trace.
 * @param command the command that failed, whose options and arguments name the values that the lab refused
 */
export function explain(
  error: unknown,
  command?: Command,
): { readonly lines: readonly string[]; readonly status: number } {
  // Commander has written its message already.
  if (error instanceof CommanderError) {
    return { lines: [], status: error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUsage }
  }
  if (error instanceof ApiError && command && error.refused.length > 0) {
    const lines = error.refused.map(({ pointer, message }) => `sealpost: ${typedName(command, pointer)}: ${message}`)
    return { lines, status: exitStatus.wrongUsage }
  }
  if (error instanceof ConfigError) return { lines: error.mistakes.map(errorLine), status: exitStatus.wrongUsage }
  if (error instanceof CannotStart) return { lines: error.reasons.map(errorLine), status: error.status }
  const message = rawFileErrorText(error) ?? (error instanceof Error ? error.message : String(error))
  const lines = message.split('\n').map((text) => text.trim())
  const line = `sealpost: ${lines.filter((text) => text !== '').join('; ')}`
  return { lines: [line], status: isWrongUsage(error) ? exitStatus.wrongUsage : exitStatus.failed }
}
