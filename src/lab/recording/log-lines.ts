import type { Logger } from 'pino'
import type { ApiLog, LogLine } from '../../api/lab.ts'
import { type LineLevel, lineLevels } from '../../core/config/schema/values.ts'
import { isSecretName, MASK, maskUrls } from '../../core/text/mask-urls.ts'
import type { Clock } from '../../core/time/clock.ts'
import { idOnNode } from '../../core/values/node-ids.ts'

/** Limits of the kept lines: their number, and the characters of all lines, of one message and of the facts of one line. */
const MAX_LINES = 10_000
const MAX_TEXT = 2 * 1024 * 1024
const MAX_MESSAGE = 1_000
const MAX_FACTS = 4_000
/** Approximate memory of a line, besides its texts. */
const LINE_OCTETS = 100

/** The latest lines of a lab's log, for those who read them over the API. Nothing is kept before `keep`. */
export class LogLines implements ApiLog {
  /** Writes to the log that was given, and keeps the lines. */
  readonly log: Logger
  readonly #clock: Clock
  #node: string | undefined
  readonly #lines = new Map<string, LogLine>()
  readonly #listeners = new Set<(id: string) => void>()
  #count = 0
  #length = 0
  #isKeeping = false

  constructor(log: Logger, clock: Clock) {
    this.#clock = clock
    this.log = this.#through(log, {})
  }

  /** Keeps all further lines from `info` on, and those below that the log itself writes. */
  keep(): void {
    this.#isKeeping = true
  }

  /** Lets the ids of all lines end with the name of this node, once it is known that the lab can have others. */
  nameAfter(node: string): void {
    this.#node = node
    const lines = [...this.#lines.values()]
    this.#lines.clear()
    for (const line of lines) {
      const id = idOnNode(line.id, node)
      this.#lines.set(id, { ...line, id })
    }
  }

  /** Returns the kept lines, newest first. */
  list(): LogLine[] {
    return [...this.#lines.values()].reverse()
  }

  /** Returns a line; undefined if it is no longer kept. */
  get(id: string): LogLine | undefined {
    return this.#lines.get(id)
  }

  watch(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #through(log: Logger, bindings: object): Logger {
    const through: Logger = Object.create(log)
    for (const level of lineLevels) {
      const write = (...given: [object, string?]): void => {
        log[level](...given)
        if (this.#isKeeping && (isKeptByDefault(level) || log.isLevelEnabled(level))) this.#add(level, bindings, given)
      }
      through[level] = write as Logger[LineLevel]
    }
    const child = (more: object): Logger => this.#through(log.child(more), { ...bindings, ...more })
    through.child = child as unknown as Logger['child']
    return through
  }

  #add(level: LineLevel, bindings: object, [first, second]: readonly unknown[]): void {
    const more = first instanceof Error ? { err: first } : typeof first === 'object' ? first : {}
    const message = typeof first === 'object' ? second : first
    const facts = jsonOf({ ...bindings, ...more })
    const line: LogLine = {
      id: idOnNode(`${++this.#count}`, this.#node),
      at: this.#clock.now(),
      level,
      message: maskUrls(String(message ?? messageIn(more))).slice(0, MAX_MESSAGE),
      facts: facts.length <= MAX_FACTS ? facts : JSON.stringify({ omitted: `${facts.length} characters of facts` }),
    }
    this.#lines.set(line.id, line)
    this.#length += lengthOf(line)
    for (const [id, oldest] of this.#lines) {
      if (this.#lines.size <= MAX_LINES && this.#length <= MAX_TEXT) break
      this.#lines.delete(id)
      this.#length -= lengthOf(oldest)
    }
    for (const listener of this.#listeners) listener(line.id)
  }
}

const isKeptByDefault = (level: LineLevel): boolean => lineLevels.indexOf(level) >= lineLevels.indexOf('info')

const lengthOf = ({ message, facts }: LogLine): number => LINE_OCTETS + message.length + facts.length

/** An error without a text of its own is described by its message. */
const messageIn = (facts: object | null): string =>
  facts !== null && 'err' in facts && facts.err instanceof Error ? facts.err.message : ''

/** Returns facts as JSON, without secrets and without the stacks of errors, which only the log itself has. */
const jsonOf = (facts: object): string =>
  JSON.stringify(facts, (key, value: unknown) => {
    if (value instanceof Error) {
      const { name, message, code } = value as NodeJS.ErrnoException
      return { type: name, message: maskUrls(message), ...(code === undefined ? {} : { code }) }
    }
    if (typeof value === 'bigint') return `${value}`
    if (typeof value !== 'string') return value
    return isSecretName(key) ? MASK : maskUrls(value)
  })
