import { parseAddresses } from '../../src/mail/addresses.ts'
import { headerBlockEnd, headerFields, unfolded } from '../../src/mail/headers.ts'

const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')
const MESSAGE_ID = /^message-id[ \t]*:[ \t]*(?:\r\n[ \t]+)?(<[^<>\s]+>)/im
const BLIND = /^(?:resent-)?bcc[ \t]*:/im

/** What delivery wants to know of a header, found without parsing all of it. */
export interface HeaderScan {
  readonly messageId: string | undefined
  readonly hasBcc: boolean
}

export function scanHeader(message: Buffer): HeaderScan {
  const end = message.indexOf(END_OF_HEADER)
  const header = message.toString('latin1', 0, end === -1 ? message.length : end)
  return { messageId: MESSAGE_ID.exec(header)?.[1], hasBcc: BLIND.test(header) }
}

/** A message without its Bcc fields, and the addresses they named, in lower case. */
export function withoutBcc(message: Buffer): { readonly rest: Buffer; readonly named: ReadonlySet<string> } {
  const parts: Buffer[] = []
  const named = new Set<string>()
  let from = 0
  for (const field of headerFields(message, 0, headerBlockEnd(message))) {
    if (field.nameLower !== 'bcc' && field.nameLower !== 'resent-bcc') continue
    parts.push(message.subarray(from, field.start))
    from = field.end
    for (const { mailbox, host } of parseAddresses(unfolded(message, field))) {
      if (mailbox !== undefined && host !== undefined) named.add(`${mailbox}@${host}`.toLowerCase())
    }
  }
  return { rest: Buffer.concat([...parts, message.subarray(from)]), named }
}
