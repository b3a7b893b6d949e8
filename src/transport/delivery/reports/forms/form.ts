import { formatDate } from '../../../../mail/format/dates.ts'
import { oneLine, replyOf } from '../status-fields.ts'
import type { Action, ReportedRecipient, StatusReport } from '../types.ts'

/** Writes a report as one kind of server does. */
export type WriteReport = (report: StatusReport) => Buffer

/** Returns what a report is about: a failure, or else what happened to the first recipient. */
export const mainAction = ({ recipients }: StatusReport): Action =>
  recipients.find(({ action }) => action === 'failed')?.action ?? recipients[0]?.action ?? 'failed'

/** Returns text with CRLF line ends. */
export const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\r\n`).join('')

/** Returns the date in the zone of servers in the US: `Tue, 24 Nov 2026 04:00:00 -0800 (PST)`. */
export const pacificDate = (at: number): string => formatDate(at - 8 * 3_600_000).replace('+0000', '-0800 (PST)')

/** Escapes a text for HTML. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** Returns the domain of an address. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

/** Returns the whole reply of a server, `550 5.1.1 No such user`, in the characters of the report. */
export const replyText = (recipient: ReportedRecipient, { smtpUtf8 }: StatusReport): string =>
  replyOf(recipient, smtpUtf8)

/** Returns the addresses that a report is about. */
export const addresses = ({ recipients, smtpUtf8 }: StatusReport): string[] =>
  recipients.map(({ address }) => oneLine(address, smtpUtf8))
