import type { Clock } from '../common/clock.ts'
import { Mask } from './mask.ts'
import type { ClientHelloFacts, Direction, SessionRecord, SessionRecorder, TlsFacts, TranscriptEntry } from './types.ts'

export interface SessionStart {
  readonly virtualServer: string
  readonly protocol: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** What tells a connection from all others that are open. */
export type Ends = Pick<SessionStart, 'remoteAddress' | 'remotePort' | 'localPort'>

/** Sessions kept, and entries and characters of one session's transcript; the oldest sessions go first. */
const MAX_SESSIONS = 1_000
const MAX_ENTRIES = 2_000
const MAX_LINE = 1_000
/** Characters of all transcripts together, and what an entry takes beside its text, about. */
const MAX_HELD = 64 * 1024 * 1024
const ENTRY_HELD = 200

/** Everything that happened on the connections of a lab, the latest ones. */
export class SessionLog {
  readonly #clock: Clock
  readonly #records = new Map<string, Recorder>()
  readonly #listeners = new Set<(record: SessionRecord) => void>()
  /** Open, and of no interest: nobody will be told that they end. */
  readonly #unwanted = new Set<string>()
  readonly #told: Told = {
    ended: ({ id, record }) => {
      if (!this.#unwanted.delete(id)) for (const listener of this.#listeners) listener(record)
    },
    grown: (recorder, held) => {
      if (this.#records.get(recorder.id) !== recorder) return
      this.#held += held
      this.#forgetOldest()
    },
  }
  #count = 0
  #held = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  open(start: SessionStart): SessionRecorder & { readonly record: SessionRecord } {
    const recorder = new Recorder(`${start.protocol}-${++this.#count}`, start, this.#clock, this.#told)
    this.#records.set(recorder.id, recorder)
    this.#forgetOldest()
    return recorder
  }

  #forgetOldest(): void {
    if (this.#records.size <= MAX_SESSIONS && this.#held <= MAX_HELD) return
    for (const [id, { held }] of this.#records) {
      if (this.#records.size <= 1 || (this.#records.size <= MAX_SESSIONS && this.#held <= MAX_HELD)) return
      this.#records.delete(id)
      this.#held -= held
    }
  }

  /** Oldest first; open sessions included. */
  list(): readonly SessionRecord[] {
    return [...this.#records.values()].map((recorder) => recorder.record)
  }

  get(id: string): SessionRecord | undefined {
    return this.#records.get(id)?.record
  }

  /** Calls `listener` when a session ends. Returns the function that ends it. */
  watch(listener: (record: SessionRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** An open connection is not on record any more, nor does anybody hear of its end. */
  forget({ remoteAddress, remotePort, localPort }: Ends): void {
    for (const [id, { record, held }] of this.#records) {
      if (record.endedAt !== undefined || record.remotePort !== remotePort || record.localPort !== localPort) continue
      if (record.remoteAddress !== remoteAddress) continue
      this.#unwanted.add(id)
      this.#records.delete(id)
      this.#held -= held
    }
  }

  clear(): void {
    this.#records.clear()
    this.#held = 0
  }
}

/** What the recorders tell the log. */
interface Told {
  readonly ended: (recorder: Recorder) => void
  /** So many characters more are held. */
  readonly grown: (recorder: Recorder, held: number) => void
}

/** No longer than a line of a record may be; a copy, since a piece would keep all of a long text in memory. */
function cut(text: string): string {
  if (text.length <= MAX_LINE) return text
  return `${Buffer.from(text.slice(0, MAX_LINE)).toString()}… (${text.length} characters)`
}

/** First words of a client that is at the wrong door. */
const mistakes: readonly (readonly [RegExp, string])[] = [
  // A ClientHello, as far as it is a line. RFC 8446 section 5.1
  [/^\x16\x03/, 'the client begins with TLS on the clear-text port: STARTTLS is offered here, or use the TLS port'],
  [/^(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT) \S+ HTTP\/\d/, 'the client sent an HTTP request'],
]
const SILENT =
  'the client left after the handshake without a word: does it accept the certificate (its host name, its issuer)?'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

class Recorder implements SessionRecorder {
  readonly id: string
  readonly record: SessionRecord
  readonly #record: Mutable<SessionRecord> & { refusals: string[]; transcript: TranscriptEntry[] }
  readonly #mask: Mask
  #hasSpoken = false
  readonly #clock: Clock
  readonly #told: Told
  /** Characters that the transcript takes in memory, about. */
  held = 0

  constructor(id: string, start: SessionStart, clock: Clock, told: Told) {
    this.id = id
    this.#mask = new Mask(start.protocol)
    this.#clock = clock
    this.#told = told
    this.#record = { id, ...start, startedAt: clock.now(), refusals: [], transcript: [] }
    this.record = this.#record
  }

  line(direction: Direction, text: string, secret = false): void {
    if (!this.#hasRoom()) return
    if (direction === 'in' && !this.#hasSpoken) this.#firstWords(text)
    const shown = cut(direction === 'in' ? this.#mask.ofClient(text, secret) : this.#mask.ofServer(text))
    this.#record.transcript.push({
      at: this.#clock.now(),
      encrypted: this.#encrypted,
      kind: 'line',
      direction,
      text: shown,
    })
    this.#grow(shown.length)
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
    }
  }

  note(text: string): void {
    if (!this.#hasRoom()) return
    const shown = cut(text)
    this.#record.transcript.push({ at: this.#clock.now(), encrypted: this.#encrypted, kind: 'note', text: shown })
    this.#grow(shown.length)
  }

  hello(facts: ClientHelloFacts): void {
    this.#record.hello = facts
  }

  secured(facts: TlsFacts): void {
    this.#record.tls = facts
    this.note(`TLS: ${facts.version} ${facts.cipher} (${facts.bits} bits)`)
  }

  user(name: string): void {
    this.#record.user = name
  }

  refused(why: string): void {
    const shown = cut(this.#mask.ofServer(why))
    if (this.#record.refusals.length < MAX_ENTRIES) {
      this.#record.refusals.push(shown)
      this.#grow(shown.length)
    }
    this.note(`refused: ${shown}`)
  }

  end(cause: string): void {
    if (this.#record.endedAt !== undefined) return
    // Many clients judge a certificate only after the handshake, and leave without an alert.
    if (this.#record.tls && !this.#hasSpoken && /^(?:client closed|connection lost)$/.test(cause)) this.note(SILENT)
    this.#record.endedAt = this.#clock.now()
    this.#record.endCause = cause
    this.#told.ended(this)
  }

  #grow(characters: number): void {
    const grown = characters + ENTRY_HELD
    this.held += grown
    this.#told.grown(this, grown)
  }

  /** Clients that took the port for another kind say so with their first words. */
  #firstWords(text: string): void {
    this.#hasSpoken = true
    const mistake = mistakes.find(([words]) => words.test(text))
    if (mistake) this.refused(mistake[1])
  }

  get #encrypted(): boolean {
    return this.#record.tls !== undefined
  }

  /** A transcript that is full says so once. */
  #hasRoom(): boolean {
    const entries = this.#record.transcript
    if (entries.length < MAX_ENTRIES) return true
    if (entries.length === MAX_ENTRIES)
      entries.push({
        at: this.#clock.now(),
        encrypted: this.#encrypted,
        kind: 'note',
        text: 'the rest is not on record',
      })
    return false
  }
}
