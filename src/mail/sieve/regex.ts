import type { Steps } from '../../core/time/time-slice.ts'

/**
 * Extended regular expressions of POSIX (draft-ietf-sieve-regex-01 section 4). All alternatives are followed at the same time,
 * one character after the other, so that no expression takes more time than its size times the length of the text.
 * `RegExp` would try one after the other and can take years.
 */

type Fold = (char: string) => string
type CharTest = (point: number) => boolean

/** An expression as parsed. */
type Node =
  | { readonly kind: 'char'; readonly matches: CharTest }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'group'; readonly part: Node; readonly number: number }

/** A step of the compiled expression. `split` continues at each place, the preferred first. */
type Instruction =
  | { readonly kind: 'char'; readonly matches: CharTest }
  | { readonly kind: 'split'; readonly to: number[] }
  | { readonly kind: 'save'; readonly slot: number }
  | { readonly kind: 'start' | 'end' | 'match' }

/** Limit of a compiled expression. `x{100}{100}` would have ten thousand steps. */
const MAX_INSTRUCTIONS = 2000
const MAX_REPEAT = 255 // RE_DUP_MAX of POSIX
const MAX_GROUPS = 32
const MAX_NESTING = 50

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{L}\p{N}]/u,
  alpha: /\p{L}/u,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[^\s\p{Cc}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{Cc}]/u,
  punct: /[\p{P}\p{S}]/u,
  space: /\s/,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/,
}

class Parser {
  readonly #source: readonly string[]
  readonly #fold: Fold
  #at = 0
  #depth = 0
  groups = 0

  constructor(source: string, fold: Fold) {
    this.#source = [...source]
    this.#fold = fold
  }

  whole(): Node {
    const found = this.#either()
    if (this.#next !== undefined) throw new RangeError('a ")" has no "("')
    return found
  }

  get #next(): string | undefined {
    return this.#source[this.#at]
  }

  #skip(char: string): boolean {
    if (this.#next !== char) return false
    this.#at++
    return true
  }

  /** Returns the match of an anchored expression with the next characters, which are few. */
  #ahead(expression: RegExp): RegExpExecArray | null {
    return expression.exec(this.#source.slice(this.#at, this.#at + 16).join(''))
  }

  #either(): Node {
    const parts = [this.#sequence()]
    while (this.#skip('|')) parts.push(this.#sequence())
    return { kind: 'either', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated())
    return { kind: 'sequence', parts }
  }

  #repeated(): Node {
    let part = this.#atom()
    for (let levels = 0; ; levels++) {
      const bounds = this.#bounds()
      if (!bounds) return part
      if (levels === MAX_NESTING) throw new RangeError('too many repetitions follow each other')
      part = { kind: 'repeat', part, ...bounds }
    }
  }

  #bounds(): { readonly min: number; readonly max: number } | undefined {
    const simple = SIMPLE_BOUNDS[this.#next ?? '']
    if (simple) this.#at++
    if (simple || this.#next !== '{') return simple
    const [whole = '', from = '', comma, to = ''] = this.#ahead(/^\{(\d+)(,)?(\d*)\}/) ?? []
    const min = Number(from)
    const max = comma === undefined ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to)
    if (whole === '' || min > MAX_REPEAT || (to !== '' && max > MAX_REPEAT) || min > max)
      throw new RangeError(`write a repetition as {2}, {2,} or {2,5}, with numbers up to ${MAX_REPEAT}`)
    this.#at += whole.length
    return { min, max }
  }

  #atom(): Node {
    const char = this.#source[this.#at++] as string
    if ('*+?{'.includes(char))
      throw new RangeError(`nothing stands before "${char}"; write \\\\${char} for the character`)
    if (char === '(') return this.#group()
    if (char === '^') return { kind: 'start' }
    if (char === '$') return { kind: 'end' }
    if (char === '.') return { kind: 'char', matches: () => true }
    if (char === '[') return { kind: 'char', matches: this.#set() }
    if (char !== '\\') return this.#literal(char)
    const escaped = this.#source[this.#at++]
    if (escaped === undefined) throw new RangeError('a backslash at the end escapes nothing')
    if (/[A-Za-z0-9]/.test(escaped))
      throw new RangeError(`\\\\${escaped} is not supported; use classes such as [[:digit:]]`)
    return this.#literal(escaped)
  }

