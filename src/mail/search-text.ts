import { findField, headerFields, unfolded } from './headers.ts'
import { everyPart, isText, partText } from './parts.ts'
import type { HeaderField, MessagePart } from './types.ts'
import { decodeWords } from './words.ts'

/** Text as it is compared: case and compatibility differences gone, about i;unicode-casemap (RFC 5051). */
export function fold(text: string): string {
  return Buffer.byteLength(text) === text.length ? text.toLowerCase() : text.normalize('NFKD').toLowerCase()
}

/**
 * One message's text for SEARCH, decoded and folded once, piece by piece as it is asked for. Needles must be folded by
 * `fold` (once a search, not once a message). RFC 9051 section 6.4.4.
 */
export class SearchText {
  private readonly headers = new Map<string, readonly string[]>()
  private header: string | undefined
  private body: string | undefined
  private readonly grown: (chars: number) => void
  /** `grown` is told of every text kept, in characters. */
  constructor(grown: (chars: number) => void = () => {}) {
    this.grown = grown
  }

  private keep(text: string): string {
    this.grown(text.length)
    return text
  }

  /** A field of that name (any case) holds the needle; an empty needle asks whether there is such a field. */
  headerContains(raw: Buffer, fields: readonly HeaderField[], name: string, needle: string): boolean {
    const nameLower = name.toLowerCase()
    let values = this.headers.get(nameLower)
    if (!values) {
      if (!findField(fields, nameLower)) return false
      values = valuesOf(raw, fields, nameLower).map((value) => this.keep(value))
      this.headers.set(nameLower, values)
    }
    return values.some((value) => value.includes(needle))
  }

  /** `headerContains` from what is held already; undefined where the octets are needed. `nameLower` in lower case. */
  headerHeld(fields: readonly HeaderField[] | undefined, nameLower: string, needle: string): boolean | undefined {
    const values = this.headers.get(nameLower)
    if (!values) return fields && !findField(fields, nameLower) ? false : undefined
    for (const value of values) if (value.includes(needle)) return true
    return false
  }

  /** `bodyContains` from what is held already. */
  bodyHeld(needle: string): boolean | undefined {
    return this.body?.includes(needle)
  }

  /** `textContains` from what is held already. */
  textHeld(needle: string): boolean | undefined {
    if (this.header === undefined) return undefined
    return this.header.includes(needle) || this.bodyHeld(needle)
  }

  /** A text part holds the needle; part headers are no body, as with Dovecot. */
  bodyContains(raw: Buffer, structure: MessagePart, needle: string): boolean {
    this.body ??= this.keep(fold(bodyText(raw, structure)))
    return this.body.includes(needle)
  }

  /** Any header or a text part holds the needle. */
  textContains(raw: Buffer, structure: MessagePart, needle: string): boolean {
    this.header ??= this.keep(fold(headerText(raw, structure)))
    return this.header.includes(needle) || this.bodyContains(raw, structure, needle)
  }
}

const valuesOf = (raw: Buffer, fields: readonly HeaderField[], nameLower: string): string[] =>
  fields.filter((field) => field.nameLower === nameLower).map((field) => fold(decodeWords(unfolded(raw, field))))

/** Every header in the message, those of its parts and of messages inside too. */
function headerText(raw: Buffer, structure: MessagePart): string {
  const texts: string[] = []
  for (const part of everyPart(structure)) {
    const fields = headerFields(raw, part.headerStart, part.bodyStart)
    for (const field of fields) texts.push(`${field.name}: ${decodeWords(unfolded(raw, field))}`)
  }
  return texts.join('\n')
}

/** The content of every text part; where there is no text part, BODY finds nothing. */
function bodyText(raw: Buffer, structure: MessagePart): string {
  const texts: string[] = []
  for (const part of everyPart(structure)) if (isText(part)) texts.push(partText(raw, part))
  return texts.length === 1 ? (texts[0] as string) : texts.join('\n')
}
