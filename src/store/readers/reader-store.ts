import { methodsOf } from '../methods-of.ts'
import type { MessageStore, Owner } from '../types.ts'
import { ReaderView, type Viewed } from './reader-view.ts'

/** The methods that are the same for every reader. */
const SAME = [
  'room',
  'createFolder',
  'deleteFolder',
  'renameFolder',
  'updateFolder',
  'findFolder',
  'folderNamed',
  'folderOf',
  'listFolders',
  'listOwners',
  'totals',
  'subscriptions',
  'setSubscribed',
  'read',
  'stream',
  'overview',
  'readAhead',
  'expunge',
  'vanishedSince',
  'lockFolder',
  'lockedFolders',
  'oldest',
  'expungeUnlocked',
  'locate',
  'knows',
  'remember',
  'values',
  'changeValues',
  'getState',
  'hasState',
  'setState',
  'clear',
] as const satisfies readonly (keyof MessageStore)[]

/**
 * Returns the store as one account sees it: in newsgroups and in mailboxes of others it has its own `\Seen`. Their
 * messages keep all other flags, which readers share.
 * @param failed receives the errors of reads for events, and those that listeners throw
 */
export function readerStore(store: MessageStore, reader: Owner, failed: (error: unknown) => void): MessageStore {
  const view = new ReaderView(store, reader, failed)
  const viewed: Viewed = {
    status: (folderId) => view.status(folderId),
    snapshot: (folderId) => view.snapshot(folderId),
    append: (batch, origin) => view.append(batch, origin),
    list: (folderId, range) => view.list(folderId, range),
    entry: (folderId, uid) => view.entry(folderId, uid),
    setFlags: (folderId, uids, change, origin) => view.setFlags(folderId, uids, change, origin),
    copy: (from, uids, to, origin) => view.transfer('copy', { from, uids, to, origin }),
    move: (from, uids, to, origin) => view.transfer('move', { from, uids, to, origin }),
    refresh: (folderId) => view.refresh(folderId),
    changedSince: (folderId, modSeq) => view.changedSince(folderId, modSeq),
    watch: (listener, folderId) => view.watch(listener, folderId),
  }
  return { ...methodsOf(store, SAME), ...viewed, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}
