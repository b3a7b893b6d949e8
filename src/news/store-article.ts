import { joinPieces, type Pieces } from '../common/pieces.ts'
import { type Folder, type Location, type StoredMessage, StoreError } from '../store/types.ts'
import { Article, ArticleRefused } from './article.ts'
import { actOnControl, controlFolder, controlOf } from './control.ts'
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
}

/**
 * Stores an article once, with a number in each of its groups, and acts on its control request. A control message is
 * stored in `control.cancel` or a similar group, not in the groups that it names.
 * @throws ArticleRefused `duplicate` if it arrived by another way meanwhile, `later` if the store cannot accept it now
 */
export async function storeArticle(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  try {
    return await store(news, accepted)
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    if (cause.code !== 'exists') throw new ArticleRefused('later', cause.message, { cause })
    throw new ArticleRefused('duplicate', `${accepted.messageId} is known here already`, { cause })
  }
}

async function store(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, messageId, raw, session } = accepted
  const control = controlOf(article)
  const folders = control ? [await controlFolder(news, control)] : accepted.folders
  const stored = await news.store.append([
    {
      raw,
      messageId,
      // A copy may arrive at the same time, here or on another node.
      once: true,
      prefix: (locations) => xref(news.hostname, locations),
      targets: folders.map((folder) => ({ folderId: folder.id })),
      ...(session === undefined ? {} : { envelope: { session } }),
    },
  ])
  if (control || article.has('supersedes')) await actOnControl(news, new Article(joinPieces(raw)), control)
  if (!control && folders.some(({ newsgroup }) => newsgroup?.gateway))
    await mailOut(news, new Article(joinPieces(raw)), folders)
  return stored
}

/** Returns the Xref field: the server's name, then the article's number in each group. RFC 5536 section 3.2.14. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  const places = locations.map(({ folder, uid }) => `${folder.name}:${uid}`)
  return Buffer.from(`Xref: ${hostname} ${places.join(' ')}\r\n`, 'utf8')
}
