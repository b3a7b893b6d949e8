import { headerFields, headerValue } from '../../src/mail/headers.ts'
import { messageIds } from '../../src/mail/message-ids.ts'
import { withInboxInCapitals } from '../../src/store/mailboxes.ts'
import type { NewMessage } from '../../src/store/types.ts'
import { Content, parseCacheOf, sectionOctets } from './fetch/content.ts'
import { findMailbox } from './mailbox-names.ts'
import { bad, ImapError, no } from './reply.ts'
import type { Session } from './session.ts'
import type { StateOf } from './state.ts'
import { Cursor } from './wire/cursor.ts'
import { dateTime } from './wire/date-time.ts'
import { fetchItems } from './wire/fetch-request.ts'
import { flags } from './wire/flags.ts'

/** A piece of a message to be put together: octets, or where they are. RFC 4469. */
export type MessagePiece = { readonly octets: Buffer } | { readonly url: string }

/** One message of APPEND or REPLACE. */
export interface GivenMessage {
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate?: number
  readonly pieces: readonly MessagePiece[]
}

/** `[(flags)] ["date-time"] data`, with the space in front. RFC 9051 section 9, append-message; RFC 3502, 4469, 6855. */
export function givenMessage(cursor: Cursor, session: Session): GivenMessage {
  cursor.space()
  const given = cursor.ahead === '(' ? flags(cursor) : []
  if (cursor.atEnd) throw cursor.missing('a message')
  if (given.length > 0 || cursor.ahead === ' ') cursor.take(' ')
  const internalDate = cursor.ahead === '"' ? dateTime(cursor) : undefined
  if (internalDate !== undefined) cursor.space()
  return { flags: given, pieces: data(cursor, session), ...(internalDate === undefined ? {} : { internalDate }) }
}

function data(cursor: Cursor, session: Session): MessagePiece[] {
  if (cursor.take('CATENATE ')) return cursor.list(piece)
  if (cursor.take('UTF8 (')) {
    if (!session.utf8) throw bad('ENABLE UTF8=ACCEPT first') // RFC 6855 section 4
    const octets = messageOctets(cursor)
    cursor.expect(')')
    return [{ octets }]
  }
  return [{ octets: messageOctets(cursor) }]
}

function piece(cursor: Cursor): MessagePiece {
  if (cursor.take('URL ')) return { url: cursor.astring() }
  cursor.expect('TEXT ')
  return { octets: messageOctets(cursor) }
}

function messageOctets(cursor: Cursor): Buffer {
  const { octets, binary } = cursor.literal()
  if (!binary && octets.includes(0)) throw no('NUL in a literal: a literal8 can hold it', 'CANNOT') // RFC 9051 section 4.3
  return octets
}

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

/** `/mailbox;UIDVALIDITY=1/;UID=20/;SECTION=1.2`, or `/;UID=20…` of the selected mailbox. RFC 5092 section 7. */
const URL_FORM =
  /^(?:\/(?<mailbox>[^;/][^;]*?)(?:;UIDVALIDITY=(?<uidValidity>\d+))?)?\/?;UID=(?<uid>\d+)(?:\/;SECTION=(?<section>[^;/]+))?$/i

/**
 * The octets a CATENATE URL names, in this server and account. RFC 4469 section 4.
 * @throws ImapError BADURL
 */
export async function urlOctets(
  session: Session,
  state: StateOf<'authenticated'> | StateOf<'selected'>,
  url: string,
): Promise<Buffer> {
  const badUrl = (): ImapError => no('the URL names nothing here', `BADURL "${url.replace(/["\\\r\n]/g, '')}"`)
  const { mailbox, uidValidity, uid, section = '' } = URL_FORM.exec(url)?.groups ?? {}
  if (uid === undefined) throw badUrl()
  const { store } = session.context
  const selection = state.name === 'selected' ? state.selection : undefined
  const name = mailbox === undefined ? undefined : decoded(mailbox)
  const folder = name === undefined ? selection?.folder : await found(session, state, withInboxInCapitals(name))
  if (!folder || (uidValidity !== undefined && Number(uidValidity) !== folder.uidValidity)) throw badUrl()
  const entry = await store.entry(folder.id, Number(uid))
  const raw = entry && (await store.read(folder.id, entry.uid))
  const item = sectionItem(decoded(section) ?? '')
  if (!entry || !raw || !item) throw badUrl()
  const octets = sectionOctets(new Content(raw, entry.blob, parseCacheOf(store)), item)
  if (!octets) throw badUrl()
  return octets
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined // not an escape sequence of UTF-8
  }
}

async function found(session: Session, { identity }: StateOf<'authenticated'> | StateOf<'selected'>, name: string) {
  try {
    return await findMailbox(session, identity, name)
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}

function sectionItem(section: string) {
  try {
    const [item] = fetchItems(Cursor.of(`BODY.PEEK[${section}]`))
    return item?.kind === 'section' ? item.section : undefined
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}
