import { isSliceOver, nextSlice } from '../../src/core/time/time-slice.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { FolderStatus, MessageSource, MessageStore, ReadPart } from '../../src/storage/store/types.ts'
import type { ArticleRange, ArticleSpecifier } from './arguments.ts'
import type { NntpSession, SelectedGroup } from './command.ts'
import {
  authenticationRequired,
  noArticleWithId,
  noArticleWithNumber,
  noCurrentArticle,
  noGroupSelected,
  noSuchGroup,
} from './reply.ts'

/** The numbers that GROUP and LIST ACTIVE show. */
export interface WaterMarks {
  /** The exact number of articles. */
  readonly count: number
  readonly low: number
  readonly high: number
}

/** Returns the marks in a status. They never decrease, and in an empty group high is one less than low. RFC 3977 section 6.1.1.2. */
export const marksOf = ({ exists, uidNext, lowestUid }: FolderStatus): WaterMarks => ({
  count: exists,
  low: exists === 0 ? uidNext : lowestUid,
  high: uidNext - 1,
})

/** Returns a group's marks. */
export async function waterMarks(store: MessageStore, group: Folder): Promise<WaterMarks> {
  return marksOf(await store.status(group.id))
}

/** Returns a group that the client may read. @throws NntpError 411; 480 if the group is hidden until a log-on */
export async function readableGroup(session: NntpSession, name: string): Promise<Folder> {
  const folder = await session.news.group(name)
  if (!folder || !session.access.sees(folder)) throw noSuchGroup()
  if (!session.access.canReadGroup(folder)) throw authenticationRequired()
  return folder
}

/** Returns the selected group. @throws NntpError 412 */
export function selectedGroup(session: NntpSession): SelectedGroup {
  if (!session.group) throw noGroupSelected()
  return session.group
}

/** An article as a command named it. */
export interface FoundArticle {
  readonly folder: Folder
  readonly entry: MessageEntry
  /** The number in the reply: 0 if the article was named by its message-id. RFC 3977 section 6.2.1.2. */
  readonly number: number
}

/** Finds an article without making it the current one. @throws NntpError 412, 420, 423, 430, 480 */
export async function findArticle(session: NntpSession, specifier: ArticleSpecifier): Promise<FoundArticle> {
  if (specifier.by === 'current') return currentArticle(session)
  if (specifier.by === 'messageId') return articleWithId(session, specifier.messageId)
  const { folder } = selectedGroup(session)
  const entry = await session.context.store.entry(folder.id, specifier.number)
  if (!entry) throw noArticleWithNumber()
  return { folder, entry, number: entry.uid }
}

/** Returns the current article. RFC 3977 section 6.1. @throws NntpError 412, 420 */
async function currentArticle(session: NntpSession): Promise<FoundArticle> {
  const { folder, current } = selectedGroup(session)
  if (current === undefined) throw noCurrentArticle()
  const entry = await session.context.store.entry(folder.id, current)
  // It may have been removed since it became the current article. RFC 3977 section 6.2.1.2
  if (!entry) throw noCurrentArticle()
  return { folder, entry, number: entry.uid }
}

/** Finds an article by its message-id. @throws NntpError 430; 480 if only groups that are hidden until a log-on have it */
async function articleWithId(session: NntpSession, messageId: string): Promise<FoundArticle> {
  const { store } = session.context
  const locations = (await store.locate(messageId)).filter(({ folder }) => session.access.sees(folder))
  const readable = locations.find(({ folder }) => session.access.canReadGroup(folder))
  if (!readable) throw locations.length > 0 ? authenticationRequired() : noArticleWithId()
  const entry = await store.entry(readable.folder.id, readable.uid)
  if (!entry) throw noArticleWithId()
  return { folder: readable.folder, entry, number: 0 }
}

/** How many entries one call reads from the store. */
const PAGE_SIZE = 128

/**
 * Yields the entries of a range in pages. Pauses regularly, so that other sessions run in between: calls of a store in
 * memory never wait, so nothing else would interrupt a long range.
 */
export async function* pages(
  store: MessageStore,
  group: Folder,
  range: ArticleRange,
): AsyncGenerator<readonly MessageEntry[]> {
  const { low, high } = await waterMarks(store, group)
  const to = Math.min(range.to, high)
  for (let from = Math.max(range.from, low); from <= to; from += PAGE_SIZE) {
    const page = await store.list(group.id, { from, to: Math.min(to, from + PAGE_SIZE - 1) })
    if (page.length > 0) yield page
    if (isSliceOver()) await nextSlice()
  }
}

/** Returns a source for articles of a page that are read one after the other. */
export const sourceOf = (
  store: MessageStore,
  folder: Folder,
  entries: readonly MessageEntry[],
  part: ReadPart,
): MessageSource =>
  store.readAhead(
    entries.map((entry) => ({ folder, entry })),
    part,
  )

/** Returns the first article above a number. RFC 3977 section 6.1.4. */
export async function nextEntry(store: MessageStore, group: Folder, number: number): Promise<MessageEntry | undefined> {
  for await (const page of pages(store, group, { from: number + 1, to: Number.MAX_SAFE_INTEGER })) return page[0]
  return undefined
}

/** Returns the last article below a number. RFC 3977 section 6.1.3. */
export async function previousEntry(
  store: MessageStore,
  group: Folder,
  number: number,
): Promise<MessageEntry | undefined> {
  const { low } = await waterMarks(store, group)
  for (let to = number - 1; to >= low; to -= PAGE_SIZE) {
    const page = await store.list(group.id, { from: Math.max(low, to - PAGE_SIZE + 1), to })
    if (page.length > 0) return page.at(-1)
    if (isSliceOver()) await nextSlice()
  }
  return undefined
}
