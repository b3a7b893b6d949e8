import { Article } from './article.ts'
import type { Posted, Poster } from './inject.ts'
import { isMessageId } from './message-id.ts'
import type { NewsService } from './news-service.ts'

/** Fields of a mail that its article does not have: those of its way here, and those that would command a server. */
const DROPPED = `return-path received delivered-to bcc resent-bcc newsgroups path xref control supersedes approved
  injection-info injection-date also-control date-received posting-version relay-version`.split(/\s+/)

/**
 * Posts a mail that was sent to the address of a newsgroup, or of several: one article in all of them. RFC 5537 section 3.9.
 * @throws ArticleRefused
 */
export function postMail(news: NewsService, groups: readonly string[], mail: Buffer, poster: Poster): Promise<Posted> {
  const article = new Article(mail)
  const dropped = new Set(DROPPED)
  const lines = [`Newsgroups: ${groups.join(',')}`]
  // Mail may have an id that no article can have: then it is given a new one.
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId)) dropped.add('message-id')
  if (!article.value('subject')) {
    dropped.add('subject')
    lines.push('Subject: (no subject)')
  }
  return news.post(article.rebuilt(dropped, lines), poster)
}
