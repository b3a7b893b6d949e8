import type { ZodType } from 'zod'

/** The call of a function or method of zod that builds a schema. */
export abstract class Call {
  /** The schema whose method was called; undefined for a function. */
  readonly of: Call | undefined
  /** The name of the function or method. */
  readonly name: string
  readonly args: readonly unknown[]

  constructor(of: Call | undefined, name: string, args: readonly unknown[]) {
    this.of = of
    this.name = name
    this.args = args
  }

  /** The schema of zod that the call returns. Loads zod. */
  abstract get real(): ZodType
}
