import { headerBlockEnd, isEmptyLine } from '../../../src/mail/headers.ts'
import { type FoundArticle, findArticle } from '../articles.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { noArticleWithNumber } from '../reply.ts'
import type { NntpSession } from '../session.ts'
import { type ArticleSpecifier, parseArticleSpecifier } from '../wire.ts'

interface Variant {
  readonly name: string
  readonly code: number
  readonly text: string
  /** The octets to send; undefined: none are. */
  readonly part?: (raw: Buffer) => Buffer
}

/** ARTICLE, HEAD, BODY and STAT differ in what they send. RFC 3977 section 6.2. */
function articleCommand({ name, code, text, part }: Variant): NntpCommand {
  return defineCommand<ArticleSpecifier>({
    name,
    syntax: '[message-id|number]',
    audience: 'reader',
    args: [0, 1],
    parse: ([specifier]) => parseArticleSpecifier(specifier),
    async run(session, specifier) {
      const found = await findArticle(session, specifier)
      const raw = part && (await octetsOf(session, found))
      // RFC 3977 section 6.2.1.2: asked for by message-id, it does not become the current article.
      if (found.number !== 0 && session.group) session.group.current = found.number
      session.reply(code, `${found.number} ${found.entry.messageId ?? '<0>'} ${text}`)
      if (raw && part) session.connection.writeBlock(part(raw))
    },
  })
}

/** @throws NntpError 423 where it has gone meanwhile */
async function octetsOf(session: NntpSession, { folder, entry }: FoundArticle): Promise<Buffer> {
  const raw = await session.context.store.read(folder.id, entry.uid)
  if (!raw) throw noArticleWithNumber()
  return raw
}

/** The header without the empty line behind it. RFC 3977 section 6.2.2. */
function headerOf(raw: Buffer): Buffer {
  const end = headerBlockEnd(raw)
  if (end >= 2 && isEmptyLine(raw, end - 2) && raw[end - 3] === 0x0a) return raw.subarray(0, end - 2)
  return end >= 1 && raw[end - 1] === 0x0a && raw[end - 2] === 0x0a ? raw.subarray(0, end - 1) : raw.subarray(0, end)
}

export const article = articleCommand({ name: 'ARTICLE', code: 220, text: 'article follows', part: (raw) => raw })
export const head = articleCommand({ name: 'HEAD', code: 221, text: 'header follows', part: headerOf })
export const body = articleCommand({
  name: 'BODY',
  code: 222,
  text: 'body follows',
  part: (raw) => raw.subarray(headerBlockEnd(raw)),
})
export const stat = articleCommand({ name: 'STAT', code: 223, text: 'article exists' })
