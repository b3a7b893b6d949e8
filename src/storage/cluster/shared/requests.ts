import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { Wakeup } from '../../../core/async/wakeup.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import type { Database } from '../../database/database-types.ts'
import { DatabaseError } from '../../database/errors.ts'
import { runVerb } from '../own-cluster.ts'
import type { NodeAnswer, Verb, Verbs } from '../types.ts'

/** Requests that are older are answered no more, by the clock of the database. */
const OLDEST_MS = 60_000
/** Requests that were answered are remembered until their rows are gone. */
const REMEMBERED = 1_000

interface RequestRow {
  readonly id: string
  readonly verb: string
  readonly argument: string
}

interface AnswerRow {
  readonly node: string
  readonly answer: string | null
  readonly error: string | null
}

/** The requests of nodes to each other: rows, so that their size has no limit, and notifications. */
export class Requests {
  readonly #database: Database
  readonly #log: Logger
  readonly #verbs: () => Verbs | undefined
  readonly #seen = new Set<string>()
  /** The reader of the answers to each request that waits. */
  readonly #waiting = new Map<string, () => void>()
  readonly #unlisten: readonly (() => void)[]

  constructor(database: Database, verbs: () => Verbs | undefined, log: Logger) {
    this.#database = database
    this.#verbs = verbs
    this.#log = log
    this.#unlisten = [
      database.listen('requests', (key) => void this.#serve(key)),
      database.listen('answers', (key) => {
        for (const [id, read] of this.#waiting) if (key === undefined || key === id) read()
      }),
    ]
  }

  /** Asks other nodes. Returns one answer for each. @throws DatabaseError */
  async ask(
    verb: Verb,
    argument: unknown,
    { nodes, timeoutMs }: { readonly nodes: readonly string[]; readonly timeoutMs: number },
  ): Promise<readonly NodeAnswer[]> {
    if (nodes.length === 0) return []
    const id = randomUUID()
    await this.#database.query('INSERT INTO requests (id, node, verb, argument, nodes) VALUES ($1, $2, $3, $4, $5)', [
      id,
      this.#database.node,
      verb,
      JSON.stringify(argument ?? null),
      nodes,
    ])
    this.#database.notify('requests', id)
    try {
      return await this.#collect(id, nodes, timeoutMs)
    } finally {
      this.#waiting.delete(id)
      await this.#remove(id)
    }
  }

  [Symbol.dispose](): void {
    for (const stop of this.#unlisten) stop()
  }

  async #collect(id: string, nodes: readonly string[], timeoutMs: number): Promise<readonly NodeAnswer[]> {
    const found = new Map<string, NodeAnswer>()
    const wakeup = new Wakeup()
    let isOver = false
    let hasNews = true
    const timer = setTimeout(() => {
      isOver = true
      wakeup.wake()
    }, timeoutMs)
    this.#waiting.set(id, () => {
      hasNews = true
      wakeup.wake()
    })
    try {
      while (found.size < nodes.length && (hasNews || !isOver)) {
        if (hasNews) {
          hasNews = false
          for (const row of await this.#answers(id)) found.set(row.node, answerIn(row))
        } else await wakeup.sleep()
      }
    } finally {
      clearTimeout(timer)
    }
    return nodes.map((node) => found.get(node) ?? { node, kind: 'missing' })
  }

  #answers(id: string): Promise<readonly AnswerRow[]> {
    return this.#database.query<AnswerRow>('SELECT node, answer, error FROM answers WHERE request = $1', [id])
  }

  /** Removes a request with its answers, and those of nodes that have ended without removing theirs. */
  async #remove(id: string): Promise<void> {
    try {
      await this.#database.query(
        `DELETE FROM requests WHERE id = $1 OR created_at < clock_timestamp() - $2 * interval '1 millisecond'`,
        [id, OLDEST_MS],
      )
    } catch (err) {
      this.#log.debug({ err }, 'a request to other nodes could not be removed')
    }
  }

  /** Answers a request, or all that wait. */
  async #serve(id: string | undefined): Promise<void> {
    if (id !== undefined && this.#seen.has(id)) return
    try {
      const rows = await this.#database.query<RequestRow>(
        `SELECT id, verb, argument FROM requests
          WHERE ($1::text IS NULL OR id = $1) AND $2 = ANY (nodes) AND created_at > clock_timestamp() - $3 * interval '1 millisecond'
          AND NOT EXISTS (SELECT FROM answers WHERE request = id AND node = $2)`,
        [id ?? null, this.#database.node, OLDEST_MS],
      )
      await Promise.all(rows.map((row) => this.#answer(row)))
    } catch (err) {
      this.#log.debug({ err }, 'a request of another node could not be answered')
    }
  }

  async #answer({ id, verb, argument }: RequestRow): Promise<void> {
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value as string)
    const { node } = this.#database
    const found = await runVerb(node, this.#verbs(), verb as Verb, JSON.parse(argument))
    const answer = found.kind === 'answer' ? JSON.stringify(found.answer) : null
    const error = found.kind === 'error' ? found.error : null
    try {
      await this.#database.query('INSERT INTO answers (request, node, answer, error) VALUES ($1, $2, $3, $4)', [
        id,
        node,
        answer,
        error,
      ])
    } catch (cause) {
      // The node that asked no longer waits, and has removed its request.
      if (cause instanceof DatabaseError && cause.sqlState === '23503') return
      throw cause
    }
    this.#database.notify('answers', id)
  }
}

const answerIn = ({ node, answer, error }: AnswerRow): NodeAnswer =>
  answer === null
    ? { node, kind: 'error', error: error ?? '' }
    : { node, kind: 'answer', answer: JSON.parse(answer) as unknown }
