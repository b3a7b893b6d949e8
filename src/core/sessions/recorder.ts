import type { SocketAddress } from '../network/ip-address.ts'
import { maskUrls } from '../text/mask-urls.ts'
import type { Clock } from '../time/clock.ts'
import type { CauseName } from './cures.ts'
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

/** Limits of one transcript: its entries, and the characters of one entry. */
const MAX_ENTRIES = 2_000
/** The maximum number of users that a connection remembers. */
const MAX_USERS = 100
const MAX_LINE = 1_000
/** Approximate memory of an entry besides its text. */
const ENTRY_OCTETS = 200

/** The events that recorders report to the log. */
export interface RecorderEvents {
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

/** Writes the record of one connection. */
export class Recorder implements SessionRecorder {
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
    const { begun = 0, isOpen: wasOpen = false, ...rest } = this.#record.mail ?? {}
    if (!isOpen && !wasOpen) return
    this.#record.mail = { ...rest, begun: isOpen ? begun + 1 : begun, isOpen }
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

  because(name: CauseName | undefined, account?: string): void {
    if (name === undefined || this.#isStopped) return
    const causes = this.#record.causes ?? []
    if (causes.some((one) => one.name === name && one.account === account)) return
    this.#record.causes = [...causes, { name, ...(account === undefined ? {} : { account }) }]
    this.#events.changed(this)
  }

  end(cause: string): void {
    if (this.#record.endedAt !== undefined) return
    // Many clients check the certificate only after the handshake, and close without an alert.
    const { tls, direction } = this.#record
    const isSilent = tls !== undefined && direction !== 'out' && !this.#hasSpoken && !this.#isExplained
    if (isSilent && /^(?:client closed|connection lost)$/.test(cause)) {
      this.note(SILENT)
      this.because(tls.serverNameMismatch ? 'wrong-name' : 'certificate-refused')
    }
    this.#record.endedAt = this.#clock.now()
    this.#record.endCause = cause
    this.#events.ended(this)
    this.#events.changed(this)
  }

  /** Discards what has happened until now, and goes on. The facts about the connection and an open transaction stay. */
  reset(): void {
    this.#record.resetAt = this.#clock.now()
    this.#record.transcript = []
    this.#record.refusals = []
    delete this.#record.causes
    if (this.#record.mail?.isOpen) this.#record.mail = { begun: 1, isOpen: true, wasOpenAtReset: true }
    else if (this.#record.mail) this.#record.mail = { begun: 0, isOpen: false }
    this.note('the lab was reset: what happened before is deleted')
  }

  /** Discards the transcript, and records no more of it. */
  stop(): void {
    this.#isStopped = true
    this.#record.transcript = []
    this.#record.refusals = []
    delete this.#record.causes
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
