import { headerFields, headerValue } from '../../src/mail/headers.ts'
import { messageIds } from '../../src/mail/message-ids.ts'
import type { NewMessage } from '../../src/store/types.ts'
import { urlOctets } from './catenate-url.ts'
import { no } from './reply.ts'
import type { Session } from './session.ts'
import type { StateOf } from './state.ts'
import type { GivenMessage } from './wire/append-messages.ts'

type LoggedOn = StateOf<'authenticated'> | StateOf<'selected'>

/** The octets of a given message, its pieces put together. @throws ImapError TOOBIG, BADURL */
export async function assembled(session: Session, state: LoggedOn, { pieces }: GivenMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for (const piece of pieces) parts.push('url' in piece ? await urlOctets(session, state, piece.url) : piece.octets)
  const limit = session.context.config.limits.messageSize
  const octets = parts.reduce((sum, part) => sum + part.length, 0)
  if (octets > limit) throw no(`messages may have ${limit} octets`, 'TOOBIG') // RFC 4469 section 3
  if (octets === 0) throw no('a message of no octets is none', 'CANNOT') // RFC 3502 section 6.3.11: the client gave up
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, octets)
}

/** The message as the store takes it. */
export function newMessage(raw: Buffer, given: GivenMessage, folderId: string): NewMessage {
  const id = headerValue(raw, headerFields(raw), 'message-id')
  const [messageId] = id === undefined ? [] : messageIds(id)
  return {
    raw,
    targets: [{ folderId, flags: given.flags }],
    ...(given.internalDate === undefined ? {} : { internalDate: given.internalDate }),
    ...(messageId === undefined ? {} : { messageId }),
  }
}
