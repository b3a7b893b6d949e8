import type { SocketAddress } from '../network/ip-address.ts'
import { MemoryBudget } from '../octets/memory-budget.ts'
import { maskUrls } from '../text/mask-urls.ts'
import type { Clock } from '../time/clock.ts'
import { Mask } from './mask.ts'
import {
  type ClientHelloFacts,
  type Direction,
  isOfClient,
  type SessionRecord,
  type SessionRecorder,
  type SessionStart,
  type TlsFacts,
  type TranscriptEntry,
} from './types.ts'

/** The addresses and ports that identify an open connection. */
export type ConnectionAddresses = Pick<SessionStart, 'remoteAddress' | 'remotePort' | 'localPort'>

/** Sessions kept. The oldest are deleted first. */
const MAX_SESSIONS = 1_000
/** Limits of one transcript: its entries, and the characters of one entry. */
const MAX_ENTRIES = 2_000
/** The maximum number of users that a connection remembers. */
const MAX_USERS = 100
const MAX_LINE = 1_000
/** Approximate memory of all records together. */
const MAX_OCTETS = 64 * 1024 * 1024
/** Approximate memory of a record, and of an entry besides its text. */
const RECORD_OCTETS = 2_048
const ENTRY_OCTETS = 200

/** Between the number of a session and its node, in the ids of a lab with several nodes. Allowed in Received fields and URLs. */
const OF_NODE = '~'

