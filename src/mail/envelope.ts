import { parseAddresses } from './addresses.ts'
import { headerValue, headerValues } from './headers.ts'
import type { Address, Envelope, HeaderField, OctetString } from './types.ts'

/** The ENVELOPE of the message whose header fields these are. RFC 9051 section 7.5.2. */
export function envelope(raw: Buffer, fields: readonly HeaderField[]): Envelope {
  const addresses = (name: string): Address[] => headerValues(raw, fields, name).flatMap(parseAddresses)
  const from = addresses('from')
  const orFrom = (found: Address[]): Address[] => (found.length > 0 ? found : from) // RFC 9051 section 7.5.2
  return {
    ...text('date', headerValue(raw, fields, 'date')),
    ...text('subject', headerValue(raw, fields, 'subject')),
    from,
    sender: orFrom(addresses('sender')),
    replyTo: orFrom(addresses('reply-to')),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    ...text('inReplyTo', headerValue(raw, fields, 'in-reply-to')),
    ...text('messageId', headerValue(raw, fields, 'message-id')),
  }
}

const text = <K extends string>(key: K, value: OctetString | undefined): { [P in K]?: OctetString } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: OctetString }
