import {
  isWritten,
  MISSING_DOMAIN,
  MISSING_MAILBOX,
  parseAddresses,
  SYNTAX_ERROR,
} from '../../../src/mail/format/addresses.ts'
import { decodeRawText } from '../../../src/mail/format/charsets.ts'
import { parseZonedDate } from '../../../src/mail/format/dates.ts'
import { MAX_VALUE_OCTETS, unfoldValue } from '../../../src/mail/format/headers.ts'
import { messageIds } from '../../../src/mail/format/message-ids.ts'
import { beforeLineEnd } from '../../../src/mail/format/octets.ts'
import type { Address, HeaderField, OctetString } from '../../../src/mail/format/types.ts'
import { decodeSeparateWords, decodeWords } from '../../../src/mail/format/words.ts'

/** The parsed forms of a header field, and its octets. RFC 8621 section 4.1.2. */
export type HeaderForm = 'Raw' | 'Text' | 'Addresses' | 'GroupedAddresses' | 'MessageIds' | 'Date' | 'URLs'

/** A property that stands for a header field: `header:Subject:asText:all`, or `subject`. */
export interface HeaderProperty {
  /** As the property spells it. */
  readonly field: string
  readonly form: HeaderForm
  /** Whether its value is a list with one item for each field of that name. */
  readonly isAll: boolean
}

export interface EmailAddress {
  readonly name: string | null
  readonly email: string
}

export interface AddressGroup {
  readonly name: string | null
  readonly addresses: readonly EmailAddress[]
}

const ALL_FORMS: readonly HeaderForm[] = ['Raw', 'Text', 'Addresses', 'GroupedAddresses', 'MessageIds', 'Date', 'URLs']

/** The forms of the fields that RFC 5322 and RFC 2369 define, besides Raw. Other fields have all forms. RFC 8621 sections 4.1.2.1 to 4.1.2.7. */
const FORMS_OF: readonly (readonly [field: RegExp, forms: readonly HeaderForm[]])[] = [
  [/^(?:subject|comments|keywords)$/i, ['Text']],
  [/^(?:resent-)?(?:from|sender|reply-to|to|cc|bcc)$/i, ['Addresses', 'GroupedAddresses']],
  [/^(?:message-id|in-reply-to|references|resent-message-id)$/i, ['MessageIds']],
  [/^(?:resent-)?date$/i, ['Date']],
  [/^list-(?:help|unsubscribe|subscribe|post|owner|archive)$/i, ['URLs']],
  [/^(?:return-path|received)$/i, []],
]

const HEADER_PROPERTY = /^header:([!-9;-~]{1,900})(?::as([A-Z]\w+))?(:all)?$/

/** Returns the field and form of a property `header:{field}:as{form}:all`. Undefined for another name, and for a form that the field cannot have. */
export function headerProperty(property: string): HeaderProperty | undefined {
  const [found, field = '', given = 'Raw', all] = HEADER_PROPERTY.exec(property) ?? []
  const form = ALL_FORMS.find((one) => one === given)
  if (found === undefined || !form) return undefined
  const [, forms = ALL_FORMS] = FORMS_OF.find(([pattern]) => pattern.test(field)) ?? []
  return form === 'Raw' || forms.includes(form) ? { field, form, isAll: all !== undefined } : undefined
}

/** The properties of an Email with names of their own. RFC 8621 section 4.1.3. */
export const NAMED_HEADERS: ReadonlyMap<string, HeaderProperty> = new Map(
  Object.entries({
    messageId: 'header:Message-ID:asMessageIds',
    inReplyTo: 'header:In-Reply-To:asMessageIds',
    references: 'header:References:asMessageIds',
    sender: 'header:Sender:asAddresses',
    from: 'header:From:asAddresses',
    to: 'header:To:asAddresses',
    cc: 'header:Cc:asAddresses',
    bcc: 'header:Bcc:asAddresses',
    replyTo: 'header:Reply-To:asAddresses',
    subject: 'header:Subject:asText',
    sentAt: 'header:Date:asDate',
  }).map(([name, property]) => [name, headerProperty(property) as HeaderProperty]),
)

/** Returns the value of a property: of the last of the fields with its name, or of all. RFC 8621 section 4.1.3. */
export function headerForm(raw: Buffer, fields: readonly HeaderField[], { form, isAll }: HeaderProperty): unknown {
  const values = (isAll ? fields : fields.slice(-1)).map((field) => READERS[form](raw, field))
  return isAll ? values : (values[0] ?? null)
}

