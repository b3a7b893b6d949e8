import { StoreError } from '../store/errors.ts'
import type { Folder, Location, StoredMessage } from '../store/types.ts'
import type { Article } from './article.ts'
import { actOnControl, controlFolder, controlOf } from './control.ts'
import { ArticleRefused } from './errors.ts'
import type { NewsService } from './news-service.ts'

export interface Filing {
  readonly article: Article
  readonly messageId: string
  /** The octets to be kept, without Xref. */
  readonly raw: Buffer
  readonly folders: readonly Folder[]
  readonly session?: string | undefined
}

/**
 * Stores an article, once, with a number in each of its groups, and acts on what it asks for. A control message goes into
 * `control.cancel` and its like instead.
 * @throws ArticleRefused `duplicate` where it came by another way meanwhile, `later` where the store cannot take it now
 */
export async function file(news: NewsService, filing: Filing): Promise<readonly StoredMessage[]> {
  const { messageId } = filing
  // One that is being stored at this moment is there, or is not, before this one is looked at.
  while (news.filing.has(messageId)) await Promise.allSettled([news.filing.get(messageId)])
  const done = store(news, filing)
  news.filing.set(messageId, done)
  try {
    return await done
  } catch (error) {
    if (error instanceof StoreError) throw new ArticleRefused('later', error.message, { cause: error })
    throw error
  } finally {
    news.filing.delete(messageId)
  }
}

async function store(news: NewsService, filing: Filing): Promise<readonly StoredMessage[]> {
  const { article, messageId, raw, session } = filing
  if (await news.store.knows(messageId)) throw new ArticleRefused('duplicate', `${messageId} is known here already`)
  const control = controlOf(article)
  const folders = control ? [await controlFolder(news, control)] : filing.folders
  const stored = await news.store.append([
    {
      raw,
      messageId,
      prefix: (locations) => xref(news.hostname, locations),
      targets: folders.map((folder) => ({ folderId: folder.id })),
      ...(session === undefined ? {} : { envelope: { session } }),
    },
  ])
  await actOnControl(news, article, control)
  return stored
}

/** RFC 5536 section 3.2.14: the server's name, then the article's number in each group. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  const places = locations.map(({ folder, uid }) => `${folder.name}:${uid}`)
  return Buffer.from(`Xref: ${hostname} ${places.join(' ')}\r\n`, 'utf8')
}
