import type { ApiHistories, MessageEvent } from '../api/lab.ts'
import type { MemoryBudget } from '../core/octets/memory-budget.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import type { Clock } from '../core/time/clock.ts'
import { accountOwner, type Folder, OUTGOING_OWNER } from '../storage/store/folder.ts'
import type { MessageEntry } from '../storage/store/message-entry.ts'
import type { Origin } from '../storage/store/origin.ts'
import { OWN_CHANGES, type StoreEvent } from '../storage/store/store-events.ts'
import type { MessageStore } from '../storage/store/types.ts'
import type { ScriptRecord } from '../transport/delivery/types.ts'
import type { OutgoingQueue, QueueEvent, RecipientResult } from '../transport/outgoing/types.ts'

/** Messages whose history is kept. The oldest are forgotten first. */
const MAX_MESSAGES = 2_000
/** Events that are kept of a message: the first one, and the latest. */
const MAX_EVENTS = 100
/** Of a larger change, only messages with a history are recorded, so that it does not push out all others. */
const FEW = 100
/** Longest time between the two halves of a move, which the store reports one after the other. */
const MOVE_MS = 1_000
/** Recipients that an event names. */
const MAX_RECIPIENTS = 100
/** Approximate memory of an event and of the place of a copy, besides texts. */
const EVENT_OCTETS = 250
const PLACE_OCTETS = 200

/** The events of the copies of one content. */
interface History {
  readonly blob: string
  readonly events: MessageEvent[]
  /** The keys of its copies in `#places`. */
  readonly places: string[]
  octets: number
}

/** A copy of a message in a folder. */
interface Place {
  readonly history: History
  flags: readonly string[]
}

interface Parts {
  readonly clock: Clock
  readonly store: MessageStore
  readonly sessionLog: SessionLog
  readonly intake: { readonly memory: MemoryBudget }
  readonly outgoing: { readonly queue: Pick<OutgoingQueue, 'watch'> }
}

/** The events of the latest messages on this node, in memory. Copies of a message share their history. */
export class Histories implements ApiHistories, Disposable {
  readonly #clock: Clock
  readonly #sessions: SessionLog
  readonly #memory: MemoryBudget
  /** By blob, the oldest first. */
  readonly #known = new Map<string, History>()
  readonly #places = new Map<string, Place>()
  readonly #unwatch: readonly (() => void)[]
  #octets = 0

