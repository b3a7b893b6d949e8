import { openFolder } from '../store/mailboxes.ts'
import type { Folder } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import type { NewsContext } from './types.ts'

/** Where an article from a peer is filed. */
export interface Destinations {
  /** Empty: no group here takes it. */
  readonly folders: readonly Folder[]
  /** A group that takes only approved articles. An alias of it takes all. RFC 6048 section 3.1. */
  readonly moderated: Folder | undefined
}

/** Keeps articles whose groups file nothing, so that they are passed on to peers. RFC 6048 section 3.1. */
const CATCH_ALL = 'junk'

/** Returns the groups in which an article for the named groups is filed. RFC 6048 section 3.1. */
export async function destinationsOf(news: NewsContext, names: readonly string[]): Promise<Destinations> {
  const folders = new Map<string, Folder>()
  let moderated: Folder | undefined
  let isUnfiled = false
  const groups = news.groupsNamed(names)
  for (const group of groups instanceof Promise ? await groups : groups) {
    const { peers, aliasOf, posting } = group.newsgroup ?? {}
    if (peers === 'refuse') continue
    const target = aliasOf === undefined ? group : await news.group(aliasOf)
    if (peers === 'discard' || !target) isUnfiled = true
    else {
      folders.set(target.id, target)
      if (target === group && posting === 'moderated') moderated ??= group
    }
  }
  const filed = [...folders.values()]
  return { folders: filed.length === 0 && isUnfiled ? [await catchAll(news)] : filed, moderated }
}

const catchAll = (news: NewsContext): Folder | Promise<Folder> =>
  openFolder(news.store, PUBLIC_OWNER, CATCH_ALL, {
    newsgroup: {
      description: 'Articles of groups that file none',
      posting: 'no',
      createdAt: news.clock.now(),
      createdBy: news.hostname,
    },
  })
