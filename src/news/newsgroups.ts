import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../common/clock.ts'
import type { NewsgroupConfig } from '../config/schema.ts'
import type { MessageStore, NewsgroupAttributes } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'

/** RFC 5536 section 3.1.4, and the UTF-8 that RFC 3977 lets through. */
export const isNewsgroupName = (name: string): boolean => /^[^\s,!*?\\[\]/\p{Cc}]{1,200}$/u.test(name)

/**
 * Makes the newsgroups of the configuration, and gives those that are there their attributes; groups that left the
 * configuration stay, as do their articles. Called at start and on reload.
 */
export async function ensureNewsgroups(
  store: MessageStore,
  configs: readonly NewsgroupConfig[],
  clock: Clock,
): Promise<void> {
  for (const config of configs) {
    const folder = await store.findFolder(PUBLIC_OWNER, config.name)
    const newsgroup: NewsgroupAttributes = {
      ...attributes(config),
      createdAt: folder?.newsgroup?.createdAt ?? clock.now(),
      createdBy: folder?.newsgroup?.createdBy ?? 'configuration',
    }
    // What is as it should be is not written: a store that is full, or cannot be written to, is served all the same.
    if (folder && isDeepStrictEqual(folder.newsgroup, newsgroup)) continue
    if (folder) await store.updateFolder(folder.id, { newsgroup })
    else await store.createFolder(PUBLIC_OWNER, config.name, { newsgroup })
  }
}

function attributes(config: NewsgroupConfig): Omit<NewsgroupAttributes, 'createdAt' | 'createdBy'> {
  const { description, posting, moderator, access, addresses, expireAfter, keepLatest, suggested } = config
  return {
    description,
    posting,
    ...(moderator === undefined ? {} : { moderator }),
    ...(access === undefined ? {} : { access }),
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(expireAfter === undefined ? {} : { expireAfterMs: expireAfter }),
    ...(keepLatest === undefined ? {} : { keepLatest }),
    ...(suggested ? { suggested } : {}),
  }
}
