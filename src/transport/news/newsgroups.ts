import { isDeepStrictEqual } from 'node:util'
import type { NewsgroupConfig } from '../../core/config/schema.ts'
import type { Clock } from '../../core/time/clock.ts'
import { PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { createIfMissing } from '../../storage/store/mailboxes.ts'
import type { NewsgroupAttributes } from '../../storage/store/newsgroup-attributes.ts'
import type { MessageStore } from '../../storage/store/types.ts'

/** Returns whether a name is valid: RFC 5536 section 3.1.4, with UTF-8 as RFC 3977 allows. */
export const isNewsgroupName = (name: string): boolean => /^[^\s,!*?\\[\]/\p{Cc}]{1,200}$/u.test(name)

/**
 * Creates the configured newsgroups and updates the attributes of existing ones. Groups that are no longer configured stay,
 * with their articles. Called at start and on reload.
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
    // Unchanged groups are not written, so that a full or read-only store can still be served.
    if (folder && isDeepStrictEqual(folder.newsgroup, newsgroup)) continue
    if (folder) await store.updateFolder(folder.id, { newsgroup })
    else await createIfMissing(store, PUBLIC_OWNER, config.name, { newsgroup })
  }
}

function attributes(config: NewsgroupConfig): Omit<NewsgroupAttributes, 'createdAt' | 'createdBy'> {
  const { description, moderator, access, addresses, keep, suggested, peers, aliasOf, gateway } = config
  // RFC 6048 section 3.1: with status x, j and =other.group, users cannot post.
  const posting = peers === 'accept' && aliasOf === undefined ? config.posting : 'no'
  return {
    description,
    posting,
    ...(moderator === undefined ? {} : { moderator }),
    ...(access === undefined ? {} : { access }),
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(keep?.age === undefined ? {} : { expireAfterMs: keep.age }),
    ...(keep?.count === undefined ? {} : { keepLatest: keep.count }),
    ...(gateway.length === 0 ? {} : { gateway }),
    ...(peers === 'accept' ? {} : { peers }),
    ...(aliasOf === undefined ? {} : { aliasOf }),
    ...(suggested ? { suggested } : {}),
  }
}
