import { SharedSteps } from '../../core/async/shared-steps.ts'
import { MemoryBudget } from '../../core/octets/memory-budget.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import { headerFields } from './headers.ts'
import { bodyStructureForm, envelope, envelopeForm } from './imap-form.ts'
import { everyPart } from './parts.ts'
import { SearchText } from './search-text.ts'
import { parseInSteps } from './structure.ts'
import type { Envelope, HeaderField, MessagePart, OctetString } from './types.ts'

/** Approximate memory of an entry of the cache, of a header field, and of a part. */
const ENTRY_OCTETS = 400
const FIELD_OCTETS = 120
const PART_OCTETS = 600

/** Messages of this size may take more than one time slice. */
const LONG_OCTETS = 64 * 1024

/** The parsed parts of one message, each computed at its first use. `raw` must always be the whole message. */
export class ParsedMessage {
  /** Set by the methods of similar names. Callers check them to find out whether the octets are needed. */
  fields: readonly HeaderField[] | undefined
  structure: MessagePart | undefined
  envelope: Envelope | undefined
  /** The value of FETCH ENVELOPE. */
  envelopeForm: OctetString | undefined
  /** The value of FETCH BODYSTRUCTURE. */
  structureForm: OctetString | undefined
  #search: SearchText | undefined
  #shared: SharedSteps<'structure' | 'structure form'> | undefined
  readonly #grown: (octets: number) => void
  /** Approximate memory of this object in octets. */
  heldOctets = 0

  /** @param grown receives the approximate growth in octets */
  constructor(grown: (octets: number) => void = () => {}) {
    this.#grown = grown
  }

  /** The texts for SEARCH. Ask it first; if it returns undefined, call the methods below with the octets. */
  get search(): SearchText {
    return (this.#search ??= new SearchText((chars) => this.hold(chars)))
  }

  /** Counts memory that this object holds. */
  hold(octets: number): void {
    this.heldOctets += octets
    this.#grown(octets)
  }

  fieldsOf(raw: Buffer): readonly HeaderField[] {
    if (!this.fields) {
      this.fields = headerFields(raw)
      this.hold(this.fields.length * FIELD_OCTETS)
    }
    return this.fields
  }

  *structureOf(raw: Buffer): Steps<MessagePart> {
    if (!this.structure) yield* this.#once(raw, 'structure', () => this.#parse(raw))
    return this.structure as MessagePart
  }

  /** Lets sessions share steps that take long. */
  #once(raw: Buffer, key: 'structure' | 'structure form', begin: () => Steps<void>): Steps<void> {
    return raw.length < LONG_OCTETS ? begin() : (this.#shared ??= new SharedSteps()).run(key, begin)
  }

  *#parse(raw: Buffer): Steps<void> {
    this.structure = yield* parseInSteps(raw)
    this.hold(everyPart(this.structure).length * PART_OCTETS)
  }

  *envelopeOf(raw: Buffer): Steps<Envelope> {
    if (this.envelope) return this.envelope
    const fields = this.fieldsOf(raw)
    const read = yield* envelope(raw, fields)
    if (!this.envelope) this.hold(fields.at(-1)?.end ?? 0) // at most the size of the header
    return (this.envelope ??= read)
  }

  // Lists of a mailbox need the forms of every message and nothing else, so what they are made of is not kept.
  *envelopeFormOf(raw: Buffer): Steps<OctetString> {
    if (this.envelopeForm !== undefined) return this.envelopeForm
    const form = yield* envelopeForm(this.envelope ?? (yield* envelope(raw, this.fields ?? headerFields(raw))))
    return (this.envelopeForm ??= this.#keptForm(form))
  }

  *structureFormOf(raw: Buffer): Steps<OctetString> {
    if (this.structureForm === undefined) yield* this.#once(raw, 'structure form', () => this.#form(raw))
    return this.structureForm as OctetString
  }

  *#form(raw: Buffer): Steps<void> {
    const structure = this.structure ?? (yield* parseInSteps(raw))
    this.structureForm = this.#keptForm(yield* bodyStructureForm(raw, structure))
  }

  #keptForm(text: OctetString): OctetString {
    this.hold(text.length)
    return text
  }

  /** Returns whether a header field contains the needle, which must be folded. See `SearchText`. */
  headerContains(raw: Buffer, name: string, needle: string): Steps<boolean> {
    return this.search.headerContains(raw, this.fieldsOf(raw), name, needle)
  }

  *bodyContains(raw: Buffer, needle: string): Steps<boolean> {
    return yield* this.search.bodyContains({ raw, structure: yield* this.structureOf(raw) }, needle)
  }

  *textContains(raw: Buffer, needle: string): Steps<boolean> {
    return yield* this.search.textContains({ raw, structure: yield* this.structureOf(raw) }, needle)
  }
}

/** Approximate memory of all entries together. Entries of listed messages have about 1 KB each. */
const LIMIT_OCTETS = 128 << 20

/** Share of the limit that remains after entries were dropped. */
const KEPT_SHARE = 15 / 16

/** Parsed messages by `MessageEntry.blob`, which copies share. Drops the least recently used ones. */
export class ParseCache {
  readonly #limitOctets: number
  readonly #messages = new Map<string, ParsedMessage>()
  readonly #memory: MemoryBudget
  #heldOctets = 0

  constructor(limitOctets = LIMIT_OCTETS, memory = new MemoryBudget()) {
    this.#limitOctets = limitOctets
    this.#memory = memory
    const drop = (octets: number): void =>
      this.#dropOldest(Math.min(this.#heldOctets - octets, this.#heldOctets * KEPT_SHARE), 0)
    memory.addDroppable({ drop })
  }

  /** Returns the entry of a blob, without marking it as used. */
  peek(blob: string): ParsedMessage | undefined {
    return this.#messages.get(blob)
  }

  /** Returns the entry of a blob. Creates an empty one if it is missing. */
  get(blob: string): ParsedMessage {
    const known = this.#messages.get(blob)
    if (known) {
      this.#messages.delete(blob)
      this.#messages.set(blob, known)
      return known
    }
    const created: ParsedMessage = new ParsedMessage((octets) => this.#grown(blob, created, octets))
    this.#messages.set(blob, created)
    created.hold(ENTRY_OCTETS)
    return created
  }

  #grown(blob: string, message: ParsedMessage, octets: number): void {
    if (this.#messages.get(blob) !== message) return // dropped while someone still uses it
    this.#heldOctets += octets
    if (this.#heldOctets > this.#limitOctets) this.#dropOldest()
    this.#memory.hold('caches', octets)
  }

  /** Drops entries until the cache is somewhat below its limit, because finding the oldest entry of a map is slow. */
  #dropOldest(maxOctets = this.#limitOctets * KEPT_SHARE, kept = 1): void {
    for (const [blob, { heldOctets }] of this.#messages) {
      if (this.#heldOctets <= maxOctets || this.#messages.size <= kept) return
      this.#messages.delete(blob)
      this.#heldOctets -= heldOctets
      this.#memory.give('caches', heldOctets)
    }
  }
}
