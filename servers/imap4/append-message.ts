import { isAscii, isUtf8 } from 'node:buffer'
import { joinPieces } from '../../src/core/octets/pieces.ts'
import { parseImapDateTime } from '../../src/mail/format/dates.ts'
import { headerBlockEnd } from '../../src/mail/format/headers.ts'
import type { HoldLimit, NewMessage } from '../../src/storage/store/types.ts'
import { bad, no } from './reply.ts'
import type { ImapSession, LoggedOn } from './state.ts'
import { type ImapUrl, parseImapUrl } from './url/imap-url.ts'
import { authorizedTarget, isThisServer } from './url/url-auth.ts'
import { targetOctets, type UrlTarget, urlTarget } from './url/url-content.ts'
import type { Cursor, Literal } from './wire/cursor.ts'
import { flags } from './wire/flags.ts'

/** A part of a message given to APPEND: octets, or the URL of octets. RFC 4469. */
type MessagePart = { readonly content: Literal['content'] } | { readonly url: string }

/** One message of APPEND or REPLACE. */
export interface AppendMessage {
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate?: number
  readonly parts: readonly MessagePart[]
}

/** Reads ` [(flags)] ["date-time"] data`. RFC 9051 section 9, append-message; RFC 3502, 4469, 9755. */
export function appendMessage(cursor: Cursor, session: ImapSession): AppendMessage {
  cursor.space()
  const given = cursor.ahead === '(' ? flags(cursor) : []
  if (cursor.atEnd) throw cursor.missing('a message')
  if (given.length > 0 || cursor.ahead === ' ') cursor.take(' ')
  const internalDate = cursor.ahead === '"' ? dateTime(cursor) : undefined
  if (internalDate !== undefined) cursor.space()
  return { flags: given, parts: data(cursor, session), ...(internalDate === undefined ? {} : { internalDate }) }
}

/** Reads a quoted `date-time` and returns milliseconds since the epoch. RFC 9051 section 9. */
export function dateTime(cursor: Cursor): number {
  const ms = parseImapDateTime(cursor.string())
  if (ms === undefined) throw bad('Date and time expected, such as "17-Jul-1996 02:44:25 -0700".')
  return ms
}

function data(cursor: Cursor, session: ImapSession): MessagePart[] {
  if (cursor.take('CATENATE ')) return cursor.list(catenatePart)
  if (!cursor.take('UTF8 (')) return [{ content: messageContent(cursor) }]
  if (!session.utf8) throw bad('Use ENABLE UTF8=ACCEPT first.') // RFC 9755 section 4
  const content = messageContent(cursor)
  cursor.expect(')')
  return [{ content }]
}

function catenatePart(cursor: Cursor): MessagePart {
  if (cursor.take('URL ')) return { url: cursor.astring() }
  cursor.expect('TEXT ')
  return { content: messageContent(cursor) }
}

function messageContent(cursor: Cursor): Literal['content'] {
  const { content, hasNul, binary } = cursor.literal()
  if (!binary && hasNul) throw no('A literal may not contain NUL. Use a literal8.', 'CANNOT') // RFC 9051 section 4.3
  return content
}

/** The parts of a message as one. */
export interface AssembledMessage {
  readonly octets: number
  /** As the store takes it. */
  readonly raw: NewMessage['raw']
}

/**
 * Joins the parts of a message. Returns a promise only if a part is a URL.
 * @throws ImapError TOOBIG, BADURL, or CANNOT if it is empty
 */
export function assembleMessage(
  session: ImapSession,
  state: LoggedOn,
  { parts }: AppendMessage,
): AssembledMessage | Promise<AssembledMessage> {
  const message = new MessageParts(session.context.config.limits.messageSize)
  if (parts.some((part) => 'url' in part)) return withUrls(session, state, parts, message)
  for (const part of parts) if ('content' in part) message.add(part.content)
  return message.assembled()
}

async function withUrls(
  session: ImapSession,
  state: LoggedOn,
  parts: AppendMessage['parts'],
  message: MessageParts,
): Promise<AssembledMessage> {
  for (const part of parts) message.add('url' in part ? await urlOctets(session, state, part.url) : part.content)
  return message.assembled()
}

