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

/** Looks at the header that begins at `start`. */
export function scanHeader(raw: Buffer, start: number): HeaderScan {
  // The line before counts as its beginning: a message may have no header at all.
  const end = raw.indexOf(END_OF_HEADER, Math.max(0, start - 2))
  const header = raw.toString('latin1', start, end === -1 ? raw.length : end)
  return { messageId: MESSAGE_ID.exec(header)?.[1], hasBcc: BLIND.test(header) }
}

/** A message whose header begins at `start`, without its Bcc fields, and the addresses they named, in lower case. */
export function withoutBcc(raw: Buffer, start: number): { readonly rest: Buffer; readonly named: ReadonlySet<string> } {
  const parts: Buffer[] = []
  const named = new Set<string>()
  let from = 0
  for (const field of headerFields(raw, start, headerBlockEnd(raw, start))) {
    if (field.nameLower !== 'bcc' && field.nameLower !== 'resent-bcc') continue
    parts.push(raw.subarray(from, field.start))
    from = field.end
    for (const { mailbox, host } of parseAddresses(unfolded(raw, field))) {
      if (mailbox !== undefined && host !== undefined) named.add(`${mailbox}@${host}`.toLowerCase())
    }
  }
  return { rest: Buffer.concat([...parts, raw.subarray(from)]), named }
}
