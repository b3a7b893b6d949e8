import type { Logger } from 'pino'
import { clearInterval, clearTimeout, performance, setInterval, setTimeout } from '../../core/time/real-timers.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { DatabaseError, databaseError } from './errors.ts'
import type { Topic } from './topics.ts'

export type DatabaseState = 'connected' | 'disconnected'
/**
 * @param key what changed. Undefined: something may have been missed
 * @param detail what the other node has told with it
 */
export type TopicListener = (key: string | undefined, detail?: string) => void

/** How often every listener rereads, in case a notification was lost. */
const REREAD_MS = 5_000
/** How often the server must answer, and how long it may take. */
const PULSE_MS = 2_000
const PULSE_TIMEOUT_MS = 5_000
/** The least time between two sent notifications. What arrives meanwhile goes together, which wakes the other nodes once. */
const SPACING_MS = 20
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000
/** How long what nobody waits for is collected. */
const LATER_MS = 1_000
/** PostgreSQL's limit is 8,000 octets. */
const MAX_PAYLOAD = 7_000
/** More keys of a topic become "something changed". */
const MAX_KEYS = 500

/** Keys with their details. */
type Keys = Map<string, string | undefined>
/** Keys by topic. Undefined: anything of the topic may have changed. */
type Pending = Map<Topic, Keys | undefined>
/** All that waits to be sent, by the part of the nodes that hear it. Undefined: all nodes. */
type Parts = Map<number | undefined, Pending>

interface ChannelEvents {
  readonly log: Logger
  readonly stateChanged: (state: DatabaseState) => void
}

export interface ChannelCounts {
  readonly notificationsSent: number
  readonly notificationsReceived: number
  /** How often the connection was lost: every listener rereads after that. */
  readonly listenGaps: number
  readonly roundTripMs: number
}

/**
 * The connection of a node that listens for notifications and sends them. Its state is the state of the database: it asks
 * the server every two seconds, and connects again after a loss.
 */
export class Channel {
  readonly #settings: ConnectionSettings
  readonly #events: ChannelEvents
  readonly #listeners = new Map<Topic, Set<TopicListener>>()
  readonly #name: string
  #connection: Connection | undefined
  #processId: number | undefined
  #pending: Parts = new Map()
  #later: Pending = new Map()
  #laterTimer: NodeJS.Timeout | undefined
  /** The parts that this node hears. */
  #heard: ReadonlySet<number> = new Set()
  #sending: Promise<void> | undefined
  #sentAt = 0
  #isAsking = false
  #timers: NodeJS.Timeout[] = []
  #counts = { notificationsSent: 0, notificationsReceived: 0, listenGaps: 0, roundTripMs: 0 }
  #isClosed = false

  constructor(settings: ConnectionSettings, events: ChannelEvents) {
    this.#settings = settings
    this.#events = events
    this.#name = `sealpost:${settings.schema}`
  }

  get state(): DatabaseState {
    return this.#connection ? 'connected' : 'disconnected'
  }

  /** Counts since the start, and the duration of the latest question to the server. */
  get counts(): ChannelCounts {
    return { ...this.#counts }
  }

  /** The server's process of this connection. */
  get processId(): number | undefined {
    return this.#processId
  }

  /** Connects for the first time. @throws DatabaseError */
  async open(): Promise<void> {
    await this.#connect()
    this.#timers = [
      setInterval(() => void this.check(), PULSE_MS).unref(),
      setInterval(() => this.#reread(), REREAD_MS).unref(),
    ]
  }

  notify(topic: Topic, key: string, detail?: string, part?: number): void {
    const pending = this.#pending.get(part) ?? new Map()
    this.#pending.set(part, pending)
    add(pending, topic, key, detail)
    void this.#send()
  }

  /** Sends a notification to all nodes within a second, together with others. */
  notifyLater(topic: Topic, key: string, detail?: string): void {
    add(this.#later, topic, key, detail)
    this.#laterTimer ??= setTimeout(() => {
      this.#laterTimer = undefined
      this.#pending.set(undefined, mergePending(this.#pending.get(undefined), this.#later))
      this.#later = new Map()
      void this.#send()
    }, LATER_MS).unref()
  }

