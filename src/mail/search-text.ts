import { findField, headerFields, unfolded } from './headers.ts'
import { everyPart, isText, partText } from './parts.ts'
import type { HeaderField, MessagePart } from './types.ts'
import { decodeWords } from './words.ts'

/** Returns the form in which texts are compared: without differences of case and compatibility, much like i;unicode-casemap (RFC 5051). */
export function fold(text: string): string {
  return Buffer.byteLength(text) === text.length ? text.toLowerCase() : text.normalize('NFKD').toLowerCase()
}

/**
 * The text of one message for SEARCH. Each part of it is decoded and folded at its first use and kept. Callers must fold
 * needles with `fold`, once per search. RFC 9051 section 6.4.4.
 */
export class SearchText {
  private readonly headers = new Map<string, readonly string[]>()
  private header: string | undefined
  private body: string | undefined
  private readonly grown: (chars: number) => void
  /** @param grown receives the length of every text that is kept, in characters */
  constructor(grown: (chars: number) => void = () => {}) {
    this.grown = grown
  }

  private keep(text: string): string {
    this.grown(text.length)
    return text
  }

  /** Returns whether a field of that name, in any case, contains the needle. With an empty needle: whether there is such a field. */
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

  /** Returns `headerContains` from the kept texts; undefined if the octets are needed. `nameLower` is in lower case. */
  headerHeld(fields: readonly HeaderField[] | undefined, nameLower: string, needle: string): boolean | undefined {
    const values = this.headers.get(nameLower)
    if (!values) return fields && !findField(fields, nameLower) ? false : undefined
    for (const value of values) if (value.includes(needle)) return true
    return false
  }

  /** Returns `bodyContains` from the kept texts; undefined if the octets are needed. */
  bodyHeld(needle: string): boolean | undefined {
    return this.body?.includes(needle)
  }

  /** Returns `textContains` from the kept texts; undefined if the octets are needed. */
  textHeld(needle: string): boolean | undefined {
    if (this.header === undefined) return undefined
    return this.header.includes(needle) || this.bodyHeld(needle)
  }

  /** Returns whether a text part contains the needle. As in Dovecot, headers of parts do not count. */
  bodyContains(raw: Buffer, structure: MessagePart, needle: string): boolean {
    this.body ??= this.keep(fold(bodyText(raw, structure)))
    return this.body.includes(needle)
  }

  /** Returns whether any header or text part contains the needle. */
  textContains(raw: Buffer, structure: MessagePart, needle: string): boolean {
    this.header ??= this.keep(fold(headerText(raw, structure)))
    return this.header.includes(needle) || this.bodyContains(raw, structure, needle)
  }
}

const valuesOf = (raw: Buffer, fields: readonly HeaderField[], nameLower: string): string[] =>
  fields.filter((field) => field.nameLower === nameLower).map((field) => fold(decodeWords(unfolded(raw, field))))

/** Returns all headers of the message, of its parts and of messages inside. */
function headerText(raw: Buffer, structure: MessagePart): string {
  const texts: string[] = []
  for (const part of everyPart(structure)) {
    const fields = headerFields(raw, part.headerStart, part.bodyStart)
    for (const field of fields) texts.push(`${field.name}: ${decodeWords(unfolded(raw, field))}`)
  }
  return texts.join('\n')
}

/** Returns the content of all text parts. */
function bodyText(raw: Buffer, structure: MessagePart): string {
  const texts: string[] = []
  for (const part of everyPart(structure)) if (isText(part)) texts.push(partText(raw, part))
  return texts.length === 1 ? (texts[0] as string) : texts.join('\n')
}
