import type { Call } from './run.ts'

/** The rows of the language. A newcomer adds a command or a test as one row of a table in `commands/` or `tests/`. */

type ValueType = 'string' | 'strings' | 'number'

export interface ValueRow {
  readonly type: ValueType
  /** Variables are not expanded in it. */
  readonly constant?: boolean
  /** Returns the reason why a text is invalid. It is asked when the script is compiled, or once variables are expanded. */
  readonly check?: (text: string) => string | undefined
}

export interface PositionalRow extends ValueRow {
  readonly name: string
  readonly optional?: boolean
}

export interface TagRow {
  /** The extension that it belongs to, unless the command has it. */
  readonly extension?: string
  /** At most one tag of a group may be used. */
  readonly group?: string
  /** A tag that must be there, too. */
  readonly needs?: string
  readonly value?: ValueRow
}

export type Tags = Readonly<Record<string, TagRow>>

interface Row {
  readonly name: string
  /** The extensions that scripts must require for it. */
  readonly extensions?: readonly string[]
  readonly tags?: Tags
  readonly arguments?: readonly PositionalRow[]
  readonly tests?: 'one' | 'list'
}

/** A change of the order of commands. `return` ends the included script only. RFC 6609 section 3.3 */
export type Flow = 'stop' | 'return'

export interface CommandRow extends Row {
  readonly block?: true
  readonly run: (call: Call) => Flow | undefined | Promise<Flow | undefined>
}

export interface TestRow extends Row {
  readonly test: (call: Call) => boolean | Promise<boolean>
}

/** A mistake that shows when the script runs. The message is kept then. RFC 5228 section 2.10.6 */
export class SieveFailure extends Error {
  override readonly name = 'SieveFailure'
}
