import { headerFields } from './headers.ts'
import { bodyStructureForm, envelope, envelopeForm } from './imap-form.ts'
import { inOnePiece } from './octets.ts'
import { everyPart } from './parts.ts'
import { SearchText } from './search-text.ts'
import { parseMessage } from './structure.ts'
import type { Envelope, HeaderField, MessagePart, OctetString } from './types.ts'

/** What a field, and a part, take in memory, about. */
const FIELD_OCTETS = 120
const PART_OCTETS = 600

/** What has been found out about one message's octets, each piece once. `raw` must be that message's, whole. */
export class ParsedMessage {
  /** Filled by the methods of like name; read them to know whether the octets are needed at all. */
  fields: readonly HeaderField[] | undefined
  structure: MessagePart | undefined
  envelope: Envelope | undefined
  private envelopeText: OctetString | undefined
  private structureText: OctetString | undefined
  /** What it holds for SEARCH; ask it first, and for what it does not hold, the methods below with the octets. */
  readonly search: SearchText
  private readonly grown: (octets: number) => void
  /** Octets of memory this takes, about. */
  heldOctets = 0

  /** `grown` is told how many octets more came to be held, about. */
  constructor(grown: (octets: number) => void = () => {}) {
    this.grown = grown
    this.search = new SearchText((chars) => this.hold(chars))
  }

  private hold(octets: number): void {
    this.heldOctets += octets
    this.grown(octets)
  }

  fieldsOf(raw: Buffer): readonly HeaderField[] {
    if (!this.fields) {
      this.fields = headerFields(raw)
      this.hold(this.fields.length * FIELD_OCTETS)
    }
    return this.fields
  }

  structureOf(raw: Buffer): MessagePart {
    if (!this.structure) {
      this.structure = parseMessage(raw)
      this.hold([...everyPart(this.structure)].length * PART_OCTETS)
    }
    return this.structure
  }

  envelopeOf(raw: Buffer): Envelope {
    if (!this.envelope) {
      const fields = this.fieldsOf(raw)
      this.envelope = envelope(raw, fields)
      this.hold(fields.at(-1)?.end ?? 0) // at most what the header has
    }
    return this.envelope
  }

  /** What FETCH ENVELOPE says. */
  envelopeFormOf(raw: Buffer): OctetString {
    this.envelopeText ??= this.keptForm(envelopeForm(this.envelopeOf(raw)))
    return this.envelopeText
  }

  /** What FETCH BODYSTRUCTURE says. */
  structureFormOf(raw: Buffer): OctetString {
    this.structureText ??= this.keptForm(bodyStructureForm(raw, this.structureOf(raw)))
    return this.structureText
  }

  private keptForm(text: OctetString): OctetString {
    this.hold(text.length)
    return inOnePiece(text)
  }

  /** A field of that name (any case) holds the needle, which `fold` has folded; an empty needle asks whether there is one. */
  headerContains(raw: Buffer, name: string, needle: string): boolean {
    return this.search.headerContains(raw, this.fieldsOf(raw), name, needle)
  }

  bodyContains(raw: Buffer, needle: string): boolean {
    return this.search.bodyContains(raw, this.structureOf(raw), needle)
  }

  textContains(raw: Buffer, needle: string): boolean {
    return this.search.textContains(raw, this.structureOf(raw), needle)
  }
}

export interface ParseCacheLimits {
  readonly entries: number
  /** Of memory, about, of all entries together. */
  readonly octets: number
}

const DEFAULT_LIMITS: ParseCacheLimits = { entries: 20_000, octets: 128 << 20 }

/** What is left of the limits after some were forgotten. */
const KEPT = 15 / 16

/** The least recently used go first. Keyed by `MessageEntry.blob`: the octets' identity, so copies share. */
export class ParseCache {
  private readonly limits: ParseCacheLimits
  private readonly messages = new Map<string, ParsedMessage>()
  private heldOctets = 0

  constructor(limits: Partial<ParseCacheLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** The entry of these octets as it is, and no less old for it. */
  peek(blob: string): ParsedMessage | undefined {
    return this.messages.get(blob)
  }

  /** The entry of these octets, made empty where there is none. */
  get(blob: string): ParsedMessage {
    const found: ParsedMessage =
      this.messages.get(blob) ?? new ParsedMessage((octets) => this.grown(blob, found, octets))
    this.messages.delete(blob)
    this.messages.set(blob, found)
    if (this.messages.size > this.limits.entries) this.forgetOldest()
    return found
  }

  private grown(blob: string, message: ParsedMessage, octets: number): void {
    if (this.messages.get(blob) !== message) return // forgotten while someone still used it
    this.heldOctets += octets
    if (this.heldOctets > this.limits.octets) this.forgetOldest()
  }

  /** Down to somewhat below the limits, so that this happens seldom: to find a map's oldest entry is not cheap. */
  private forgetOldest(): void {
    const { entries, octets } = this.limits
    for (const [blob, { heldOctets }] of this.messages) {
      const enough = this.messages.size <= Math.ceil(entries * KEPT) && this.heldOctets <= octets * KEPT
      if (enough || this.messages.size === 1) return
      this.messages.delete(blob)
      this.heldOctets -= heldOctets
    }
  }
}