  /** Sets which parts this node hears. Resolves when it does, or when the connection is lost: it hears them after that. */
  async hear(parts: ReadonlySet<number>): Promise<void> {
    const before = this.#heard
    this.#heard = parts
    const statements = [
      ...[...parts].filter((part) => !before.has(part)).map((part) => `LISTEN "${this.#nameOf(part)}"`),
      ...[...before].filter((part) => !parts.has(part)).map((part) => `UNLISTEN "${this.#nameOf(part)}"`),
    ]
    if (statements.length > 0) await this.#connection?.run(statements.join(';')).catch(() => {})
  }

  listen(topic: Topic, listener: TopicListener): () => void {
    const own: TopicListener = (key, detail) => listener(key, detail)
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(own))
    return () => listeners.delete(own)
  }

  /** Asks the server whether it is there. If it does not answer in time, the connection is lost. */
  async check(): Promise<void> {
    const connection = this.#connection
    if (!connection || this.#isAsking) return
    this.#isAsking = true
    const timer = setTimeout(() => {
      // The answer may wait behind this timer if the process was paused.
      setTimeout(() => this.#isAsking && connection.destroy(), PULSE_MS).unref()
    }, PULSE_TIMEOUT_MS).unref()
    const asked = performance.now()
    await connection.query('select 1').catch(() => connection.destroy())
    this.#counts.roundTripMs = performance.now() - asked
    clearTimeout(timer)
    this.#isAsking = false
  }

  /** Sends what is waiting and ends the connection. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#laterTimer)
    const connection = this.#connection
    if (!connection) return
    await this.#send()
    // Without what came during the last one.
    await this.#send()
    await connection.end()
    this.#connection = undefined
  }

  async #connect(): Promise<void> {
    const connection = await Connection.open(this.#settings, (one) => this.#lost(one))
    try {
      connection.onNotification(({ processId, payload }) => {
        if (processId !== this.#processId) this.#receive(payload ?? '')
      })
      // Unnamed statements, which also a pooler answers. A notification changes no table, so it need not wait for the disk.
      const names = [undefined, ...this.#heard].map((part) => `LISTEN "${this.#nameOf(part)}"`)
      await connection.run(['SET synchronous_commit = off', ...names].join(';'))
      const [row] = await connection.ask<{ readonly pid: number }>('SELECT pg_backend_pid() AS pid')
      this.#processId = row?.pid
    } catch (error) {
      await connection.end()
      throw error
    }
    if (connection.isLost) throw new DatabaseError('disconnected', 'the connection to PostgreSQL was lost')
    if (this.#isClosed) await connection.end()
    else this.#connection = connection
  }

  #lost(connection: Connection): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#isAsking = false
    if (this.#isClosed) return
    this.#counts.listenGaps++
    this.#events.stateChanged('disconnected')
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    let isFirst = true
    for (let delay = FIRST_RETRY_MS; !this.#isClosed; delay = Math.min(2 * delay, LAST_RETRY_MS)) {
      try {
        await this.#connect()
        if (this.#connection) break
      } catch (error) {
        const { code, message } = databaseError(error)
        if (isFirst || code === 'refused') this.#events.log.warn({ reason: message }, 'cannot connect to PostgreSQL')
        isFirst = false
      }
      await new Promise((resolve) => setTimeout(resolve, delay).unref())
    }
    if (this.#isClosed || !this.#connection) return
    this.#events.stateChanged('connected')
    this.#reread()
    void this.#send()
  }

  /** Tells all listeners that they may have missed something. */
  #reread(): void {
    if (!this.#connection) return
    for (const topic of this.#listeners.keys()) this.#call(topic, undefined)
  }

  #receive(payload: string): void {
    this.#counts.notificationsReceived++
    for (const [topic, keys] of parsePayload(payload)) for (const [key, detail] of keys) this.#call(topic, key, detail)
  }

  #call(topic: Topic, key: string | undefined, detail?: string): void {
    for (const listener of this.#listeners.get(topic) ?? []) {
      try {
        listener(key, detail)
      } catch (error) {
        this.#events.log.error({ err: error }, 'a listener for notifications failed')
      }
    }
  }

  /** Sends what is waiting, in one statement at a time. What arrives meanwhile goes together. */
  #send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #sendAll(): Promise<void> {
    // Calls of the same moment go together.
    await Promise.resolve()
    while (this.#connection && this.#pending.size > 0) {
      const early = this.#sentAt + SPACING_MS - performance.now()
      if (early > 0 && !this.#isClosed) await new Promise((resolve) => setTimeout(resolve, early))
      this.#sentAt = performance.now()
      if (!this.#connection) break
      const pending = this.#pending
      this.#pending = new Map()
      try {
        const payloads = [...pending].flatMap(([part, of]) =>
          payloadsOf(of).map((payload) => [this.#nameOf(part), payload] as const),
        )
        await this.#connection.query(
          'select pg_notify(name, payload) from unnest($1::text[], $2::text[]) c (name, payload)',
          [payloads.map(([name]) => name), payloads.map(([, payload]) => payload)],
        )
        this.#counts.notificationsSent += payloads.length
      } catch (error) {
        // Sent again after the connection returns.
        for (const [part, newer] of this.#pending) pending.set(part, mergePending(pending.get(part), newer))
        this.#pending = pending
        this.#events.log.debug({ err: error }, 'a notification was not sent')
        break
      }
    }
  }

  #nameOf(part: number | undefined): string {
    return part === undefined ? this.#name : `${this.#name}:${part}`
  }
}

function add(pending: Pending, topic: Topic, key: string, detail: string | undefined): void {
  const keys = pending.get(topic)
  if (keys) keys.set(key, detail)
  else if (!pending.has(topic)) pending.set(topic, new Map([[key, detail]]))
  if (keys && keys.size > MAX_KEYS) pending.set(topic, undefined)
}

function mergePending(before: Pending | undefined, newer: Pending): Pending {
  const all: Pending = new Map(before)
  for (const [topic, keys] of newer) {
    const known = all.get(topic)
    all.set(topic, all.has(topic) ? known && keys && new Map([...known, ...keys]) : keys)
  }
  return all
}

/** A key, or a key with its detail. */
type Written = string | readonly [key: string, detail: string]

/** Returns the texts of notifications: `{"topic":["key", ["key","detail"], …]}`, with null for "anything of the topic". */
function payloadsOf(pending: Pending): string[] {
  const payloads: string[] = []
  let content: Record<string, Written[] | null> = {}
  let length = 0
  const add = (topic: Topic, written: Written | undefined): void => {
    const octets = Buffer.byteLength(JSON.stringify(written ?? null)) + Buffer.byteLength(topic) + 8
    if (length > 0 && length + octets > MAX_PAYLOAD) {
      payloads.push(JSON.stringify(content))
      content = {}
      length = 0
    }
    length += octets
    const keys = (content[topic] ??= written === undefined ? null : [])
    if (written !== undefined) keys?.push(written)
  }
  for (const [topic, keys] of pending) {
    if (!keys) add(topic, undefined)
    else for (const [key, detail] of keys) add(topic, detail === undefined ? key : [key, detail])
  }
  if (length > 0) payloads.push(JSON.stringify(content))
  return payloads
}

/** Returns the keys by topic. Ignores what nodes do not send: every user of the database can notify. */
function parsePayload(payload: string): [Topic, readonly (readonly [key: string | undefined, detail?: string])[]][] {
  try {
    return Object.entries(JSON.parse(payload) ?? {}).map(([topic, keys]) => [
      topic as Topic,
      Array.isArray(keys) ? keys.map((key) => (Array.isArray(key) ? key : [key])).filter(isKey) : [[undefined]],
    ])
  } catch {
    return []
  }
}

const isKey = (key: unknown[]): key is [string, string?] =>
  typeof key[0] === 'string' && (key[1] === undefined || typeof key[1] === 'string')
