import { MISSING_DOMAIN, MISSING_MAILBOX, parseAddresses, SYNTAX_ERROR } from '../mail/addresses.ts'
import { formatDate } from '../mail/dates.ts'
import type { Folder } from '../store/types.ts'
import type { Article } from './article.ts'
import { ArticleRefused } from './errors.ts'
import type { NewsService } from './news-service.ts'

/** Fields of the article that a mail does not carry along. */
const NOT_MAILED = new Set(['path', 'to', 'cc', 'bcc'])

/**
 * Mails an unapproved article to the moderator, who posts it with an Approved field. RFC 5537 section 3.5.1.
 * @returns the moderator's address
 * @throws ArticleRefused where the group has no moderator, or the mail is not delivered
 */
export async function mailToModerator(
  news: NewsService,
  article: Article,
  group: Folder,
  messageId: string,
): Promise<string> {
  const moderator = group.newsgroup?.moderator
  if (moderator === undefined) {
    throw new ArticleRefused('forbidden', `${group.name} is moderated, and its moderator is not known here`)
  }
  const lines = [`To: ${moderator}`]
  if (!article.has('message-id')) lines.push(`Message-ID: ${messageId}`)
  if (!article.has('date')) lines.push(`Date: ${formatDate(news.clock.now())}`)
  try {
    await news.mail({ from: senderOf(article), to: moderator, raw: article.rebuilt(NOT_MAILED, lines) })
    return moderator
  } catch (error) {
    throw new ArticleRefused('later', `the moderator ${moderator} cannot be reached`, { cause: error })
  }
}

/** The mailbox of the From field; empty where it has none. */
export function senderOf(article: Article): string {
  const [from] = parseAddresses(article.value('from') ?? '')
  const hasAddress = from?.mailbox && from.host && ![from.mailbox, from.host].some((part) => STAND_INS.has(part))
  return hasAddress ? `${from.mailbox}@${from.host}` : ''
}

/** What stands for the parts of an address that are not there. */
const STAND_INS = new Set([MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR])
