import type { Folder, Location, StoredMessage } from '../store/types.ts'
import type { Article } from './article.ts'
import { actOnControl, controlFolder, controlOf } from './control.ts'
import { ArticleRefused } from './errors.ts'
import type { Newsroom } from './newsroom.ts'

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
 * @throws ArticleRefused `duplicate` where it came by another way meanwhile
 */
export async function file(room: Newsroom, filing: Filing): Promise<readonly StoredMessage[]> {
  const { article, messageId, raw } = filing
  const holder = {}
  if (!room.claims.take(messageId, holder)) throw new ArticleRefused('later', `${messageId} is coming from a peer`)
  try {
    if (await room.store.knows(messageId)) throw new ArticleRefused('duplicate', `${messageId} is known here already`)
    const control = controlOf(article)
    const folders = control ? [await controlFolder(room, control)] : filing.folders
    const stored = await room.store.append([
      {
        raw,
        messageId,
        prefix: (locations) => xref(room.hostname, locations),
        targets: folders.map((folder) => ({ folderId: folder.id })),
        ...(filing.session === undefined ? {} : { envelope: { session: filing.session } }),
      },
    ])
    await actOnControl(room, article, control)
    return stored
  } finally {
    room.claims.release(messageId, holder)
  }
}

/** RFC 5536 section 3.2.14: the server's name, then the article's number in each group. */
function xref(hostname: string, locations: readonly Location[]): Buffer {
  const places = locations.map(({ folder, uid }) => `${folder.name}:${uid}`)
  return Buffer.from(`Xref: ${hostname} ${places.join(' ')}\r\n`, 'utf8')
}
