import { type Folder, type Location, type StoredMessage, StoreError } from '../store/types.ts'
import { type Article, ArticleRefused } from './article.ts'
import { actOnControl, controlFolder, controlOf } from './control.ts'
import { mailOut } from './gateway.ts'
import type { NewsContext } from './types.ts'

/** An article that has passed the checks. */
export interface AcceptedArticle {
  readonly article: Article
  readonly messageId: string
  /** The octets to keep, without Xref. */
  readonly raw: Buffer
  readonly folders: readonly Folder[]
  readonly session?: string | undefined
}

/**
 * Stores an article once, with a number in each of its groups, and acts on its control request. A control message is
 * stored in `control.cancel` or a similar group, not in the groups that it names.
 * @throws ArticleRefused `duplicate` if it arrived by another way meanwhile, `later` if the store cannot accept it now
 */
export async function storeArticle(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { messageId } = accepted
  // Two copies that arrive together must not both pass the duplicate check: the second waits for the first.
  while (news.storing.has(messageId)) await Promise.allSettled([news.storing.get(messageId)])
  const done = store(news, accepted)
  news.storing.set(messageId, done)
  try {
    return await done
  } catch (error) {
    if (error instanceof StoreError && error.code === 'exists') throw duplicate(messageId, { cause: error })
    if (error instanceof StoreError) throw new ArticleRefused('later', error.message, { cause: error })
    throw error
  } finally {
    news.storing.delete(messageId)
  }
}

const duplicate = (messageId: string, options?: ErrorOptions): ArticleRefused =>
  new ArticleRefused('duplicate', `${messageId} is known here already`, options)

async function store(news: NewsContext, accepted: AcceptedArticle): Promise<readonly StoredMessage[]> {
  const { article, messageId, raw, session } = accepted
  if (await news.store.knows(messageId)) throw duplicate(messageId)
  const control = controlOf(article)
  const folders = control ? [await controlFolder(news, control)] : accepted.folders
  const stored = await news.store.append([
    {
      raw,
      messageId,
      // Another node may store it at the same time.
      once: true,
      prefix: (locations) => xref(news.hostname, locations),
      targets: folders.map((folder) => ({ folderId: folder.id })),
      ...(session === undefined ? {} : { envelope: { session } }),
    },
  ])
  await actOnControl(news, article, control)
  if (!control) await mailOut(news, article, folders)
  return stored
}

/** Returns the Xref field: the server's name, then the article's number in each group. RFC 5536 section 3.2.14. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  const places = locations.map(({ folder, uid }) => `${folder.name}:${uid}`)
  return Buffer.from(`Xref: ${hostname} ${places.join(' ')}\r\n`, 'utf8')
}
