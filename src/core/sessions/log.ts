import { MemoryBudget } from '../octets/memory-budget.ts'
import type { Clock } from '../time/clock.ts'
import { idOnNode } from '../values/node-ids.ts'
import { Recorder, type RecorderEvents } from './recorder.ts'
import type { SessionRecord, SessionRecorder, SessionStart } from './types.ts'

/** The addresses and ports that identify an open connection. */
export type ConnectionAddresses = Pick<SessionStart, 'remoteAddress' | 'remotePort' | 'localPort'>

/** Sessions kept. The oldest are deleted first. */
const MAX_SESSIONS = 1_000
/** Approximate memory of all records together. */
const MAX_OCTETS = 64 * 1024 * 1024
/** Approximate memory of a record besides its entries. */
const RECORD_OCTETS = 2_048

/** Keeps the records of a lab's latest connections. */
export class SessionLog {
  readonly #clock: Clock
  readonly #records = new Map<string, Recorder>()
  readonly #listeners = new Set<(record: SessionRecord) => void>()
  readonly #followers = new Set<SessionFollower>()
  readonly #observers = new Set<(change: SessionChange) => void>()
  /** Open sessions whose end is not reported. */
  readonly #unwanted = new Set<string>()
  readonly #events: RecorderEvents = {
    ended: ({ id, record }) => {
      if (this.#unwanted.delete(id)) return
      for (const listener of this.#listeners) listener(record)
    },
    secured: ({ record }) => this.#tell('secured', record),
    mail: ({ record }, isOpen) => {
      for (const { mail } of this.#followers) mail?.(record, isOpen)
    },
    changed: ({ record }, refusal) => {
      if (this.#observers.size === 0 || this.#unwanted.has(record.id)) return
      for (const observer of [...this.#observers]) observer(refusal === undefined ? { record } : { record, refusal })
    },
    grown: (recorder, octets) => {
      if (!recorder.isKept) return
      recorder.heldOctets += octets
      this.#octets += octets
      if (this.#records.size > MAX_SESSIONS || this.#octets > MAX_OCTETS) this.#forgetOldest()
      this.#memory.hold('transcripts', octets)
    },
  }
  readonly #memory: MemoryBudget
  readonly #node: string | undefined
  #count = 0
  #octets = 0

  /** @param node the name of this node, if the lab can have others. Ids then end with it. */
  constructor(clock: Clock, memory = new MemoryBudget(), node?: string) {
    this.#clock = clock
    this.#node = node
    this.#memory = memory
    memory.addDroppable({ drop: (octets) => this.#forgetOldest(this.#octets - octets) })
  }

  /** Starts the record of a new connection. */
  open(start: SessionStart): SessionRecorder & { readonly record: SessionRecord } {
    const node = this.#node
    const id = idOnNode(`${start.protocol}-${++this.#count}`, node)
    const recorder = new Recorder(id, node === undefined ? start : { ...start, node }, this.#clock, this.#events)
    this.#keep(recorder)
    this.#events.changed(recorder)
    this.#tell('opened', recorder.record)
    return recorder
  }

  /** Deletes the oldest records until the number of records and their memory are within the limits. */
  #forgetOldest(maxOctets = MAX_OCTETS): void {
    for (const recorder of this.#records.values()) {
      if (this.#records.size <= 1 || (this.#records.size <= MAX_SESSIONS && this.#octets <= maxOctets)) return
      this.#delete(recorder)
      // An open session may go on for long.
      if (recorder.record.endedAt === undefined) recorder.stop()
    }
  }

  #keep(recorder: Recorder): void {
    this.#records.set(recorder.id, recorder)
    recorder.isKept = true
    this.#events.grown(recorder, RECORD_OCTETS)
  }

  #delete(recorder: Recorder): void {
    const { id, heldOctets } = recorder
    this.#records.delete(id)
    recorder.isKept = false
    recorder.heldOctets = 0
    this.#octets -= heldOctets
    this.#memory.give('transcripts', heldOctets)
  }

  /** Returns all records, oldest first, open sessions included. */
  list(): readonly SessionRecord[] {
    return [...this.#records.values()].map((recorder) => recorder.record)
  }

  get(id: string): SessionRecord | undefined {
    return this.#records.get(id)?.record
  }

  /** Adds a note to the record of a session, if it is kept here. */
  note(id: string, text: string): void {
    this.#records.get(id)?.note(text)
  }

  /** Calls `listener` when a session ends. Returns the function that removes the listener. */
  watch(listener: (record: SessionRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells `follower` when a session begins, is secured, and is forgotten. Returns the function that removes the follower. */
  follow(follower: SessionFollower): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  #tell(what: Exclude<keyof SessionFollower, 'mail'>, record: SessionRecord): void {
    for (const follower of this.#followers) follower[what]?.(record)
  }

  /** Calls `observer` at each change of a record, also for its end. Returns the function that removes the observer. */
  observe(observer: (change: SessionChange) => void): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  /** Deletes the record of an open connection, and does not report its end. */
  forget({ remoteAddress, remotePort, localPort }: ConnectionAddresses): void {
    for (const recorder of this.#records.values()) {
      const { id, record } = recorder
      if (record.endedAt !== undefined || record.remotePort !== remotePort || record.localPort !== localPort) continue
      if (record.remoteAddress !== remoteAddress) continue
      this.#unwanted.add(id)
      this.#delete(recorder)
      this.#tell('forgotten', record)
    }
  }

  /** Deletes the records of sessions that have ended and meet a condition. */
  forgetEnded(isMeant: (record: SessionRecord) => boolean): void {
    for (const recorder of this.#records.values()) {
      if (recorder.record.endedAt !== undefined && isMeant(recorder.record)) this.#delete(recorder)
    }
  }

  /** Deletes the records of sessions that have ended. Those of open ones begin again, with `resetAt`. */
  clear(): void {
    for (const recorder of [...this.#records.values()]) {
      this.#delete(recorder)
      if (recorder.record.endedAt !== undefined) continue
      this.#keep(recorder)
      recorder.reset()
    }
  }
}

/** Learns of the steps of each session before its end. */
interface SessionFollower {
  opened?(record: SessionRecord): void
  /** A TLS handshake has succeeded. */
  secured?(record: SessionRecord): void
  /** A mail transaction of SMTP has begun or ended. */
  mail?(record: SessionRecord, isOpen: boolean): void
  /** An open session was removed. Its end is not reported. */
  forgotten?(record: SessionRecord): void
}

/** A change of a record. */
interface SessionChange {
  readonly record: SessionRecord
  /** The most recent refusal. */
  readonly refusal?: string
}
