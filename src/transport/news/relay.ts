import type { Clock } from '../../core/time/clock.ts'
import { StoreError } from '../../storage/store/errors.ts'
import type { Folder } from '../../storage/store/folder.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import { Article, ArticleRefused, refuseLater } from './article.ts'
import { checkDate, checkHeader } from './check-header.ts'
import { controlOf } from './control.ts'
import { type Destinations, destinationsOf } from './destinations.ts'
import { hasPassed, type PathSource, relayedPath } from './path.ts'
import { storeArticle } from './store-article.ts'
import type { NewsContext } from './types.ts'
import type { Wildmat } from './wildmat.ts'

/** The peer that an article comes from. */
export interface Source extends PathSource {
  /** The groups accepted from it. */
  readonly groups: Wildmat
  readonly session?: string | undefined
  /** The Message-ID that the peer offered. */
  readonly messageId?: string | undefined
}

/** The result of accepting an article from a peer. */
export interface Relayed {
  readonly messageId: string
  readonly stored: readonly StoredMessage[]
}

/** Fields that this site sets itself. */
const REPLACED: ReadonlySet<string> = new Set(['path', 'xref'])
const MANDATORY = ['from', 'newsgroups', 'subject', 'message-id', 'date', 'path'] as const

/**
 * Accepts an article from a peer: refuses invalid articles, duplicates, and articles for groups that are not carried here;
 * adds this site to the Path and stores the article. RFC 5537 sections 3.6 and 3.7.
 * Rejects with ArticleRefused if it is not accepted.
 */
export function relay(news: NewsContext, raw: Buffer, source: Source): Promise<Relayed> {
  try {
    return accept(news, raw, source)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** @throws ArticleRefused for what is wrong with the header; rejects with it for other reasons */
function accept(news: NewsContext, raw: Buffer, source: Source): Promise<Relayed> {
  const article = new Article(raw)
  checkHeader(article, 'relayed', MANDATORY) // RFC 5536 section 3.1
  const messageId = article.value('message-id') as string
  if (source.messageId !== undefined && source.messageId !== messageId) {
    throw new ArticleRefused('invalid', `offered as ${source.messageId}, but its Message-ID is ${messageId}`)
  }
  checkDate(article, news.clock)
  const path = article.value('path') as string
  // RFC 5537 section 3.6: an article never comes to a site twice
  if (hasPassed(path, news.hostname)) throw new ArticleRefused('unwanted', `Path has ${news.hostname} already`)
  const keep = (folders: readonly Folder[]): Promise<Relayed> => {
    const relayed = article.rebuiltPieces(REPLACED, [`Path: ${relayedPath(news.hostname, source, path)}`])
    const mayCancel = (target: Article): boolean => target.newsgroups().some(source.groups)
    const accepted = { article, messageId, raw: relayed, folders, session: source.session, mayCancel }
    return storeArticle(news, accepted).then((stored) => ({ messageId, stored }))
  }
  const carried = carriedGroups(news, article, source, messageId)
  return carried instanceof Promise ? carried.catch(refuseLater).then(keep) : keep(carried)
}

/**
 * Returns the groups to store the article in. A refused article is added to the history, so that peers that offer it
 * again need not send it.
 * @throws ArticleRefused, StoreError
 */
function carriedGroups(
  news: NewsContext,
  article: Article,
  source: Source,
  messageId: string,
): readonly Folder[] | Promise<readonly Folder[]> {
  const refuse = async (reason: string): Promise<never> => {
    try {
      await news.store.remember(messageId)
    } catch (error) {
      // On a full or read-only disk, the peer may offer the article again. The refusal stands.
      if (!(error instanceof StoreError)) throw error
    }
    throw new ArticleRefused('unwanted', reason)
  }
  const wanted = article.newsgroups().filter(source.groups)
  const control = controlOf(article)
  if (control) return wanted.length > 0 ? [] : refuse('control messages for these groups are not accepted')
  const choose = ({ folders, moderated }: Destinations): readonly Folder[] | Promise<readonly Folder[]> => {
    if (folders.length === 0)
      return refuse(`no group is carried here: ${article.newsgroups().join(', ')}`.slice(0, 200))
    // RFC 5537 section 3.7 step 5
    if (moderated && !article.has('approved')) return refuse(`not approved for the moderated group ${moderated.name}`)
    return folders
  }
  const destinations = destinationsOf(news, wanted)
  return destinations instanceof Promise ? destinations.then(choose) : choose(destinations)
}

/** A peer that was asked for an article and does not send it loses its claim after this time. */
const CLAIM_MS = 60_000
/** Most claims at a time. An article offered beyond that may be sent twice, but is stored once. */
const MAX_CLAIMS = 50_000

/** Articles that peers were asked to send, so that no two peers send the same one. */
export class Claims {
  readonly #clock: Clock
  readonly #claims = new Map<string, { readonly holder: object; readonly until: number }>()

  #sweepAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Claims an article. Returns false if another holder has a claim on it. */
  take(messageId: string, holder: object): boolean {
    const claim = this.#claims.get(messageId)
    const now = this.#clock.now()
    if (claim && claim.holder !== holder && claim.until > now) return false
    if (now >= this.#sweepAt) this.#sweep(now)
    if (claim || this.#claims.size < MAX_CLAIMS) this.#claims.set(messageId, { holder, until: now + CLAIM_MS })
    return true
  }

  release(messageId: string, holder: object): void {
    if (this.#claims.get(messageId)?.holder === holder) this.#claims.delete(messageId)
  }

  /** Releases every claim of a session that ended. */
  releaseAll(holder: object): void {
    for (const [messageId, claim] of this.#claims) if (claim.holder === holder) this.#claims.delete(messageId)
  }

  /** Removes expired claims. */
  #sweep(now: number): void {
    for (const [messageId, { until }] of this.#claims) if (until <= now) this.#claims.delete(messageId)
    this.#sweepAt = now + CLAIM_MS
  }
}
