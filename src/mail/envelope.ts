import { parseAddresses } from './addresses.ts'
import { headerValues } from './headers.ts'
import type { Address, Envelope, HeaderField, OctetString } from './types.ts'

/**
 * The ENVELOPE of the message whose header fields these are. Where a field wrongly comes twice (RFC 5322 section 3.6),
 * address lists are joined, so that none is hidden, and of the others the last counts. RFC 9051 section 7.5.2.
 */
export function envelope(raw: Buffer, fields: readonly HeaderField[]): Envelope {
  const addresses = (name: string): Address[] => headerValues(raw, fields, name).flatMap(parseAddresses)
  const from = addresses('from')
  const orFrom = (found: Address[]): Address[] => (found.length > 0 ? found : from) // RFC 9051 section 7.5.2
  const last = (name: string): OctetString | undefined => headerValues(raw, fields, name).at(-1)
  return {
    ...text('date', last('date')),
    ...text('subject', last('subject')),
    from,
    sender: orFrom(addresses('sender')),
    replyTo: orFrom(addresses('reply-to')),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    ...text('inReplyTo', last('in-reply-to')),
    ...text('messageId', last('message-id')),
  }
}

const text = <K extends string>(key: K, value: OctetString | undefined): { [P in K]?: OctetString } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: OctetString }
