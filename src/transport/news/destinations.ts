import type { Folder } from '../../storage/store/folder.ts'
import { PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { openFolder } from '../../storage/store/mailboxes.ts'
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

/**
 * Returns the groups in which an article for the named groups is filed. RFC 6048 section 3.1. Returns a promise only if
 * something has to be awaited.
 */
export function destinationsOf(news: NewsContext, names: readonly string[]): Destinations | Promise<Destinations> {
  const groups = news.groupsNamed(names)
  if (groups instanceof Promise) return groups.then((found) => fileIn(news, found))
  const [group] = groups
  // Nearly every article: one group that files its articles itself.
  const isPlain = group !== undefined && groups.length === 1 && filesItself(group)
  return isPlain ? { folders: groups, moderated: isModerated(group) ? group : undefined } : fileIn(news, groups)
}

const filesItself = ({ newsgroup }: Folder): boolean =>
  newsgroup?.aliasOf === undefined && newsgroup?.peers !== 'refuse' && newsgroup?.peers !== 'discard'

const isModerated = ({ newsgroup }: Folder): boolean => newsgroup?.posting === 'moderated'

async function fileIn(news: NewsContext, groups: readonly Folder[]): Promise<Destinations> {
  const folders = new Map<string, Folder>()
  let moderated: Folder | undefined
  let isUnfiled = false
  for (const group of groups) {
    const { peers, aliasOf } = group.newsgroup ?? {}
    if (peers === 'refuse') continue
    const target = aliasOf === undefined ? group : await news.group(aliasOf)
    if (peers === 'discard' || !target) isUnfiled = true
    else {
      folders.set(target.id, target)
      if (target === group && isModerated(group)) moderated ??= group
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
