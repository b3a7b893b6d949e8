import { headerBlockEnd, isEmptyLine } from '../../../src/mail/format/headers.ts'
import { WHOLE_OCTETS } from '../../../src/net/connection.ts'
import { type ArticleSpecifier, parseArticleSpecifier } from '../arguments.ts'
import { defineCommand, type NntpCommand, type NntpSession } from '../command.ts'
import { type FoundArticle, findArticle } from '../lookup.ts'
import { noArticleWithNumber } from '../reply.ts'

interface Variant {
  readonly name: string
  readonly code: number
  readonly text: string
  /** Returns the octets to send. Absent for STAT, which sends none. */
  readonly part?: (raw: Buffer) => Buffer
  /** Returns the position from which all octets are sent, given the start of the article. */
  readonly from?: (start: Buffer) => number
}

/** Defines ARTICLE, HEAD, BODY or STAT, which send different parts of an article. RFC 3977 section 6.2. */
function articleCommand({ name, code, text, part, from }: Variant): NntpCommand {
  return defineCommand<ArticleSpecifier>({
    name,
    syntax: '[message-id|number]',
    requires: 'read-access',
    args: [0, 1],
    parse: ([specifier]) => parseArticleSpecifier(specifier),
    async run(session, specifier) {
      const found = await findArticle(session, specifier)
      const position = from && (await positionInLarge(session, found, from))
      const raw = part && position === undefined ? await readRaw(session, found) : undefined
      // An article named by its message-id does not become the current one. RFC 3977 section 6.2.1.2
      if (found.number !== 0 && session.group) session.group.current = found.number
      if (from) session.context.histories.read(found.folder, [found.entry], { sessionId: session.connection.record.id })
      session.reply(code, `${found.number} ${found.entry.messageId ?? '<0>'} ${text}`)
      if (position !== undefined) await sendFrom(session, found, position)
      else if (raw && part) await session.connection.writeBlock(part(raw))
    },
  })
}

/** Returns the article's octets. @throws NntpError 423 if it has been removed since it was found */
async function readRaw(session: NntpSession, { folder, entry }: FoundArticle, octets?: number): Promise<Buffer> {
  const raw = await session.context.store.read(folder.id, entry.uid, octets && 0, octets)
  if (!raw) throw noArticleWithNumber()
  return raw
}

/** Returns the position of a part in a large article; undefined if the article is small, or its header is large. */
async function positionInLarge(session: NntpSession, found: FoundArticle, from: (start: Buffer) => number) {
  if (found.entry.sizeOctets <= WHOLE_OCTETS) return undefined
  const position = from(await readRaw(session, found, WHOLE_OCTETS))
  return position < WHOLE_OCTETS ? position : undefined
}

/** Sends a large article from a position on. */
const sendFrom = ({ connection, context }: NntpSession, { folder, entry }: FoundArticle, position: number) =>
  connection.streamBlock(context.store.stream(folder.id, entry.uid, position))

/** Returns the header without the empty line that ends it. RFC 3977 section 6.2.2. */
function headerOf(raw: Buffer): Buffer {
  const end = headerBlockEnd(raw)
  if (end >= 2 && isEmptyLine(raw, end - 2) && raw[end - 3] === 0x0a) return raw.subarray(0, end - 2)
  return end >= 1 && raw[end - 1] === 0x0a && raw[end - 2] === 0x0a ? raw.subarray(0, end - 1) : raw.subarray(0, end)
}

/** Describes a part that extends to the end of the article. */
const partFrom = (from: (start: Buffer) => number) => ({ from, part: (raw: Buffer) => raw.subarray(from(raw)) })

export const article = articleCommand({ name: 'ARTICLE', code: 220, text: 'article follows', ...partFrom(() => 0) })
export const head = articleCommand({ name: 'HEAD', code: 221, text: 'header follows', part: headerOf })
export const body = articleCommand({
  name: 'BODY',
  code: 222,
  text: 'body follows',
  ...partFrom(headerBlockEnd),
})
export const stat = articleCommand({ name: 'STAT', code: 223, text: 'article exists' })
