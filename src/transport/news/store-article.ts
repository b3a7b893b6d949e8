import { joinPieces, type Pieces } from '../../core/octets/pieces.ts'
import { StoreError } from '../../storage/store/errors.ts'
import type { Folder } from '../../storage/store/folder.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import type { Location, NewMessage } from '../../storage/store/types.ts'
import { Article, ArticleRefused, refuseLater } from './article.ts'
import { actOnControl, controlFolder, controlOf, type MayCancel } from './control.ts'
import { mailOut } from './gateway.ts'
import type { NewsContext } from './types.ts'

/** An article that has passed the checks. */
interface AcceptedArticle {
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
 * stored in `control.cancel` or a similar group, not in the groups that it names. What fails once the article is stored is
 * logged: it would be a duplicate if it were sent again.
 * @throws ArticleRefused `duplicate` if it arrived by another way meanwhile, `later` if the store cannot accept it now
 */
export function storeArticle(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, folders } = accepted
  const hasEffects =
    article.has('control') || article.has('supersedes') || folders.some(({ newsgroup }) => newsgroup?.gateway)
  return hasEffects ? storeWithEffects(news, accepted) : append(news, accepted, folders)
}

/** Stores an article, then acts on its control request and mails it. */
async function storeWithEffects(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, raw } = accepted
  const control = controlOf(article)
  const folders = control ? [await controlFolder(news, control).catch(refuseLater)] : accepted.folders
  const stored = await append(news, accepted, folders)
  const kept = new Article(joinPieces(raw))
  if (control || article.has('supersedes')) await act(news, accepted, kept)
  if (!control && folders.some(({ newsgroup }) => newsgroup?.gateway)) await mailOut(news, kept, folders)
  return stored
}

/** Acts on the control request of a stored article. */
async function act(news: NewsContext, { messageId, mayCancel }: AcceptedArticle, article: Article): Promise<void> {
  try {
    await actOnControl(news, { article, mayCancel }, controlOf(article))
  } catch (err) {
    const control = article.value('control') ?? `Supersedes ${article.value('supersedes')}`
    news.log.error({ err, messageId, control }, 'control message stored, but not executed')
  }
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
  return news.store.append([message]).catch((cause) => {
    if (!(cause instanceof StoreError && cause.code === 'exists')) return refuseLater(cause)
    throw new ArticleRefused('duplicate', `${messageId} is known here already`, { cause })
  })
}

/** Returns the Xref field: the server's name, then the article's number in each group. RFC 5536 section 3.2.14. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  let places = ''
  for (const { folder, uid } of locations) places += ` ${folder.name}:${uid}`
  return Buffer.from(`Xref: ${hostname}${places}\r\n`, 'utf8')
}
