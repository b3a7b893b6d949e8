import { formatDate } from '../../../mail/format/dates.ts'
import type { ReportedRecipient, StatusReport } from './types.ts'

const NOT_ASCII = /[^\x20-\x7e]/

/** Returns whether a text has characters outside printable ASCII. */
export const isNotAscii = (text: string): boolean => NOT_ASCII.test(text)

/** Longest text of a field, so that its line stays below 998 octets. RFC 5322 section 2.1.1. */
const MAX_TEXT = 800

/** Returns a text as one line. Without `utf8`, characters outside ASCII become question marks. */
export function oneLine(text: string, utf8: boolean): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, MAX_TEXT)
  return utf8 ? line : line.replace(/[^\x20-\x7e]/gu, '?')
}

/** Returns an address with its type: `rfc822; alice@lab.test`. RFC 3464 section 2.1.2, RFC 6533 section 3. */
function typedAddress(address: string, utf8: boolean): string {
  if (!isNotAscii(address)) return `rfc822; ${address}`
  return `utf-8; ${utf8 ? address : encodeXtext(address)}`
}

/** Returns an ORCPT value. RFC 3461 section 4.2, RFC 6533 section 3. */
function typedOriginal(original: string, utf8: boolean): string {
  const line = oneLine(original, true)
  if (utf8 || !isNotAscii(line)) return line
  const [, type = 'utf-8', address = line] = /^([^;]*);(.*)$/s.exec(line) ?? []
  return `${isNotAscii(type) ? 'utf-8' : type};${encodeXtext(address)}`
}

/** Encodes an address as `utf-8-addr-xtext`. RFC 6533 section 3. */
const encodeXtext = (address: string): string =>
  address.replace(
    /[^\x21-\x7e]|[+=\\]/gu,
    (character) => `\\x{${(character.codePointAt(0) as number).toString(16).toUpperCase()}}`,
  )

export type Field = readonly [name: string, value: string | undefined]

/** Characters that would end a field, or not arrive. A line end before a space only folds the line. RFC 5322 section 2.2.3. */
const NOT_IN_FIELD = /\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0/g

/** Writes fields that have a value. No value can begin another field. */
export const fieldLines = (fields: readonly Field[]): string =>
  fields
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value.replace(NOT_IN_FIELD, ' ')}\r\n`]))
    .join('')

/** Returns the fields about the message. RFC 3464 section 2.2. */
export const messageFields = ({ hostname, envelopeId, arrivedAt }: StatusReport, utf8: boolean): readonly Field[] => [
  ['Reporting-MTA', `dns; ${hostname}`],
  ['Original-Envelope-Id', envelopeId === undefined ? undefined : oneLine(envelopeId, utf8)],
  ['Arrival-Date', formatDate(arrivedAt)],
]

/** Returns the fields about one recipient. RFC 3464 section 2.3. */
export function recipientFields(recipient: ReportedRecipient, utf8: boolean): readonly Field[] {
  const { address, originalRecipient, action, status, remoteMta, lastAttemptAt, retryUntil } = recipient
  return [
    ['Original-Recipient', originalRecipient === undefined ? undefined : typedOriginal(originalRecipient, utf8)],
    ['Final-Recipient', typedAddress(address, utf8)],
    ['Action', action],
    ['Status', status],
    ['Remote-MTA', remoteMta === undefined ? undefined : `dns; ${oneLine(remoteMta, utf8)}`],
    ['Diagnostic-Code', diagnosticCode(recipient, utf8)],
    ['Last-Attempt-Date', lastAttemptAt === undefined ? undefined : formatDate(lastAttemptAt)],
    // RFC 3464 section 2.3.9: only where the action is `delayed`
    ['Will-Retry-Until', retryUntil === undefined || action !== 'delayed' ? undefined : formatDate(retryUntil)],
  ]
}

/** Returns the reply of the remote server, or a reason that is not a reply. RFC 3464 section 2.3.6. */
function diagnosticCode({ code, status, text }: ReportedRecipient, utf8: boolean): string | undefined {
  if (text === undefined || text === '') return undefined
  return code === undefined ? `x-sealpost; ${oneLine(text, utf8)}` : `smtp; ${replyOf({ code, status, text }, utf8)}`
}

const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3}(?: |$)/

/** Returns a reply with its enhanced status code, which `text` may have already. RFC 2034 section 4. */
export function replyOf(
  { code, status, text = '' }: Pick<ReportedRecipient, 'code' | 'status' | 'text'>,
  utf8: boolean,
): string {
  const line = oneLine(text, utf8)
  const enhanced = ENHANCED.test(line) ? '' : `${status} `
  return code === undefined ? line : `${code} ${enhanced}${line}`
}
