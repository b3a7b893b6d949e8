import { formatDate, parseZonedDate } from '../../mail/format/dates.ts'
import { CR, LF } from '../../mail/format/octets.ts'
import type { OctetString } from '../../mail/format/types.ts'
import type { Folder } from '../../storage/store/folder.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import { Article, ArticleRefused, isMessageId, newMessageId } from './article.ts'
import { cancelFields } from './cancel-lock.ts'
import { checkDate, checkHeader, withValidFields } from './check-header.ts'
import { controlOf } from './control.ts'
import { checkLoop } from './gateway.ts'
import { isNewsgroupName } from './newsgroups.ts'
import { injectedPath, wasPosted } from './path.ts'
import { senderOf } from './sender.ts'
import { storeArticle } from './store-article.ts'
import type { NewsContext } from './types.ts'

/** The client that posts an article. */
export interface Poster {
  /** The client's address, for Path and Injection-Info. */
  readonly host: string
  /** The account that is logged on. */
  readonly account?: string | undefined
  readonly session?: string | undefined
  readonly rights: PosterRights
}

/** The rights of a poster on newsgroups. */
export interface PosterRights {
  /** Returns whether the group exists for the poster. */
  readonly sees: (group: Folder) => boolean
  /** Returns whether the poster may post to a group that it sees. */
  readonly canPostTo: (group: Folder) => boolean
}

/** The rights of a poster on all newsgroups. */
export const allGroups: PosterRights = { sees: () => true, canPostTo: () => true }

/** The result of posting an article. */
export interface Posted {
  readonly messageId: string
  readonly stored: readonly StoredMessage[]
  /** The moderator that the article was mailed to instead of being stored. */
  readonly moderator?: string
}

/** The field that injection replaces for every poster. */
const PATH: ReadonlySet<string> = new Set(['path'])
/** The fields that injection replaces for a poster that has logged on. */
const REPLACED: ReadonlySet<string> = new Set(['path', 'cancel-lock', 'cancel-key'])

/**
 * Injects an article: checks it, adds missing fields (Message-ID, Date) and its origin (Path, Injection-Info), then stores
 * it or mails it to the moderator. RFC 5537 section 3.5.
 * @throws ArticleRefused; StoreError if the store cannot be read now
 */
export async function inject(news: NewsContext, raw: Buffer, poster: Poster): Promise<Posted> {
  const article = new Article(raw)
  checkProtoArticle(article)
  checkDate(article, news.clock)
  const messageId = article.value('message-id') ?? newMessageId(news.hostname)
  const found = news.groupsNamed(article.newsgroups())
  const folders = visibleGroups(article, poster, found instanceof Promise ? await found : found)
  const moderated = folders.find((folder) => folder.newsgroup?.posting === 'moderated')
  if (moderated && !article.has('approved') && controlOf(article)?.kind !== 'cancel') {
    // For articles that are stored, the store checks this.
    if (await news.store.knows(messageId)) {
      throw new ArticleRefused('duplicate', `${messageId} is known here already`)
    }
    return { messageId, stored: [], moderator: await mailToModerator(news, article, moderated, messageId) }
  }
  const { account } = poster
  const locks = account === undefined ? [] : await cancelFields(news.store, article, account, messageId)
  const lines = [...injectedFields(news, article, poster, messageId), ...locks]
  const injected = article.rebuiltPieces(account === undefined ? PATH : REPLACED, lines)
  const { session, rights } = poster
  const mayCancel = (_: Article, groups: readonly Folder[]): boolean =>
    groups.every((group) => rights.sees(group) && rights.canPostTo(group))
  const stored = await storeArticle(news, { article, messageId, raw: injected, folders, session, mayCancel })
  return { messageId, stored }
}

/**
 * Replaces bare LFs, which mail with BINARYMIME keeps, by CRLF: for one server they end lines and for another they do not, so
 * that fields and the end of the article could be forged. RFC 3977 section 3.6. Posted articles stay as they are.
 */