/** Returns the node that an id of a session names; undefined for a lab that is its only node. */
export function nodeOfSession(id: string): string | undefined {
  const at = id.indexOf(OF_NODE)
  return at === -1 ? undefined : id.slice(at + OF_NODE.length)
}

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
    const id = `${start.protocol}-${++this.#count}${node === undefined ? '' : OF_NODE + node}`
    const recorder = new Recorder(id, node === undefined ? start : { ...start, node }, this.#clock, this.#events)
    this.#records.set(recorder.id, recorder)
    recorder.isKept = true
    this.#events.grown(recorder, RECORD_OCTETS)
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

  #delete(recorder: Recorder): void {
    const { id, heldOctets } = recorder
    this.#records.delete(id)
    recorder.isKept = false
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

  clear(): void {
    for (const recorder of this.#records.values()) this.#delete(recorder)
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

/** The events that recorders report to the log. */
interface RecorderEvents {
  readonly ended: (recorder: Recorder) => void
  readonly secured: (recorder: Recorder) => void
  readonly mail: (recorder: Recorder, isOpen: boolean) => void
  readonly grown: (recorder: Recorder, octets: number) => void
  readonly changed: (recorder: Recorder, refusal?: string) => void
}

/** Shortens a text to the longest allowed line. Makes a copy, because a slice would keep the whole text in memory. */
function cut(text: string): string {
  if (text.length <= MAX_LINE) return text
  return `${Buffer.from(text.slice(0, MAX_LINE)).toString()}… (${text.length} characters)`
}

/** The first line of a client that uses the wrong port. */
const HTTP_REQUEST = /^(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT) \S+ HTTP\/\d/
const SILENT =
  'the client closed the connection right after the handshake: does it accept the certificate (host name, issuer)?'

const lengthOf = (list: readonly unknown[] | undefined): number => list?.length ?? 0

/**
 * Returns about how much memory the facts of a ClientHello take. It names every list: copying the rest of the facts would
 * compute the fingerprint for each handshake.
 */
function memoryOfHello(facts: ClientHelloFacts): number {
  const { suites, versions, alpn, serverName = '', keyShares, groups, signatureAlgorithms, extensions } = facts
  const numbers = [suites, keyShares, groups, signatureAlgorithms, extensions]
  let octets = serverName.length + TEXT_OCTETS
  for (const list of numbers) octets += 8 * lengthOf(list)
  for (const text of versions) octets += text.length + TEXT_OCTETS
  for (const text of alpn) octets += text.length + TEXT_OCTETS
  return octets
}

/** Memory of a text besides its characters. */
const TEXT_OCTETS = 24

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

class Recorder implements SessionRecorder {
  readonly id: string
  readonly record: SessionRecord
  readonly #record: Mutable<SessionRecord> & { refusals: string[]; transcript: TranscriptEntry[] }
  readonly #mask: Mask
  #hasSpoken = false
  #firstUser: string | undefined
  /** Whether a note since the TLS handshake tells what happened. */
  #isExplained = false
  readonly #clock: Clock
  readonly #events: RecorderEvents
  /** Approximate memory of the record while the log has it. */
  heldOctets = 0
  /** Whether the log has the record. */
  isKept = false
  #isStopped = false

  constructor(id: string, start: SessionStart, clock: Clock, events: RecorderEvents) {
    this.id = id
    this.#mask = new Mask(start.protocol)
    this.#clock = clock
    this.#events = events
    this.#record = { id, ...start, startedAt: clock.now(), refusals: [], transcript: [] }
    this.record = this.#record
  }

  line(direction: Direction, text: string, secret = false): void {
    if (!this.#hasRoom()) return
    const isClient = isOfClient(this.#record, direction)
    if (isClient && !this.#hasSpoken) this.#checkFirstLine(text)
    const shown = cut(isClient ? this.#mask.ofClient(text, secret) : this.#mask.ofServer(text))
    this.#add(direction, shown, this.#clock.now())
    this.#grow(shown.length)
  }

  lines(direction: Direction, text: string): void {
    if (!this.#hasRoom()) return
    const isMasked = isOfClient(this.#record, direction) || !this.#mask.showsServer(text)
    const now = this.#clock.now()
    let entries = 0
    let characters = 0
    for (let from = 0, at = 0; from < text.length; from = at + 2) {
      at = text.indexOf('\r\n', from)
      if (at === -1) at = text.length
      const line = text.slice(from, at)
      if (isMasked) this.line(direction, line)
      else if (this.#hasRoom()) {
        const shown = cut(line)
        this.#add(direction, shown, now)
        characters += shown.length
        entries++
      }
    }
    if (entries > 0) this.#grow(characters, entries)
  }

  octets(direction: Direction, octets: number): void {
    const last = this.#record.transcript.at(-1)
    if (last?.kind === 'octets' && last.direction === direction) {
      this.#record.transcript[this.#record.transcript.length - 1] = { ...last, octets: last.octets + octets }
    } else if (this.#hasRoom()) {
      this.#record.transcript.push({
        at: this.#clock.now(),
        encrypted: this.#encrypted,
        kind: 'octets',
        direction,
        octets,
      })
      this.#grow(0)
    }
  }

  note(text: string, saysWhy = false): void {
    this.#isExplained ||= saysWhy
    if (!this.#hasRoom()) return
    const shown = cut(maskUrls(text))
    this.#record.transcript.push({ at: this.#clock.now(), encrypted: this.#encrypted, kind: 'note', text: shown })
    this.#grow(shown.length)
  }

  forwarded({ address, port }: SocketAddress, proxy: SocketAddress | undefined): void {
    this.#record.remoteAddress = address
    this.#record.remotePort = port
    if (proxy) this.#record.proxy = proxy
    else delete this.#record.proxy
    this.note(proxy ? `requests of ${address}, forwarded by the proxy` : 'requests of the proxy itself')
  }

  hello(facts: ClientHelloFacts): void {
    this.#record.hello = facts
    this.#grow(memoryOfHello(facts))
  }

  secured(facts: TlsFacts): void {
    this.#record.tls = facts
    this.#grow(facts.clientCertificate?.der.length ?? 0)
    this.note(`TLS: ${facts.version} ${facts.cipher} (${facts.bits} bits)`)
    this.#events.secured(this)
  }

  usedBy(who: string): void {
    this.#firstUser ??= who
    const known = this.#record.usedBy ?? [this.#firstUser]
    // Further users count as others, so that nobody sees the record as one of their own.
    const added = known.includes(who) || known.length < MAX_USERS ? who : ''
    if (known.includes(added)) return
    this.#record.usedBy = [...known, added]
    this.#grow(added.length)
  }

  user(name: string): void {
    this.usedBy(name)
    this.#record.user = name
    this.#mask.loggedOn()
    this.#events.changed(this)
  }

  mail(isOpen: boolean): void {
    const { begun = 0, isOpen: wasOpen = false } = this.#record.mail ?? {}
    if (!isOpen && !wasOpen) return
    this.#record.mail = { begun: isOpen ? begun + 1 : begun, isOpen }
    this.#events.mail(this, isOpen)
    this.#events.changed(this)
  }

  refused(why: string): void {
    if (this.#isStopped) return
    const shown = cut(this.#mask.ofServer(why))
    if (this.#record.refusals.length < MAX_ENTRIES) {
      this.#record.refusals.push(shown)
      this.#grow(shown.length)
    }
    this.note(`refused: ${shown}`)
    this.#events.changed(this, shown)
  }

  end(cause: string): void {
    if (this.#record.endedAt !== undefined) return
    // Many clients check the certificate only after the handshake, and close without an alert.
    const { tls, direction } = this.#record
    const isSilent = tls !== undefined && direction !== 'out' && !this.#hasSpoken && !this.#isExplained
    if (isSilent && /^(?:client closed|connection lost)$/.test(cause)) this.note(SILENT)
    this.#record.endedAt = this.#clock.now()
    this.#record.endCause = cause
    this.#events.ended(this)
    this.#events.changed(this)
  }

  /** Discards the transcript, and records no more of it. */
  stop(): void {
    this.#isStopped = true
    this.#record.transcript = []
    this.#record.refusals = []
  }

  #add(direction: Direction, text: string, at: number): void {
    this.#record.transcript.push({ at, encrypted: this.#encrypted, kind: 'line', direction, text })
  }

  #grow(characters: number, entries = 1): void {
    this.#events.grown(this, characters + entries * ENTRY_OCTETS)
    this.#events.changed(this)
  }

  /** Recognizes a client that takes the port for a web server’s. */
  #checkFirstLine(text: string): void {
    this.#hasSpoken = true
    if (this.#record.protocol !== 'http' && HTTP_REQUEST.test(text)) this.refused('the client sent an HTTP request')
  }

  get #encrypted(): boolean {
    return this.#record.tls !== undefined
  }

  /** Returns whether the transcript can take another entry. Notes once that it is full. */
  #hasRoom(): boolean {
    if (this.#isStopped) return false
    const entries = this.#record.transcript
    if (entries.length < MAX_ENTRIES) return true
    if (entries.length === MAX_ENTRIES)
      entries.push({
        at: this.#clock.now(),
        encrypted: this.#encrypted,
        kind: 'note',
        text: 'the transcript is full: the rest is not recorded',
      })
    return false
  }
}