  #literal(char: string): Node {
    const wanted = this.#fold(char)
    return { kind: 'char', matches: (point) => this.#fold(String.fromCodePoint(point)) === wanted }
  }

  #group(): Node {
    if (++this.#depth > MAX_NESTING) throw new RangeError(`groups are nested deeper than ${MAX_NESTING} levels`)
    const number = ++this.groups
    if (number > MAX_GROUPS) throw new RangeError(`there are more than ${MAX_GROUPS} groups`)
    const part = this.#either()
    if (!this.#skip(')')) throw new RangeError('a "(" has no ")"')
    this.#depth--
    return { kind: 'group', part, number }
  }

  /** Reads a bracket expression. A "]" directly after the beginning is a character. */
  #set(): CharTest {
    const isNegated = this.#skip('^')
    const members: CharTest[] = []
    for (let isFirst = true; isFirst || !this.#skip(']'); isFirst = false) {
      const [named = '', name = ''] = this.#ahead(/^\[:([a-z]+):\]/) ?? []
      members.push(named === '' ? this.#range() : classTest(name))
      this.#at += named.length
    }
    const holds = (char: string): boolean => members.some((one) => one(char.codePointAt(0) as number))
    const ignoresCase = this.#fold('A') === this.#fold('a')
    return (point) => {
      const char = String.fromCodePoint(point)
      return (ignoresCase ? [char, char.toLowerCase(), char.toUpperCase()] : [char]).some(holds) !== isNegated
    }
  }

  #range(): CharTest {
    const from = this.#setChar()
    const isRange = this.#next === '-' && this.#source[this.#at + 1] !== ']'
    if (isRange) this.#at++
    const to = isRange ? this.#setChar() : from
    if (to < from) throw new RangeError('a range in brackets runs backwards')
    return (point) => point >= from && point <= to
  }

  #setChar(): number {
    const [named = '', , alone] = this.#ahead(/^\[([.=])(.)\1\]/u) ?? []
    const char = alone ?? this.#next
    if (char === undefined) throw new RangeError('a "[" has no "]"')
    this.#at += named === '' ? 1 : [...named].length
    return char.codePointAt(0) as number
  }
}

function classTest(name: string): CharTest {
  const found = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
  if (!found) throw new RangeError(`[:${name}:] does not exist; use ${Object.keys(CLASSES).join(', ')}`)
  return (point) => found.test(String.fromCodePoint(point))
}

const SIMPLE_BOUNDS: Readonly<Record<string, { readonly min: number; readonly max: number } | undefined>> = {
  '*': { min: 0, max: Number.POSITIVE_INFINITY },
  '+': { min: 1, max: Number.POSITIVE_INFINITY },
  '?': { min: 0, max: 1 },
}

/** A place in the program, and where the match and its groups began and ended so far. */
interface Thread {
  readonly pc: number
  readonly saved: readonly number[]
}

const STEPS_BETWEEN_PAUSES = 20_000

export class Regex {
  readonly #program: Instruction[] = []
  readonly #groups: number

  /**
   * @param fold returns the form of a character in which it is compared
   * @throws RangeError if the expression is not one
   */
  constructor(source: string, fold: Fold) {
    const parser = new Parser(source, fold)
    this.#compile(parser.whole())
    this.#emit({ kind: 'match' })
    this.#groups = parser.groups
  }

  #emit(instruction: Instruction): number {
    if (this.#program.length >= MAX_INSTRUCTIONS) throw new RangeError('the regular expression is too large')
    return this.#program.push(instruction) - 1
  }

