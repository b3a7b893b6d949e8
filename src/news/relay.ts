import type { Folder, StoredMessage } from '../store/types.ts'
import { Article, checkHeader } from './article.ts'
import { controlOf } from './control.ts'
import { checkDate } from './date.ts'
import { ArticleRefused } from './errors.ts'
import { file } from './file.ts'
import type { NewsService } from './news-service.ts'
import { hasPassed, type PathSource, relayedPath } from './path.ts'
import type { Wildmat } from './wildmat.ts'

/** The peer that an article comes from. */
export interface Source extends PathSource {
  /** The groups that are taken from it. */
  readonly groups: Wildmat
  readonly session?: string | undefined
  /** The Message-ID it was offered under. */
  readonly messageId?: string | undefined
}

export interface Relayed {
  readonly messageId: string
  readonly stored: readonly StoredMessage[]
}

/** Fields that are made anew here, or are of the last server alone. */
const REPLACED: ReadonlySet<string> = new Set(['path', 'xref'])
const MANDATORY = ['from', 'newsgroups', 'subject', 'message-id', 'date', 'path'] as const

/**
 * Takes an article from a peer: refuses what is no article, was here before, or goes to no group carried here; adds this
 * site to its Path and stores it. RFC 5537 sections 3.6 and 3.7.
 * @throws ArticleRefused
 */
export async function relay(news: NewsService, raw: Buffer, source: Source): Promise<Relayed> {
  const article = new Article(raw)
  checkHeader(article, MANDATORY) // RFC 5536 section 3.1
  const messageId = article.value('message-id') as string
  if (source.messageId !== undefined && source.messageId !== messageId) {
    throw new ArticleRefused('invalid', `offered as ${source.messageId}, but its Message-ID is ${messageId}`)
  }
  checkDate(article, news.clock)
  const path = article.value('path') as string
  // RFC 5537 section 3.6: no article comes here twice.
  if (hasPassed(path, news.hostname)) throw new ArticleRefused('unwanted', `Path has ${news.hostname} already`)
  const folders = await carried(news, article, source, messageId)
  const relayed = article.rebuilt(REPLACED, [`Path: ${relayedPath(news.hostname, source, path)}`])
  const stored = await file(news, { article, messageId, raw: relayed, folders, session: source.session })
  return { messageId, stored }
}

/** The groups it goes to here. @throws ArticleRefused; then it is remembered, so that it is not asked for again */
async function carried(news: NewsService, article: Article, source: Source, messageId: string): Promise<Folder[]> {
  const refuse = async (why: string): Promise<never> => {
    await news.store.remember(messageId)
    throw new ArticleRefused('unwanted', why)
  }
  const wanted = article.newsgroups().filter(source.groups)
  const control = controlOf(article)
  if (control) return wanted.length > 0 ? [] : refuse(`no control messages for these groups are taken`)
  const found = await news.groupsNamed(wanted)
  if (found.length === 0) return refuse(`no group is carried here: ${article.newsgroups().join(', ')}`.slice(0, 200))
  const moderated = found.find((folder) => folder.newsgroup?.posting === 'moderated')
  // RFC 5537 section 3.7 step 5
  if (moderated && !article.has('approved')) return refuse(`not approved for the moderated group ${moderated.name}`)
  return found
}