function withLineEnds(raw: Buffer): Buffer {
  for (let at = raw.indexOf(LF); at !== -1; at = raw.indexOf(LF, at + 1)) {
    if (raw[at - 1] !== CR) return Buffer.from(raw.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1')
  }
  return raw
}

const SET_BY_SERVERS = [
  ['injection-info', 'Injection-Info'],
  ['xref', 'Xref'],
] as const

/** Checks that a proto-article has the required fields and none of the forbidden ones. RFC 5537 section 3.4.1. */
function checkProtoArticle(article: Article): void {
  checkHeader(article, 'posted', ['from', 'subject', 'newsgroups'])
  for (const [nameLower, name] of SET_BY_SERVERS) {
    if (article.has(nameLower)) throw new ArticleRefused('invalid', `only servers may set ${name}`)
  }
  if (senderOf(article) === '') throw new ArticleRefused('invalid', 'From has no mail address')
  const misnamed = article.newsgroups().find((name) => !isNewsgroupName(name))
  if (misnamed !== undefined) throw new ArticleRefused('invalid', `not a newsgroup name: ${misnamed.slice(0, 60)}`)
  const expires = article.value('expires')
  if (expires !== undefined && parseZonedDate(expires) === undefined)
    throw new ArticleRefused('invalid', `not a date: Expires: ${expires.slice(0, 60)}`) // RFC 5536 section 3.2.5
  for (const [nameLower, name] of NAME_LISTS) checkNames(name, article.value(nameLower) ?? '')
  if (wasPosted(article.value('path') ?? '')) {
    throw new ArticleRefused('invalid', 'according to its Path, the article was posted already')
  }
}

const NAME_LISTS = [
  ['newsgroups', 'Newsgroups'],
  ['followup-to', 'Followup-To'],
] as const

/** Checks that a list of newsgroups has no empty and no repeated name. RFC 5536 sections 3.1.4 and 3.2.6. */
function checkNames(field: string, value: string): void {
  const names = value.split(',').map((name) => name.trim())
  const refused = (why: string) => new ArticleRefused('invalid', `${field}: ${why}: ${value.slice(0, 60)}`)
  if (names.length > 1 && names.includes('')) throw refused('an empty name')
  if (new Set(names).size < names.length) throw refused('a name occurs twice')
  if (field === 'Followup-To' && names.length > 1 && names.some((name) => name.toLowerCase() === 'poster'))
    throw refused('poster stands alone')
}

/** Returns those of the groups that the poster sees. @throws ArticleRefused if it may not post to one of them, or sees none */
function visibleGroups(article: Article, { rights }: Poster, existing: readonly Folder[]): readonly Folder[] {
  const found = existing.every(rights.sees) ? existing : existing.filter(rights.sees)
  // A newgroup message names a group that does not exist yet. Control messages are stored in `control.*` anyway.
  const isControl = article.has('control')
  if (found.length === 0 && !isControl) {
    throw new ArticleRefused('unwanted', `no such newsgroup: ${article.newsgroups().join(', ')}`.slice(0, 200))
  }
  for (const group of found) {
    const isOpen = isControl || group.newsgroup?.posting !== 'no'
    if (!(isOpen && rights.canPostTo(group)))
      throw new ArticleRefused('forbidden', `posting to ${group.name} is not allowed`)
  }
  return found
}

/** Returns the header lines that injection adds. RFC 5537 section 3.5 steps 7 to 11. */
function injectedFields(news: NewsContext, article: Article, poster: Poster, messageId: string): OctetString[] {
  const lines = [`Path: ${injectedPath(news.hostname, poster.host, article.value('path'))}`]
  const hasDate = article.has('date')
  // An article that has both may also be injected elsewhere; it gets no Injection-Date.
  const mayBeInjectedElsewhere = hasDate && article.has('message-id')
  if (!mayBeInjectedElsewhere) {
    const now = formatDate(news.clock.now())
    if (!article.has('message-id')) lines.push(`Message-ID: ${messageId}`)
    if (!hasDate) lines.push(`Date: ${now}`)
    if (!article.has('injection-date')) lines.push(`Injection-Date: ${now}`)
  }
  lines.push(`Injection-Info: ${injectionInfo(news, poster)}`)
  return lines
}

/** Most hosts, accounts and sessions: ASCII that needs no escape in a quoted string. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Returns a text in UTF-8 as a quoted string. RFC 5536 section 3.2.8, RFC 2045 section 5.1 */
const quoteText = (text: string): OctetString =>
  `"${PLAIN.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1').replace(/["\\]/g, '\\$&')}"`

/** Returns the value of Injection-Info. RFC 5536 section 3.2.8. */
function injectionInfo({ hostname }: NewsContext, { host, account, session }: Poster): OctetString {
  let info = `${hostname}; posting-host=${quoteText(host)}`
  if (account !== undefined) info += `; posting-account=${quoteText(account)}`
  if (session !== undefined) info += `; logging-data=${quoteText(session)}`
  return info
}

/** Fields of the article that the mail to the moderator leaves out. */
const NOT_MAILED = new Set(['path', 'to', 'cc', 'bcc'])

/**
 * Mails an unapproved article to the moderator, who posts it with an Approved field. RFC 5537 section 3.5.1.
 * @returns the moderator's address
 * @throws ArticleRefused if the group has no moderator, or the mail cannot be delivered
 */
async function mailToModerator(news: NewsContext, article: Article, group: Folder, messageId: string): Promise<string> {
  const moderator = group.newsgroup?.moderator
  if (moderator === undefined) {
    throw new ArticleRefused('forbidden', `${group.name} is moderated, but no moderator is configured`)
  }
  const lines = [`To: ${moderator}`]
  if (!article.has('message-id')) lines.push(`Message-ID: ${messageId}`)
  if (!article.has('date')) lines.push(`Date: ${formatDate(news.clock.now())}`)
  try {
    await news.mail({ from: senderOf(article), to: moderator, raw: article.rebuilt(NOT_MAILED, lines) })
    return moderator
  } catch (error) {
    throw new ArticleRefused('later', `mail to the moderator ${moderator} cannot be delivered`, { cause: error })
  }
}

/** Mail fields that are left out of the article: transport fields, and fields that would control a news server. */
const NOT_POSTED = `return-path received delivered-to bcc resent-bcc newsgroups path xref control supersedes approved
  injection-info injection-date also-control date-received posting-version relay-version`.split(/\s+/)

/**
 * Posts a mail that was sent to the address of one or more newsgroups, as one article in all of them. RFC 5537 section 3.9.
 * @throws ArticleRefused
 */
export async function injectMail(
  news: NewsContext,
  groups: readonly string[],
  mail: Buffer,
  poster: Poster,
): Promise<Posted> {
  const article = new Article(withValidFields(new Article(withLineEnds(mail))))
  checkLoop(news, article)
  const dropped = new Set(NOT_POSTED)
  const lines = [`Newsgroups: ${groups.join(',')}`]
  // A mail's Message-ID may be invalid for an article. Injection then creates a new one.
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId)) dropped.add('message-id')
  if (parseZonedDate(article.value('expires') ?? '') === undefined) dropped.add('expires')
  if (!article.value('subject')) {
    dropped.add('subject')
    lines.push('Subject: (no subject)')
  }
  return inject(news, article.rebuilt(dropped, lines), poster)
}
