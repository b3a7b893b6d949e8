import { type EventName, eventNames } from '../../core/config/schema/event-names.ts'
import { hasFailed } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { systemClock } from '../../core/time/clock.ts'
import type { QueueEvent } from '../../transport/outgoing/types.ts'
import type { ApiLab, LabChange } from '../lab.ts'
import type { DeletedMessage, IndexEvent, IndexedMessage, MessageIndex } from '../messages/message-index.ts'
import { queuedFacts } from '../outgoing/queue-shape.ts'
import { ApiProblem } from '../problem.ts'
import { unsubscribeFacts } from '../unsubscribes.ts'
import { watchQueuedRequests } from './queued-requests.ts'

/** The part of a session that is kept. The session log deletes old records to save memory; events do not keep them alive. */
type SessionSummary = Omit<SessionRecord, 'transcript' | 'hello' | 'tls' | 'mail'>

/** Refusals that are kept. */
const KEPT_REFUSALS = 10

function summaryOfSession({ transcript: _, hello: _hello, tls: _tls, mail: _mail, ...record }: SessionRecord) {
  return { ...record, refusals: record.refusals.slice(0, KEPT_REFUSALS) }
}

/** Something that happened in the lab. Its data is read when it is sent. */
export interface LabEvent {
  /** Grows with each event, also across restarts. */
  readonly id: number
  readonly name: EventName
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The message as it was. A deleted one may have no entry. */
  readonly message?: IndexedMessage | DeletedMessage
  readonly session?: SessionSummary
  /** The id of a line of the log. */
  readonly line?: string
  /** Further facts for every caller that the event concerns. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** Concerns only those who see the whole lab: administrators and readers. */
  readonly isOfLab?: boolean
  /** It happened on another node, which tells the webhooks. */
  readonly isRemote?: boolean
}

/** Events that can be sent again to a caller that was away. */
const KEPT_EVENTS = 10_000

const messageEvents = {
  added: 'message.received',
  changed: 'message.changed',
  deleted: 'message.deleted',
} as const satisfies Record<IndexEvent['type'], EventName>

const changeEvents = {
  certificate: 'certificate.changed',
  clock: 'clock.changed',
  configuration: 'configuration.reloaded',
  feed: 'feed.changed',
} as const satisfies Record<LabChange['type'], EventName>

const queueEvents = {
  queued: 'queue.queued',
  attempted: 'queue.changed',
  sent: 'queue.sent',
  deferred: 'queue.deferred',
  failed: 'queue.failed',
  held: 'queue.changed',
  deleted: 'queue.changed',
} as const satisfies Record<QueueEvent['type'], EventName>

/** The latest events of a lab. */
export class EventLog {
  readonly #lab: ApiLab
  readonly #events: LabEvent[] = []
  readonly #listeners = new Set<(event: LabEvent) => void>()
  readonly #unwatch: readonly (() => void)[]
  /** The time in microseconds: no event of an earlier start has a greater id. */
  #start = systemClock.now() * 1_000
  #lastId = this.#start
  #hasBegun = false

  constructor(lab: ApiLab, index: MessageIndex) {
    this.#lab = lab
    this.#unwatch = [
      index.watch(({ type, message, isRemote }) => {
        this.add(messageEvents[type], { message, ...(isRemote && { isRemote }) })
      }),
      lab.sessionLog.watch((session) =>
        this.#addOfSession(hasFailed(session) ? 'session.refused' : 'session.closed', session),
      ),
      lab.sessionLog.follow({
        // Nobody has logged on yet, so it belongs to no account.
        opened: (session) => this.#addOfSession('session.opened', session, { isOfLab: true }),
        forgotten: (session) => this.#addOfSession('session.closed', session),
      }),
      lab.changes.watch(({ type, ...facts }) => this.add(changeEvents[type], { facts, isOfLab: type === 'feed' })),
      lab.outgoing.queue.watch(({ type, entry }) =>
        this.add(queueEvents[type], { facts: { change: type, queue: queuedFacts(entry) }, isOfLab: true }),
      ),
      lab.faults.watch((fault, session) => this.#addOfSession('fault.hit', session, { facts: { fault } })),
      lab.unsubscribes.watch((one) =>
        this.add('unsubscribe.received', { facts: { unsubscribe: unsubscribeFacts(one) }, isOfLab: true }),
      ),
      lab.logLines.watch((line) => this.add('log', { line, isOfLab: true })),
      watchQueuedRequests(lab.certificateStore, (request) =>
        this.add('request.queued', { facts: { request }, isOfLab: true }),
      ),
    ]
  }

  /** The id of the latest event; before the first, the one before its id. */
  get lastId(): number {
    return this.#lastId
  }

  /** Begins with the events of messages, which are not followed before. What happened until then is no longer part of the log. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#start = this.#lastId
  }

  /** The id before that of the first event since `begin`. */
  get start(): number {
    return this.#start
  }

  add(name: EventName, facts: Omit<LabEvent, 'id' | 'name' | 'at'> = {}): void {
    const event = { id: ++this.#lastId, name, at: this.#lab.clock.now(), ...facts }
    this.#events.push(event)
    // A shift for each event would move the whole list each time.
    if (this.#events.length > 2 * KEPT_EVENTS) this.#events.splice(0, KEPT_EVENTS)
    for (const listener of this.#listeners) listener(event)
  }

  #addOfSession(name: EventName, session: SessionRecord, more: Pick<LabEvent, 'facts' | 'isOfLab'> = {}): void {
    this.add(name, { session: summaryOfSession(session), ...more })
  }

  /** Returns the kept events after an id. */
  after(id: number): LabEvent[] {
    const first = this.#events[0]?.id ?? 0
    return this.#events.slice(Math.max(0, id + 1 - first))
  }

  /** Returns the first of the kept events after an id. */
  next(id: number): LabEvent | undefined {
    const first = this.#events[0]?.id ?? 0
    return this.#events[Math.max(0, id + 1 - first)]
  }

  /** Calls `listener` for each further event. Returns the function that removes the listener. */
  watch(listener: (event: LabEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Shows the kept events that meet a condition only to those who see the whole lab. */
  hide(isMeant: (event: LabEvent) => boolean): void {
    for (const [at, event] of this.#events.entries()) {
      if (isMeant(event)) this.#events[at] = { ...event, isOfLab: true }
    }
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  close(): void {
    for (const unwatch of this.#unwatch) unwatch()
    this.#listeners.clear()
  }
}

/**
 * Parses `message,session.refused`: names of events, or the words before their dot. Without names: every event but `log`,
 * as each request can cause a line of the log. @throws ApiProblem `bad-request`
 */
export function parseTypes(types = ''): (name: string) => boolean {
  const wanted = types.split(',').filter((one) => one !== '')
  if (wanted.length === 0) return (name) => name !== 'log'
  const isMeant = (name: string, one: string): boolean => name === one || name.startsWith(`${one}.`)
  const unknown = wanted.find((one) => !eventNames.some((name) => isMeant(name, one)))
  if (unknown !== undefined) {
    throw new ApiProblem('bad-request', `types: ${unknown} is unknown; there are: ${eventNames.join(', ')}`)
  }
  return (name) => name === 'lab.stopping' || wanted.some((one) => isMeant(name, one))
}
