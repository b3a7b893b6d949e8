import { parseAddresses } from './addresses.ts'
import { unfolded } from './headers.ts'
import type { Address, Envelope, HeaderField, OctetString } from './types.ts'

const TEXTS = ['date', 'subject', 'in-reply-to', 'message-id'] as const
const LISTS = ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'] as const

/** Once a list has so many addresses, further fields of its name are passed over. */
const MAX_ADDRESSES = 20_000

/**
 * The ENVELOPE of the message whose header fields these are. Where a field wrongly comes twice (RFC 5322 section 3.6),
 * address lists are joined, so that none is hidden, and of the others the last counts. RFC 9051 section 7.5.2.
 */
export function envelope(raw: Buffer, fields: readonly HeaderField[]): Envelope {
  const texts = new Map<string, OctetString>()
  const lists = new Map<string, Address[]>()
  for (const field of fields) {
    const { nameLower } = field
    if (includes(TEXTS, nameLower)) texts.set(nameLower, unfolded(raw, field))
    else if (includes(LISTS, nameLower)) {
      const before = lists.get(nameLower)
      if (before && before.length > MAX_ADDRESSES) continue
      const found = parseAddresses(unfolded(raw, field))
      if (before) for (const address of found) before.push(address)
      else lists.set(nameLower, found)
    }
  }
  return assembled(texts, lists)
}

const includes = (names: readonly string[], name: string): boolean => names.includes(name)

function assembled(texts: ReadonlyMap<string, OctetString>, lists: ReadonlyMap<string, Address[]>): Envelope {
  const [date, subject, inReplyTo, messageId] = TEXTS.map((name) => texts.get(name))
  const [from = [], sender = [], replyTo = [], to = [], cc = [], bcc = []] = LISTS.map((name) => lists.get(name))
  return {
    ...(date === undefined ? {} : { date }),
    ...(subject === undefined ? {} : { subject }),
    from,
    sender: sender.length > 0 ? sender : from, // RFC 9051 section 7.5.2
    replyTo: replyTo.length > 0 ? replyTo : from,
    to,
    cc,
    bcc,
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(messageId === undefined ? {} : { messageId }),
  }
}
