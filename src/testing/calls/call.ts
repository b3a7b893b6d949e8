import type { ShapeName } from './arguments.ts'
import { mistakesIn } from './arguments.ts'

/** A call of the library by a test. Checks its arguments, and makes its errors point at the line of the test. */
export class Call {
  readonly #name: string
  readonly #site: { readonly stack?: string } = {}

  /** @param method the public method that the test called: frames above it are the library's own */
  constructor(name: string, method: (...args: never[]) => unknown) {
    this.#name = name
    Error.captureStackTrace(this.#site, method)
  }

  /** @param argument the argument's name, for messages @throws TypeError listing every mistake in it */
  check(shape: ShapeName, value: unknown, argument: string): void {
    const mistakes = mistakesIn(shape, value)
    if (mistakes.length > 0) throw this.mistake(mistakes.map((line) => place(argument, line)).join('\n'))
  }

  /**
   * Returns an optional argument. Undefined as an argument comes from a mistake: `lab.waitForMessage(user.emial)`.
   * @param rest the arguments from this one on
   * @throws TypeError if it is undefined
   */
  optional<T>(rest: readonly [argument?: T, ...others: unknown[]], fallback: T, argument: string): T {
    if (rest.length === 0) return fallback
    const [value] = rest
    if (value !== undefined) return value
    throw this.mistake(`${argument} is undefined: leave it out or write {} for any, or correct the value`)
  }

  /** The file, line and column of the call. */
  get place(): string {
    const [frame = ''] = this.#site.stack?.match(/^\s+at .*$/m) ?? []
    return frame.match(/\(?((?:file:|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/)?.[1] ?? frame.replace(/^\s+at /, '')
  }

  /** Returns the error for a wrong argument. */
  mistake(message: string): TypeError {
    return this.at(new TypeError(`${this.#name}: ${message}`))
  }

  /** Makes an error point at this call. */
  at<E extends Error>(error: E): E {
    const { stack = '' } = this.#site
    const frames = stack.slice(Math.max(0, stack.search(/\n\s+at /)))
    error.stack = `${error.name}: ${error.message}${frames}`
    return error
  }
}

/** Puts the argument's name before a mistake: `filter.subjct: unknown key`, `filter is empty`. */
const place = (argument: string, line: string): string =>
  /^(?:is|must) /.test(line) ? `${argument} ${line}` : `${argument}.${line}`