/** The octets of a message's parts, within a limit. */
class MessageParts {
  readonly #limit: number
  readonly #parts: Literal['content'][] = []
  #octets = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws ImapError TOOBIG. Checked after each part, because a command can name a large message many times. */
  add(content: Literal['content']): void {
    this.#parts.push(content)
    this.#octets += Buffer.isBuffer(content) ? content.length : content.octets
    if (this.#octets > this.#limit) throw no(`A message may have ${this.#limit} octets.`, 'TOOBIG') // RFC 4469 section 3
  }

  assembled(): AssembledMessage {
    if (this.#octets === 0) throw no('An empty message is not stored.', 'CANNOT') // the client cancelled. RFC 3502 section 6.3.11
    return { octets: this.#octets, raw: joinContents(this.#parts) }
  }
}

function joinContents(contents: readonly Literal['content'][]): NewMessage['raw'] {
  const pieces: Buffer[] = []
  for (const content of contents) {
    const inMemory = Buffer.isBuffer(content) ? [content] : content.pieces
    if (!inMemory) return streamContents(contents)
    pieces.push(...inMemory)
  }
  return pieces
}

async function* streamContents(contents: readonly Literal['content'][]): AsyncGenerator<Buffer, void, void> {
  for (const content of contents) {
    if (Buffer.isBuffer(content)) yield content
    else yield* content.stream()
  }
}

/**
 * Returns whether the header of a message is internationalized: it has UTF-8 outside ASCII (RFC 6532). Headers in other
 * charsets, which old mail has, are not.
 */
export function hasUtf8Header({ parts: [first] }: AppendMessage): boolean {
  if (first === undefined || 'url' in first) return false
  const { content } = first
  const start = Buffer.isBuffer(content) ? content : (content.pieces?.[0] ?? Buffer.alloc(0))
  const header = start.subarray(0, headerBlockEnd(start))
  return !isAscii(header) && isUtf8(header)
}

/** Returns all octets of a message in one buffer. */
export async function wholeMessage({ raw }: AssembledMessage): Promise<Buffer> {
  if (Buffer.isBuffer(raw)) return raw
  if (!(Symbol.asyncIterator in raw)) return joinPieces(raw)
  const pieces: Buffer[] = []
  for await (const piece of raw) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Returns the message in the form that the store takes. */
export function newMessage(
  raw: NewMessage['raw'],
  message: AppendMessage,
  folderId: string,
  limit: HoldLimit | undefined,
): NewMessage {
  const { flags, internalDate } = message
  return { raw, targets: [{ folderId, flags, limit }], ...(internalDate === undefined ? {} : { internalDate }) }
}

/**
 * Returns the octets that a CATENATE URL names: in a mailbox of this account, or in any mailbox if the URL is authorized
 * for this session. RFC 4469 section 4; RFC 4467. @throws ImapError BADURL
 */
async function urlOctets(session: ImapSession, state: LoggedOn, url: string): Promise<Buffer> {
  const parsed = parseImapUrl(url)
  const target = parsed && (await catenateTarget(session, state, parsed))
  const octets = target && (await targetOctets(target, parsed))
  // RFC 4469 section 5, url-resp-text
  if (!octets) throw no('The URL names no data on this server.', `BADURL "${url.replace(/["\\\]\r\n]/g, '')}"`)
  return octets
}

async function catenateTarget(session: ImapSession, state: LoggedOn, url: ImapUrl): Promise<UrlTarget | undefined> {
  const { server, authorization } = url
  if (authorization) return authorizedTarget(session, url)
  const { directory } = session.context
  const { user, host } = server ?? {}
  if (host !== undefined && !isThisServer(session, host)) return undefined
  if (user !== undefined && !directory.isSame(directory.find(user), state.identity.account)) return undefined
  // The right to read may be taken while the mailbox is selected. RFC 4314 section 4
  const selection = state.name === 'selected' && state.selection.rights.includes('r') ? state.selection : undefined
  return urlTarget(session, state.identity, url, selection?.folder)
}
