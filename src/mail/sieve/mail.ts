import { runInSlices } from '../../core/time/time-slice.ts'
import { isWritten, parseAddresses } from '../format/addresses.ts'
import { decodeRawText } from '../format/charsets.ts'
import { headerLines } from '../format/compose.ts'
import { bodyStartAfter, headerFields, unfoldValue } from '../format/headers.ts'
import { parseInSteps } from '../format/structure.ts'
import type { MessagePart, OctetString } from '../format/types.ts'
import { decodeWords } from '../format/words.ts'
import type { SieveMessage } from './types.ts'

interface Field {
  readonly nameLower: string
  /** Unfolded and trimmed, as in the message. */
  readonly value: OctetString
  readonly octets: Buffer
}

/** The message as a script sees it, with the changes of its header. RFC 5293. */
export class SieveMail {
  readonly octets: number
  /** Where the body begins. */
  readonly bodyStart: number
  /** The empty line after the header. */
  readonly #end: Buffer
  readonly #whole: () => Buffer | Promise<Buffer>
  #fields: Field[]
  #body: Promise<{ readonly raw: Buffer; readonly structure: MessagePart }> | undefined
  /** The current header, made at most once for each change. */
  #changed: Buffer | undefined
  #isChanged = false

  constructor({ raw, octets = raw.length, whole = () => raw }: SieveMessage) {
    this.octets = octets
    this.#whole = whole
    const fields = headerFields(raw)
    this.bodyStart = bodyStartAfter(raw, fields)
    this.#end = raw.subarray(fields.at(-1)?.end ?? 0, this.bodyStart)
    this.#fields = fields.map((field) => ({
      nameLower: field.nameLower,
      get value() {
        return unfoldValue(raw, field)
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

  /** Returns the whole message as it arrived, and its structure. */
  body(): Promise<{ readonly raw: Buffer; readonly structure: MessagePart }> {
    this.#body ??= (async () => {
      const raw = await this.#whole()
      return { raw, structure: await runInSlices(parseInSteps(raw)) }
    })()
    return this.#body
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

  /** The changed header, with the empty line after it; undefined if it is unchanged. */
  get changed(): Buffer | undefined {
    if (this.#isChanged) this.#changed ??= Buffer.concat([...this.#fields.map(({ octets }) => octets), this.#end])
    return this.#changed
  }
}

/** Returns the addresses of field values, without names and groups. RFC 5228 section 5.1. */
export const fieldAddresses = (values: readonly OctetString[]): string[] =>
  values.flatMap((value) =>
    parseAddresses(value)
      .filter((one) => one.mailbox !== undefined && one.host !== undefined && isWritten(one))
      .map(({ mailbox = '', host = '' }) => decodeRawText(`${mailbox}@${host}`)),
  )
