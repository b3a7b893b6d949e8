import { formatDate } from '../mail/dates.ts'
import type { OctetString } from '../mail/types.ts'
import type { Folder, StoredMessage } from '../store/types.ts'
import { Article, checkHeader } from './article.ts'
import { controlOf } from './control.ts'
import { checkDate } from './date.ts'
import { ArticleRefused } from './errors.ts'
import { file } from './file.ts'
import { newMessageId } from './message-id.ts'
import { mailToModerator, senderOf } from './moderation.ts'
import type { NewsService } from './news-service.ts'
import { isNewsgroupName } from './newsgroups.ts'
import { injectedPath, wasPosted } from './path.ts'

/** Who posts. */
export interface Poster {
  /** The client's address, for Path and Injection-Info. */
  readonly host: string
  /** The account logged on. */
  readonly account?: string | undefined
  readonly session?: string | undefined
  /** Whether this poster may post to a group; absent: to all. */
  readonly mayPost?: (group: Folder) => boolean
}

export interface Posted {
  readonly messageId: string
  readonly stored: readonly StoredMessage[]
  /** The moderator whom the article was mailed to instead of being stored. */
  readonly moderator?: string
}

/**
 * Injects an article: checks it, gives it what it lacks (Message-ID, Date), says where it came from (Path,
 * Injection-Info), and stores it, or mails it to the moderator. RFC 5537 section 3.5.
 * @throws ArticleRefused
 */
export async function inject(news: NewsService, raw: Buffer, poster: Poster): Promise<Posted> {
  const article = new Article(raw)
  checkProto(article)
  checkDate(article, news.clock)
  const messageId = article.value('message-id') ?? newMessageId(news.hostname)
  if (await news.store.knows(messageId)) {
    throw new ArticleRefused('duplicate', `${messageId} is known here already`)
  }
  const folders = await groupsFor(news, article, poster)
  const moderated = folders.find((folder) => folder.newsgroup?.posting === 'moderated')
  if (moderated && !article.has('approved') && controlOf(article)?.kind !== 'cancel') {
    return { messageId, stored: [], moderator: await mailToModerator(news, article, moderated, messageId) }
  }
  const injected = article.rebuilt(new Set(['path']), injectedFields(news, article, poster, messageId))
  const stored = await file(news, { article, messageId, raw: injected, folders, session: poster.session })
  return { messageId, stored }
}

/** What a proto-article must and must not have. RFC 5537 section 3.4.1. */
function checkProto(article: Article): void {
  checkHeader(article, ['from', 'subject', 'newsgroups'])
  for (const name of ['Injection-Info', 'Xref']) {
    if (article.has(name)) throw new ArticleRefused('invalid', `${name} is set by servers alone`)
  }
  if (senderOf(article) === '') throw new ArticleRefused('invalid', 'From has no mail address')
  const misnamed = article.newsgroups().find((name) => !isNewsgroupName(name))
  if (misnamed !== undefined) throw new ArticleRefused('invalid', `not a newsgroup name: ${misnamed.slice(0, 60)}`)
  if (wasPosted(article.value('path') ?? ''))
    throw new ArticleRefused('invalid', 'Path says that it was posted already')
}

/** The groups that it goes to. @throws ArticleRefused */
async function groupsFor(news: NewsService, article: Article, poster: Poster): Promise<Folder[]> {
  const names = article.newsgroups()
  const found = await news.groupsNamed(names)
  // A newgroup message names a group that is not there yet; a control message is filed elsewhere anyway.
  if (controlOf(article)) return found
  if (found.length === 0) throw new ArticleRefused('unwanted', `no such newsgroup: ${names.join(', ')}`.slice(0, 200))
  for (const group of found) {
    const open = group.newsgroup?.posting !== 'no' && (poster.mayPost?.(group) ?? true)
    if (!open) throw new ArticleRefused('forbidden', `posting to ${group.name} is not allowed`)
  }
  return found
}

/** The header lines that injection puts in front. RFC 5537 section 3.5 steps 7 to 11. */
function injectedFields(news: NewsService, article: Article, poster: Poster, messageId: string): OctetString[] {
  const now = formatDate(news.clock.now())
  const lines = [`Path: ${injectedPath(news.hostname, poster.host, article.value('path'))}`]
  if (!article.has('message-id')) lines.push(`Message-ID: ${messageId}`)
  if (!article.has('date')) lines.push(`Date: ${now}`)
  // With both fields given, it may have been injected elsewhere too: then no Injection-Date is added.
  const multiply = article.has('message-id') && article.has('date')
  if (!article.has('injection-date') && !multiply) lines.push(`Injection-Date: ${now}`)
  lines.push(`Injection-Info: ${injectionInfo(news, poster)}`)
  return lines
}

/** RFC 5536 section 3.2.8. */
function injectionInfo(news: NewsService, poster: Poster): OctetString {
  const quoted = (text: string): string => `"${Buffer.from(text, 'utf8').toString('latin1').replace(/["\\]/g, '\\$&')}"`
  const parts = [news.hostname, `posting-host=${quoted(poster.host)}`]
  if (poster.account !== undefined) parts.push(`posting-account=${quoted(poster.account)}`)
  if (poster.session !== undefined) parts.push(`logging-data=${quoted(poster.session)}`)
  return parts.join('; ')
}
