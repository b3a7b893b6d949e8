import type { Folder, MessageEntry } from '../../src/store/types.ts'
import {
  authenticationRequired,
  noArticleWithId,
  noArticleWithNumber,
  noCurrentArticle,
  noGroupSelected,
} from './reply.ts'
import type { NntpSession, SelectedGroup } from './session.ts'
import type { ArticleSpecifier } from './wire.ts'

/** An article that was asked for. */
export interface FoundArticle {
  readonly folder: Folder
  readonly entry: MessageEntry
  /** The number told: 0 where it was asked for by message-id. RFC 3977 section 6.2.1.2. */
  readonly number: number
}

/** @throws NntpError 412 */
export function selectedGroup(session: NntpSession): SelectedGroup {
  if (!session.group) throw noGroupSelected()
  return session.group
}

/** The current article. RFC 3977 section 6.1. @throws NntpError 412, 420 */
export async function currentArticle(session: NntpSession): Promise<FoundArticle> {
  const group = selectedGroup(session)
  if (group.current === undefined) throw noCurrentArticle()
  const entry = await session.context.store.entry(group.folder.id, group.current)
  // Gone meanwhile: RFC 3977 section 6.2.1.2.
  if (!entry) throw noCurrentArticle()
  return { folder: group.folder, entry, number: entry.uid }
}

/** @throws NntpError 430, 480 */
export async function articleWithId(session: NntpSession, messageId: string): Promise<FoundArticle> {
  const { store } = session.context
  const locations = await store.locate(messageId)
  const readable = locations.find(({ folder }) => session.access.readsGroup(folder))
  if (!readable) throw locations.length > 0 ? authenticationRequired() : noArticleWithId()
  const entry = await store.entry(readable.folder.id, readable.uid)
  if (!entry) throw noArticleWithId()
  return { folder: readable.folder, entry, number: 0 }
}

/** Finds it, without making it the current one. @throws NntpError 412, 420, 423, 430, 480 */
export async function findArticle(session: NntpSession, specifier: ArticleSpecifier): Promise<FoundArticle> {
  if (specifier.by === 'current') return currentArticle(session)
  if (specifier.by === 'messageId') return articleWithId(session, specifier.messageId)
  const { folder } = selectedGroup(session)
  const entry = await session.context.store.entry(folder.id, specifier.number)
  if (!entry) throw noArticleWithNumber()
  return { folder, entry, number: entry.uid }
}