  constructor({ clock, store, sessionLog, intake: { memory }, outgoing }: Parts) {
    this.#clock = clock
    this.#sessions = sessionLog
    this.#memory = memory
    memory.addDroppable({ drop: (octets) => this.#forget(MAX_MESSAGES, this.#octets - octets) })
    this.#unwatch = [
      // Each node records what it did itself.
      store.watch((event) => this.#onStore(event), OWN_CHANGES),
      outgoing.queue.watch((event) => this.#onQueue(event)),
    ]
  }

  of(blob: string): readonly MessageEvent[] {
    return this.#known.get(blob)?.events ?? []
  }

  add(blob: string, event: Omit<MessageEvent, 'at'>): void {
    this.#add(this.#known.get(blob) ?? this.#begin(blob), event)
  }

  /** Records what the script of an account did, and notes it in the session. */
  script({ user, notes, copies, session }: ScriptRecord): void {
    if (session !== undefined) for (const note of notes) this.#sessions.note(session, `${user}: ${note}`)
    const text = notes.join('; ')
    const own = copies.filter(({ folder }) => folder.owner === accountOwner(user))
    const blobs = new Map(own.map((copy) => [copy.entry.blob, copy]))
    for (const [blob, { folder, entry }] of blobs)
      this.add(blob, { type: 'script', folder, uid: entry.uid, user, session, text })
    // The account has no copy. Administrators learn it from the copies of others.
    const [other] = copies
    if (own.length === 0 && other)
      this.add(other.entry.blob, { type: 'script', user, session, text: `${user}: ${text}` })
  }

  read(folder: Folder, entries: readonly MessageEntry[], origin: Origin): void {
    for (const { blob, uid } of entries) {
      const history = this.#known.get(blob) ?? (entries.length <= FEW ? this.#begin(blob) : undefined)
      if (!history || history.events.some((one) => isReadBy(one, folder, origin))) continue
      this.#add(history, { type: 'read', folder, uid, ...this.#by(origin) })
    }
  }

  clear(): void {
    this.#forget(0)
  }

  [Symbol.dispose](): void {
    for (const unwatch of this.#unwatch) unwatch()
    this.clear()
  }

  #onStore(event: StoreEvent): void {
    if (event.isRemote || event.folder.owner === OUTGOING_OWNER) return
    if (event.type === 'appended') this.#onAppended(event)
    else if (event.type === 'flags') this.#onFlags(event)
    else if (event.type === 'expunged') this.#onExpunged(event)
  }

  #onAppended({ folder, entries, origin }: StoreEvent & { type: 'appended' }): void {
    for (const { blob, uid, flags, envelope } of entries) {
      const known = this.#known.get(blob)
      const history = known ?? this.#begin(blob)
      const key = copyKey(folder, uid)
      history.places.push(key)
      this.#places.set(key, { history, flags })
      this.#grow(history, PLACE_OCTETS)
      const isDelivered = origin === undefined && envelope?.rcptTo !== undefined
      if (isDelivered) {
        const { session, rcptTo = [] } = envelope
        const user = session === undefined ? undefined : this.#sessions.get(session)?.user
        this.#add(history, { type: 'delivered', folder, uid, session, user, recipients: rcptTo })
      } else if (!this.#merge(history, 'deleted', folder, uid, origin)) {
        this.#add(history, { type: 'stored', folder, uid, origin, ...this.#by(origin) })
      }
    }
  }

  #onFlags({ folder, entries, origin }: StoreEvent & { type: 'flags' }): void {
    for (const { blob, uid, flags } of entries) {
      const history = this.#known.get(blob) ?? (entries.length <= FEW ? this.#begin(blob) : undefined)
      if (!history) continue
      const key = copyKey(folder, uid)
      const place = this.#places.get(key)
      const before = place?.flags
      if (place) place.flags = flags
      else {
        history.places.push(key)
        this.#places.set(key, { history, flags })
        this.#grow(history, PLACE_OCTETS)
      }
      // The earlier flags of a message from before the start of the lab are unknown.
      const added = flags.filter((flag) => !before?.includes(flag))
      const removed = before?.filter((flag) => !flags.includes(flag)) ?? []
      if (added.length + removed.length === 0) continue
      this.#add(history, { type: 'flags', folder, uid, added, removed, ...this.#by(origin) })
    }
  }

  #onExpunged({ folder, uids, origin }: StoreEvent & { type: 'expunged' }): void {
    if (this.#places.size === 0) return
    for (const uid of uids) {
      const key = copyKey(folder, uid)
      const place = this.#places.get(key)
      if (!place) continue
      const { history } = place
      this.#places.delete(key)
      history.places.splice(history.places.indexOf(key), 1)
      this.#grow(history, 0 - PLACE_OCTETS)
      if (!this.#merge(history, 'stored', folder, uid, origin))
        this.#add(history, { type: 'deleted', folder, uid, origin, text: origin?.reason, ...this.#by(origin) })
    }
  }

  /** Makes one event of the two halves of a move. Returns false if the last event is not the other half. */
  #merge(
    { events }: History,
    otherHalf: 'stored' | 'deleted',
    folder: Folder,
    uid: number,
    origin: Origin | undefined,
  ): boolean {
    const last = events.at(-1)
    if (last?.type !== otherHalf || last.origin !== origin || last.folder?.id === folder.id) return false
    if (Math.abs(this.#clock.now() - last.at) > MOVE_MS) return false
    const [from, to] = otherHalf === 'stored' ? [folder, last] : [last.folder, { folder, uid }]
    events[events.length - 1] = { ...last, type: 'moved', from, folder: to.folder, uid: to.uid }
    return true
  }

  #onQueue({
    type,
    entry: { content, connector, destination, recipients, lastSession },
    results = [],
  }: QueueEvent): void {
    if (type === 'attempted') return
    const base = { connector, destination, session: lastSession }
    if (type === 'queued' || type === 'held' || type === 'deleted' || results.length === 0) {
      const event = type === 'deleted' ? 'unqueued' : type
      return this.add(content, { ...base, type: event, recipients: recipients.map(({ address }) => address) })
    }
    const groups = new Map<string, RecipientResult[]>()
    for (const result of results) {
      const key = `${result.kind} ${result.text}`
      groups.set(key, [...(groups.get(key) ?? []), result])
    }
    for (const group of groups.values()) {
      const [{ kind, text }] = group as [RecipientResult]
      this.add(content, { ...base, type: kind, text, recipients: group.map(({ address }) => address) })
    }
  }

  #by(origin: Origin | undefined): Pick<MessageEvent, 'session' | 'user'> {
    const { sessionId: session, user } = origin ?? {}
    return { session, user: user ?? (session === undefined ? undefined : this.#sessions.get(session)?.user) }
  }

  #begin(blob: string): History {
    const history: History = { blob, events: [], places: [], octets: 0 }
    this.#known.set(blob, history)
    if (this.#known.size > MAX_MESSAGES) this.#forget(MAX_MESSAGES)
    return history
  }

  #add(history: History, event: Omit<MessageEvent, 'at'>): void {
    const { events } = history
    const { recipients = [] } = event
    const kept = recipients.length > MAX_RECIPIENTS ? recipients.slice(0, MAX_RECIPIENTS) : recipients
    events.push({ ...event, recipients: kept, at: this.#clock.now() })
    let octets = EVENT_OCTETS + 2 * (event.text?.length ?? 0)
    for (const one of kept) octets += 2 * one.length
    if (events.length > MAX_EVENTS) events.splice(1, 1)
    else this.#grow(history, octets)
  }

  #grow(history: History, octets: number): void {
    if (this.#known.get(history.blob) !== history) return
    history.octets += octets
    this.#octets += octets
    if (octets < 0) this.#memory.give('caches', 0 - octets)
    else this.#memory.hold('caches', octets)
  }

  /** Forgets the oldest histories until their number and their memory are within limits. */
  #forget(maxMessages: number, maxOctets = Number.POSITIVE_INFINITY): void {
    for (const history of this.#known.values()) {
      if (this.#known.size <= maxMessages && this.#octets <= maxOctets) return
      for (const key of history.places) this.#places.delete(key)
      history.places.length = 0
      this.#grow(history, 0 - history.octets)
      this.#known.delete(history.blob)
    }
  }
}

const copyKey = ({ id }: Folder, uid: number): string => `${id}.${uid}`

/** Returns whether an event says that somebody read a copy. Programs open several HTTP connections, so that only their user counts. */
const isReadBy = ({ type, folder, session, user }: MessageEvent, { id }: Folder, by: Origin): boolean =>
  type === 'read' &&
  folder?.id === id &&
  (by.user === undefined
    ? session === by.sessionId
    : user === by.user && protocolOf(session) === protocolOf(by.sessionId))

/** The ids of sessions begin with their protocol. */
const protocolOf = (session: string | undefined): string | undefined => session?.split('-')[0]
