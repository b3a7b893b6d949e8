import { type Position, SieveMistake, type Token, tokens } from './lexer.ts'
import type { SieveLimits } from './types.ts'

/** An argument as written. A string is a list of one; `isList` tells whether it has brackets. */
export type Argument = Position &
  (
    | { readonly kind: 'strings'; readonly texts: readonly string[]; readonly isList: boolean }
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'tag'; readonly text: string }
  )

/** A command or test as written. */
export interface Construct extends Position {
  readonly name: string
  readonly arguments: readonly Argument[]
  readonly tests: readonly Construct[]
  /** Undefined for a command that ends with a semicolon, and for tests. */
  readonly block?: readonly Construct[]
}

/** Parses a script without looking at the meaning of its words. RFC 5228 section 8.2. @throws SieveMistake */
export function parse(source: string, limits: SieveLimits): Construct[] {
  const parser = new Parser(source, limits)
  return parser.script()
}

class Parser {
  readonly #tokens: Generator<Token, void, void>
  readonly #limits: SieveLimits
  #next: Token
  #constructs = 0

  constructor(source: string, limits: SieveLimits) {
    this.#tokens = tokens(source)
    this.#limits = limits
    this.#next = this.#tokens.next().value as Token
  }

  script(): Construct[] {
    const found = this.#commands(0)
    if (this.#next.kind !== 'end') throw this.#unexpected('a command')
    return found
  }

  #take(): Token {
    const token = this.#next
    if (token.kind !== 'end') this.#next = this.#tokens.next().value as Token
    return token
  }

  #skip(kind: Token['kind']): boolean {
    if (this.#next.kind !== kind) return false
    this.#take()
    return true
  }

  #unexpected(wanted: string): SieveMistake {
    const { kind } = this.#next
    const found =
      'text' in this.#next ? JSON.stringify(this.#next.text) : kind === 'end' ? 'the end of the script' : kind
    return new SieveMistake(this.#next, `expected ${wanted}, found ${found}`)
  }

  #commands(depth: number): Construct[] {
    const found: Construct[] = []
    while (this.#next.kind === 'identifier') found.push(this.#command(depth))
    return found
  }

  #command(depth: number): Construct {
    const start = this.#construct(depth)
    if (this.#skip(';')) return start
    if (!this.#skip('{')) throw this.#unexpected(`";" after ${start.name}`)
    const block = this.#commands(depth + 1)
    if (!this.#skip('}')) throw this.#unexpected(`"}" for the block of line ${start.line}`)
    return { ...start, block }
  }

  /** Reads a name and its arguments and tests. */
  #construct(depth: number): Construct {
    const { line, column } = this.#next
    if (this.#next.kind !== 'identifier') throw this.#unexpected('the name of a test')
    const name = this.#next.text
    const position = { line, column }
    if (depth > this.#limits.nesting)
      throw new SieveMistake(position, `nested deeper than ${this.#limits.nesting} levels`)
    if (++this.#constructs > this.#limits.commands)
      throw new SieveMistake(position, `more than ${this.#limits.commands} commands and tests`)
    this.#take()
    const found: Argument[] = []
    for (let next = this.#argument(); next; next = this.#argument()) found.push(next)
    return { name, ...position, arguments: found, tests: this.#tests(depth + 1) }
  }

  #tests(depth: number): Construct[] {
    if (this.#next.kind === 'identifier') return [this.#construct(depth)]
    if (!this.#skip('(')) return []
    const found = [this.#construct(depth)]
    while (this.#skip(',')) found.push(this.#construct(depth))
    if (!this.#skip(')')) throw this.#unexpected('"," or ")" in the list of tests')
    return found
  }

  #argument(): Argument | undefined {
    const { line, column } = this.#next
    const token = this.#next
    if (token.kind === 'number' || token.kind === 'tag') return this.#take() as Argument
    if (token.kind !== '[' && token.kind !== 'string') return undefined
    const isList = this.#skip('[')
    const texts = [this.#string()]
    while (isList && this.#skip(',')) texts.push(this.#string())
    if (isList && !this.#skip(']')) throw this.#unexpected('"," or "]" in the list of strings')
    return { kind: 'strings', texts, isList, line, column }
  }

  #string(): string {
    const token = this.#next
    if (token.kind !== 'string') throw this.#unexpected('a string in quotes')
    this.#take()
    return token.text
  }
}
