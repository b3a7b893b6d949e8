import { envelope } from './envelope.ts'
import { headerBlockEnd, headerFields } from './headers.ts'
import { type Overview, overview } from './overview.ts'
import { SearchText } from './search-text.ts'
import { parseMessage } from './structure.ts'
import type { Envelope, HeaderField, MessagePart } from './types.ts'

/** What has been found out about one message's octets, each piece once. `raw` must be that message's, whole. */
export class ParsedMessage {
  /** Filled by the methods of like name; read them to know whether the octets are needed at all. */
  fields: readonly HeaderField[] | undefined
  structure: MessagePart | undefined
  envelope: Envelope | undefined
  overview: Overview | undefined
  readonly search: SearchText

  /** `grown` is told how many characters of search text came to be held. */
  constructor(grown?: (chars: number) => void) {
    this.search = new SearchText(grown)
  }

  fieldsOf(raw: Buffer): readonly HeaderField[] {
    return (this.fields ??= headerFields(raw, 0, headerBlockEnd(raw)))
  }

  structureOf(raw: Buffer): MessagePart {
    return (this.structure ??= parseMessage(raw))
  }

  envelopeOf(raw: Buffer): Envelope {
    return (this.envelope ??= envelope(raw, this.fieldsOf(raw)))
  }

  overviewOf(raw: Buffer): Overview {
    return (this.overview ??= overview(raw))
  }

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
  /** Folded search text kept, in characters of all messages together. */
  readonly searchChars: number
}

const DEFAULT_LIMITS: ParseCacheLimits = { entries: 20_000, searchChars: 64 << 20 }

/** The least recently used go first. Keyed by `MessageEntry.blob`: the octets' identity, so copies share. */
export class ParseCache {
  private readonly limits: ParseCacheLimits
  private readonly messages = new Map<string, ParsedMessage>()
  private searchChars = 0

  constructor(limits: Partial<ParseCacheLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** The entry of these octets, made empty where there is none. */
  get(blob: string): ParsedMessage {
    const found: ParsedMessage = this.messages.get(blob) ?? new ParsedMessage((chars) => this.grown(blob, found, chars))
    this.messages.delete(blob)
    this.messages.set(blob, found)
    this.forgetWhile(() => this.messages.size > this.limits.entries)
    return found
  }

  private grown(blob: string, message: ParsedMessage, chars: number): void {
    if (this.messages.get(blob) !== message) return // forgotten while someone still used it
    this.searchChars += chars
    this.forgetWhile(() => this.searchChars > this.limits.searchChars && this.messages.size > 1)
  }

  private forgetWhile(tooMuch: () => boolean): void {
    for (const [blob, { search }] of this.messages) {
      if (!tooMuch()) return
      this.messages.delete(blob)
      this.searchChars -= search.size
    }
  }
}