  #split(...to: number[]): number[] {
    this.#emit({ kind: 'split', to })
    return to
  }

  #compile(node: Node): void {
    const program = this.#program
    if (node.kind === 'sequence') for (const part of node.parts) this.#compile(part)
    else if (node.kind === 'either') {
      if (node.parts.length === 1) return this.#compile(node.parts[0] as Node)
      const starts = this.#split()
      const ends = node.parts.map((part) => {
        starts.push(program.length)
        this.#compile(part)
        return this.#split()
      })
      for (const end of ends) end.push(program.length)
    } else if (node.kind === 'group') {
      this.#emit({ kind: 'save', slot: 2 * node.number })
      this.#compile(node.part)
      this.#emit({ kind: 'save', slot: 2 * node.number + 1 })
    } else if (node.kind === 'repeat') {
      for (let i = 0; i < node.min; i++) this.#compile(node.part)
      const exits: number[][] = []
      for (let i = node.min; i < node.max; i++) {
        const start = program.length
        exits.push(this.#split(start + 1))
        this.#compile(node.part)
        if (node.max !== Number.POSITIVE_INFINITY) continue
        this.#split(start)
        break
      }
      for (const exit of exits) exit.push(program.length)
    } else this.#emit(node)
  }

  /**
   * Finds the leftmost of the longest matches, as POSIX does. Returns the match and its groups, or undefined.
   * @param work receives the number of steps, and may throw
   */
  *match(text: string, work: (steps: number) => void): Steps<string[] | undefined> {
    let threads: Thread[] = []
    let best: readonly number[] | undefined
    let steps = 0
    for (let at = 0; ; ) {
      const reached = new Set<number>()
      const next: Thread[] = []
      for (const thread of threads) this.#follow(thread, at, text.length, reached, next)
      // A match that begins later than another one is not wanted.
      if (!best) this.#follow({ pc: 0, saved: [at] }, at, text.length, reached, next)
      steps += reached.size + 1
      if (steps > STEPS_BETWEEN_PAUSES) {
        work(steps)
        steps = 0
        yield
      }
      const point = text.codePointAt(at)
      threads = []
      for (const { pc, saved } of next) {
        const instruction = this.#program[pc] as Instruction
        if (instruction.kind === 'match') {
          if (!best || isBetter(saved, best)) best = Object.assign([...saved], { 1: at })
        } else if (point !== undefined && instruction.kind === 'char' && instruction.matches(point))
          threads.push({ pc: pc + 1, saved })
      }
      if (point === undefined || (best && threads.length === 0)) break
      at += point > 0xffff ? 2 : 1
    }
    work(steps)
    const found = best
    return (
      found && Array.from({ length: this.#groups + 1 }, (_, i) => text.slice(found[2 * i] ?? 0, found[2 * i + 1] ?? 0))
    )
  }

  /** Adds the places that are reached from a thread without a character, the preferred first. */
  #follow(start: Thread, at: number, end: number, reached: Set<number>, next: Thread[]): void {
    const ahead = [start]
    for (let thread = ahead.pop(); thread; thread = ahead.pop()) {
      const { pc, saved } = thread
      if (reached.has(pc)) continue
      reached.add(pc)
      const instruction = this.#program[pc] as Instruction
      if (instruction.kind === 'split') {
        for (const to of [...instruction.to].reverse()) ahead.push({ pc: to, saved })
      } else if (instruction.kind === 'save') {
        ahead.push({ pc: pc + 1, saved: Object.assign([...saved], { [instruction.slot]: at }) })
      } else if (instruction.kind === 'start' || instruction.kind === 'end') {
        if (at === (instruction.kind === 'start' ? 0 : end)) ahead.push({ pc: pc + 1, saved })
      } else next.push(thread)
    }
  }
}

/** Whether a match that ends now begins before the best one, or at the same place: then it is longer. */
const isBetter = (saved: readonly number[], best: readonly number[]): boolean =>
  (saved[0] as number) <= (best[0] as number)

/** Returns the problem of a regular expression, if there is one. */
export function regexProblem(source: string): string | undefined {
  try {
    new Regex(source, (char) => char)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
