import { joinPieces, type Pieces } from '../common/pieces.ts'
import { type Folder, type Location, type NewMessage, type StoredMessage, StoreError } from '../store/types.ts'
import { Article, ArticleRefused } from './article.ts'
import { actOnControl, controlFolder, controlOf, type MayCancel } from './control.ts'
import { mailOut } from './gateway.ts'
import type { NewsContext } from './types.ts'

/** An article that has passed the checks. */
export interface AcceptedArticle {
  /** The article as it arrived. */
  readonly article: Article
  readonly messageId: string
  /** The octets to keep, with the fields that this site adds, but without Xref. */
  readonly raw: Pieces
  readonly folders: readonly Folder[]
  readonly session?: string | undefined
  readonly mayCancel: MayCancel
}

/**
 * Stores an article once, with a number in each of its groups, and acts on its control request. A control message is
 * stored in `control.cancel` or a similar group, not in the groups that it names.
 * @throws ArticleRefused `duplicate` if it arrived by another way meanwhile, `later` if the store cannot accept it now
 */
export function storeArticle(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  return store(news, accepted).catch((cause) => {
    if (!(cause instanceof StoreError)) throw cause
    if (cause.code !== 'exists') throw new ArticleRefused('later', cause.message, { cause })
    throw new ArticleRefused('duplicate', `${accepted.messageId} is known here already`, { cause })
  })
}

function store(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, folders } = accepted
  const hasEffects =
    article.has('control') || article.has('supersedes') || folders.some(({ newsgroup }) => newsgroup?.gateway)
  return hasEffects ? storeWithEffects(news, accepted) : append(news, accepted, folders)
}

/** Stores an article, then acts on its control request and mails it. */
async function storeWithEffects(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, raw, mayCancel } = accepted
  const control = controlOf(article)
  const folders = control ? [await controlFolder(news, control)] : accepted.folders
  const stored = await append(news, accepted, folders)
  const kept = new Article(joinPieces(raw))
  if (control || article.has('supersedes')) await actOnControl(news, { article: kept, mayCancel }, control)
  if (!control && folders.some(({ newsgroup }) => newsgroup?.gateway)) await mailOut(news, kept, folders)
  return stored
}

function append(
  news: NewsContext,
  { messageId, raw, session }: AcceptedArticle,
  folders: readonly Folder[],
): Promise<readonly StoredMessage[]> {
  const message: NewMessage = {
    raw,
    messageId,
    // A copy may arrive at the same time, here or on another node.
    once: true,
    prefix: (locations) => xref(news.hostname, locations),
    targets: folders.map(({ id }) => ({ folderId: id })),
    envelope: session === undefined ? undefined : { session },
  }
  return news.store.append([message])
}

/** Returns the Xref field: the server's name, then the article's number in each group. RFC 5536 section 3.2.14. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  let places = ''
  for (const { folder, uid } of locations) places += ` ${folder.name}:${uid}`
  return Buffer.from(`Xref: ${hostname}${places}\r\n`, 'utf8')
}
