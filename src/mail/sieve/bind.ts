import { nearestWord } from '../../core/config/nearest.ts'
import {
  type CommandRow,
  type PositionalRow,
  SieveFailure,
  type TagRow,
  type TestRow,
  type ValueRow,
} from './language.ts'
import { type Position, SieveMistake } from './lexer.ts'
import type { Argument, Construct } from './parser.ts'
import { regexProblem } from './regex.ts'
import { decodeCharacters, type Template, templateOf } from './templates.ts'

/** An argument that fits its row. A tag without a value is `true`. */
export type BoundValue = { readonly row: ValueRow; readonly texts: readonly Template[] } | number | true

/** A command or test that fits its row. */
export interface Bound<Row> {
  readonly row: Row
  readonly line: number
  readonly values: ReadonlyMap<string, BoundValue>
  readonly tests: readonly Bound<TestRow>[]
  readonly block: readonly Bound<CommandRow>[]
  /** Extensions that an `ihave` test must have enabled before. RFC 5463 section 4 */
  readonly needs: readonly string[]
}

export interface Vocabulary {
  readonly commands: ReadonlyMap<string, CommandRow>
  readonly tests: ReadonlyMap<string, TestRow>
  readonly extensions: ReadonlySet<string>
}

/** Finds the row of every command and test, and checks the arguments. Collects the mistakes. */
export class Binder {
  readonly mistakes: SieveMistake[] = []
  readonly requires = new Set<string>()
  readonly #vocabulary: Vocabulary

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  script(commands: readonly Construct[]): Bound<CommandRow>[] {
    let ahead = 0
    // RFC 5228 section 3.2: require comes before every other command
    for (; commands[ahead]?.name === 'require'; ahead++)
      this.#attempt(() => this.#require(commands[ahead] as Construct))
    return this.#block(commands.slice(ahead))
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof SieveMistake)) throw error
      this.mistakes.push(error)
      return undefined
    }
  }

  #require(construct: Construct): void {
    const [first, ...others] = construct.arguments
    if (first?.kind !== 'strings' || others.length > 0 || construct.tests.length > 0 || construct.block)
      throw new SieveMistake(construct, 'require takes one list of extensions, such as require ["fileinto", "copy"];')
    for (const name of first.texts) {
      if (this.#vocabulary.extensions.has(name)) this.requires.add(name)
      else
        this.mistakes.push(
          new SieveMistake(first, `unknown extension ${quoted(name)}${suggestion(name, this.#vocabulary.extensions)}`),
        )
    }
  }

  #block(commands: readonly Construct[]): Bound<CommandRow>[] {
    const found: Bound<CommandRow>[] = []
    for (const [i, construct] of commands.entries()) {
      const bound = this.#attempt(() =>
        this.#deferred(construct, 'command', () => {
          if (construct.name === 'require')
            throw new SieveMistake(construct, 'move require to the beginning of the script')
          if (construct.name === 'else' || construct.name === 'elsif') {
            // RFC 5228 section 3.1
            if (!/^(?:if|elsif)$/.test(commands[i - 1]?.name ?? ''))
              throw new SieveMistake(construct, `${construct.name} must follow the block of an if or elsif`)
          }
          return this.#construct(construct, 'command', this.#vocabulary.commands)
        }),
      )
      if (bound) found.push(bound)
    }
    return found
  }

  #construct<Row extends CommandRow | TestRow>(
    construct: Construct,
    kind: 'command' | 'test',
    rows: ReadonlyMap<string, Row>,
  ): Bound<Row> {
    const { name, line } = construct
    const row = rows.get(name)
    if (!row) {
      const isOther = kind === 'command' ? this.#vocabulary.tests.has(name) : this.#vocabulary.commands.has(name)
      const cure = isOther
        ? kind === 'command'
          ? '; put the test after if'
          : '; this is a command'
        : suggestion(name, rows.keys())
      throw new UnknownWord(construct, `unknown ${kind} ${name}${cure}`)
    }
    const needs: string[] = []
    for (const extension of row.extensions ?? []) this.#needs(name, extension, construct, needs)
    const values = this.#values(construct, row, needs)
    const tests = this.#tests(construct, row)
    if (kind === 'command') checkBlock(construct, 'block' in row)
    return { row, line, values, needs, tests, block: this.#block(construct.block ?? []) }
  }

  /** Checks that an extension is required. With `ihave`, the run checks it. */
  #needs(what: string, extension: string, position: Position, needs: string[]): void {
    if (this.requires.has(extension)) return
    if (!this.requires.has('ihave')) throw new SieveMistake(position, `${what} needs require "${extension}";`) // RFC 5228 section 2.10.5
    needs.push(extension)
  }

  #tests(construct: Construct, { tests }: CommandRow | TestRow): Bound<TestRow>[] {
    const { length } = construct.tests
    const [first] = construct.tests
    if (tests === undefined && first)
      throw new SieveMistake(first, `${construct.name} takes no test; is ";" missing before ${first.name}?`)
    if (tests === 'one' && length !== 1)
      throw new SieveMistake(construct, `${construct.name} needs one test; combine several with allof or anyof`)
    if (tests === 'list' && length === 0)
      throw new SieveMistake(construct, `${construct.name} needs a list of tests in parentheses`)
    return construct.tests.map((test) =>
      this.#deferred(test, 'test', () => this.#construct(test, 'test', this.#vocabulary.tests)),
    )
  }

  /** With `ihave`, unknown words are a mistake only if the script comes there. RFC 5463 section 4 */
  #deferred<Row extends CommandRow | TestRow>(
    construct: Construct,
    kind: 'command' | 'test',
    work: () => Bound<Row>,
  ): Bound<Row> {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof UnknownWord) || !this.requires.has('ihave')) throw error
      const fail = (): never => {
        throw new SieveFailure(error.message)
      }
      const row = kind === 'command' ? { name: construct.name, run: fail } : { name: construct.name, test: fail }
      return { row: row as unknown as Row, line: construct.line, values: new Map(), tests: [], block: [], needs: [] }
    }
  }

  #values(construct: Construct, row: CommandRow | TestRow, needs: string[]): Map<string, BoundValue> {
    const values = new Map<string, BoundValue>()
    const { name, arguments: given } = construct
    const groups = new Map<string, string>()
    let at = 0
    for (let argument = given[0]; argument?.kind === 'tag'; argument = given[at]) {
      const tag = argument.text
      const tagRow = Object.hasOwn(row.tags ?? {}, tag) ? (row.tags?.[tag] as TagRow) : undefined
      if (!tagRow)
        throw new UnknownWord(
          argument,
          `${name} has no argument :${tag}${suggestion(tag, Object.keys(row.tags ?? {}), ':')}`,
        )
      if (tagRow.extension) this.#needs(`:${tag}`, tagRow.extension, argument, needs)
      const group = tagRow.group ?? tag
      const other = groups.get(group)
      if (other !== undefined)
        throw new SieveMistake(argument, other === tag ? `write :${tag} once` : `use either :${other} or :${tag}`)
      groups.set(group, tag)
      at++
      if (!tagRow.value) values.set(tag, true)
      else values.set(tag, this.#value(given[at++], tagRow.value, `:${tag} of ${name}`, argument, needs))
    }
    for (const tag of values.keys()) {
      const wanted = row.tags?.[tag]?.needs
      if (wanted !== undefined && !values.has(wanted)) throw new SieveMistake(construct, `:${tag} needs :${wanted}`)
    }
    this.#positionals(construct, given.slice(at), row.arguments ?? [], values, needs)
    const keys = values.has('regex') && values.get(row.arguments?.at(-1)?.name ?? '')
    for (const key of typeof keys === 'object' ? keys.texts : []) {
      const problem = typeof key === 'string' ? regexProblem(key) : undefined
      if (problem) throw new SieveMistake(given.at(-1) ?? construct, `invalid regular expression: ${problem}`)
    }
    return values
  }

  #positionals(
    construct: Construct,
    given: readonly Argument[],
    rows: readonly PositionalRow[],
    values: Map<string, BoundValue>,
    needs: string[],
  ): void {
    const late = given.find((argument) => argument.kind === 'tag')
    // RFC 5228 section 2.6.2
    if (late?.kind === 'tag')
      throw new SieveMistake(late, `put :${late.text} before the other arguments of ${construct.name}`)
    const wanted = given.length < rows.length ? rows.filter((row) => !row.optional) : rows
    const extra = given[wanted.length]
    if (extra)
      throw new SieveMistake(
        extra,
        `${construct.name} takes ${wanted.length === 0 ? 'no' : 'no further'} arguments; end the command before it with ";"`,
      )
    for (const [i, row] of wanted.entries())
      values.set(row.name, this.#value(given[i], row, `the ${row.name} of ${construct.name}`, construct, needs))
  }

  #value(argument: Argument | undefined, row: ValueRow, what: string, owner: Position, needs: string[]): BoundValue {
    const isNumber = row.type === 'number'
    if (
      argument?.kind !== (isNumber ? 'number' : 'strings') ||
      (row.type === 'string' && 'isList' in argument && argument.isList)
    )
      throw new SieveMistake(argument ?? owner, `${what} must be ${FORMS[row.type]}`)
    if (argument.kind === 'number') {
      check(row, String(argument.value), what, argument)
      return argument.value
    }
    const texts = argument.kind === 'strings' ? argument.texts.map((text) => this.#template(text, row, argument)) : []
    for (const text of texts) {
      if (typeof text === 'string') check(row, text, what, argument)
      // RFC 5228 section 2.7.3: a comparator other than the two standard ones is an extension
      if (typeof text === 'string' && what.startsWith(':comparator ') && !STANDARD_COMPARATORS.has(text))
        this.#needs(`the comparator ${text}`, `comparator-${text}`, argument, needs)
    }
    return { row, texts }
  }

  #template(text: string, row: ValueRow, position: Position): Template {
    try {
      const decoded = this.requires.has('encoded-character') ? decodeCharacters(text) : text
      if (row.constant || !this.requires.has('variables')) return decoded
      return templateOf(decoded, this.requires.has('include'))
    } catch (error) {
      if (error instanceof RangeError) throw new SieveMistake(position, error.message)
      throw error
    }
  }
}

/** A word that an extension of another server may define. */
class UnknownWord extends SieveMistake {}

const STANDARD_COMPARATORS = new Set(['i;octet', 'i;ascii-casemap'])

const FORMS = { string: 'a string', strings: 'a string or a list of strings', number: 'a number' } as const

function check(row: ValueRow, text: string, what: string, position: Position): void {
  const problem = row.check?.(text)
  if (problem) throw new SieveMistake(position, `${what} is invalid: ${problem}`)
}

function checkBlock({ name, block, line, column }: Construct, wanted: boolean): void {
  if (wanted && !block) throw new SieveMistake({ line, column }, `${name} needs a block of commands in braces`)
  if (!wanted && block) throw new SieveMistake({ line, column }, `${name} takes no block; end it with ";"`)
}

const quoted = (text: string): string => JSON.stringify(text)

function suggestion(word: string, known: Iterable<string>, prefix = ''): string {
  const found = nearestWord(word.slice(0, 60), known)
  return found === undefined ? '' : `; did you mean ${prefix}${found}?`
}
