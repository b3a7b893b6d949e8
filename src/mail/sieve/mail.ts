import { runInSlices } from '../../core/time/time-slice.ts'
import { isWritten, parseAddresses } from '../format/addresses.ts'
import { decodeRawText } from '../format/charsets.ts'
import { headerLines } from '../format/compose.ts'
import { bodyStartAfter, headerFields, unfolded } from '../format/headers.ts'
import { parseInSteps } from '../format/structure.ts'
import type { MessagePart, OctetString } from '../format/types.ts'
import { decodeWords } from '../format/words.ts'

interface Field {
  readonly nameLower: string
  /** Unfolded and trimmed, as in the message. */
  readonly value: OctetString
  readonly octets: Buffer
}

/** The message as a script sees it, with the changes of its header. RFC 5293. */
export class SieveMail {
  readonly raw: Buffer
  readonly bodyStart: number
  #fields: Field[]
  #structure: MessagePart | undefined
  /** The message with the current header, made at most once for each change. */
  #changed: Buffer | undefined
  #isChanged = false

  constructor(raw: Buffer) {
    this.raw = raw
    const fields = headerFields(raw)
    this.bodyStart = bodyStartAfter(raw, fields)
    this.#fields = fields.map((field) => ({
      nameLower: field.nameLower,
      get value() {
        return unfolded(raw, field)
      },
      octets: raw.subarray(field.start, field.end),
    }))
  }

  /** Returns the values of the fields of the names, in the order of the names. */
  raws(names: readonly string[]): OctetString[] {
    return names.flatMap((name) => this.#named(name).map(({ value }) => value))
  }

  /** Returns the decoded values. RFC 5228 section 2.7.2. */
  values(names: readonly string[]): string[] {
    return this.raws(names).map((value) => decodeWords(value).trim())
  }

  #named(name: string): Field[] {
    const nameLower = name.toLowerCase()
    return this.#fields.filter((field) => field.nameLower === nameLower)
  }

  async structure(): Promise<MessagePart> {
    this.#structure ??= await runInSlices(parseInSteps(this.raw))
    return this.#structure
  }

  async add(name: string, value: string, isLast: boolean): Promise<void> {
    const octets = Buffer.from(await headerLines([[name, value]]))
    const field = { nameLower: name.toLowerCase(), value: Buffer.from(value).toString('latin1'), octets }
    this.#fields = isLast ? [...this.#fields, field] : [field, ...this.#fields]
    this.#touch()
  }

  /** Deletes those fields of a name that are selected by their place and decoded value. Returns how many were deleted. */
  async delete(
    name: string,
    isSelected: (value: string, index: number, count: number) => Promise<boolean>,
  ): Promise<number> {
    const named = this.#named(name)
    const deleted = new Set<Field>()
    for (const [i, field] of named.entries())
      if (await isSelected(decodeWords(field.value).trim(), i, named.length)) deleted.add(field)
    if (deleted.size > 0) {
      this.#fields = this.#fields.filter((field) => !deleted.has(field))
      this.#touch()
    }
    return deleted.size
  }

  #touch(): void {
    this.#isChanged = true
    this.#changed = undefined
  }

  /** The message with its changed header; undefined if it is unchanged. */
  get changed(): Buffer | undefined {
    if (!this.#isChanged) return undefined
    const lastField = this.raw.subarray(0, this.bodyStart)
    const hasEmptyLine = /(?:^|\n)\r?\n$/.test(lastField.toString('latin1', Math.max(0, lastField.length - 4)))
    const end = hasEmptyLine ? Buffer.from('\r\n') : Buffer.alloc(0)
    this.#changed ??= Buffer.concat([
      ...this.#fields.map(({ octets }) => octets),
      end,
      this.raw.subarray(this.bodyStart),
    ])
    return this.#changed
  }
}

/** Returns the addresses of field values, without names and groups. RFC 5228 section 5.1. */
export const addressesOf = (values: readonly OctetString[]): string[] =>
  values.flatMap((value) =>
    parseAddresses(value)
      .filter((one) => one.mailbox !== undefined && one.host !== undefined && isWritten(one))
      .map(({ mailbox = '', host = '' }) => decodeRawText(`${mailbox}@${host}`)),
  )