const READERS: Readonly<Record<HeaderForm, (raw: Buffer, field: HeaderField) => unknown>> = {
  Raw: rawValue,
  Text: (raw, field) => shownText(decodeSeparateWords(unfoldValue(raw, field))),
  Addresses: (raw, field) => groupsOf(raw, field).flatMap(({ addresses }) => addresses),
  GroupedAddresses: groupsOf,
  MessageIds: (raw, field) => orNull(messageIds(unfoldValue(raw, field)).map((id) => decodeRawText(id.slice(1, -1)))),
  Date: (raw, field) => dateForm(unfoldValue(raw, field)),
  URLs: (raw, field) => orNull(urlsIn(unfoldValue(raw, field))),
}

/** RFC 8621 sections 4.1.2.5 and 4.1.2.7: null if the field cannot be parsed. */
const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length > 0 ? list : null)

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Returns the octets of a value. Those that are not UTF-8 become U+FFFD. RFC 8621 section 4.1.2.1. */
export function rawValue(raw: Buffer, { valueStart, end }: HeaderField): string {
  const valueEnd = Math.min(beforeLineEnd(raw, end, valueStart), valueStart + MAX_VALUE_OCTETS)
  return utf8.decode(raw.subarray(valueStart, valueEnd)).replaceAll('\0', '')
}

/** Returns decoded text without control characters, in the normalization form C. RFC 8621 section 4.1.2.2. */
const shownText = (text: string): string => text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f]/g, '').normalize('NFC')

/** RFC 8621 section 4.1.2.4. Addresses outside of groups are together in groups without a name. */
function groupsOf(raw: Buffer, field: HeaderField): AddressGroup[] {
  const groups: { readonly name: string | null; readonly addresses: EmailAddress[] }[] = []
  let open: EmailAddress[] | undefined
  for (const address of parseAddresses(unfoldValue(raw, field))) {
    const { mailbox, host } = address
    const isAddress = host !== undefined
    const shown = isAddress ? emailAddress(address) : undefined
    // Something that is no address at all.
    if (shown?.name === null && shown.email === '') continue
    if (mailbox === undefined) open = undefined
    else if (!open || !isAddress) {
      open = []
      groups.push({ name: isAddress ? null : nameOf(mailbox), addresses: open })
    }
    if (shown) open?.push(shown)
  }
  return groups
}

const nameOf = (name: OctetString | undefined): string | null => shownText(decodeWords(name ?? '')).trim() || null

const IS_DOT_ATOM = /^[^\x00-\x20\x7f()<>[\]:;@\\,."]+(?:\.[^\x00-\x20\x7f()<>[\]:;@\\,."]+)*$/
const written = (part: string | undefined): string =>
  part === undefined || [MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR].includes(part) ? '' : part

/** Returns an address of a field. A draft may have only a word, without `@`: that is the address. RFC 8621 section 4.1.2.3. */
function emailAddress(address: Address): EmailAddress {
  const [local, host] = [written(address.mailbox), written(address.host)]
  if (local === '' && host === '') return { name: null, email: nameOf(address.name) ?? '' }
  const isPlain = !isWritten(address) || IS_DOT_ATOM.test(local)
  const shown = isPlain ? local : `"${local.replaceAll(/["\\]/g, '\\$&')}"`
  return { name: nameOf(address.name), email: decodeRawText(host === '' ? shown : `${shown}@${host}`) }
}

/** Returns a date with its zone, as RFC 3339 writes it. RFC 8621 section 4.1.2.6, RFC 8620 section 1.4. */
function dateForm(value: OctetString): string | null {
  const found = parseZonedDate(value)
  if (!found || Number.isNaN(found.ms)) return null
  const { ms, zoneMinutes } = found
  const local = new Date(ms + zoneMinutes * 60_000).toISOString().slice(0, 19)
  if (zoneMinutes === 0) return `${local}Z`
  const [hours, minutes] = [Math.trunc(Math.abs(zoneMinutes) / 60), Math.abs(zoneMinutes) % 60]
  const two = (number: number): string => `${number}`.padStart(2, '0')
  return `${local}${zoneMinutes < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
}

/** Returns the URLs in angle brackets outside of comments. RFC 2369 section 2. */
const urlsIn = (value: OctetString): string[] =>
  Array.from(value.matchAll(/\([^()]*\)|<([^<>]*)>/g), ([, url]) =>
    decodeRawText((url ?? '').replaceAll(/\s+/g, '')),
  ).filter((url) => url !== '')
