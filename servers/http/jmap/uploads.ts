import type { Account } from '../../../src/accounts/directory/types.ts'
import { StoreFull } from '../../../src/storage/store/errors.ts'
import { OUTGOING_OWNER } from '../../../src/storage/store/folder.ts'
import { openFolder } from '../../../src/storage/store/mailboxes.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import type { MethodCall } from './types.ts'

/** Uploads are kept this long. RFC 8620 section 6: at least an hour. */
const KEPT_MS = 2 * 3_600_000
/** An account may have this many of the largest uploads, and this many of any size. */
const MAX_LARGEST = 4
const MAX_COUNT = 1_000

/** Uploads are in a hidden folder of the store for each account, so that every node has them. */
const folderOf = ({ store, account }: UploadAccount) => openFolder(store, OUTGOING_OWNER, `uploads of ${account.user}`)
const idOf = (uid: number): string => `U${uid}`
const uidIn = (blobId: string): number | undefined => {
  const [, uid] = /^U([1-9]\d{0,9})$/.exec(blobId) ?? []
  return uid === undefined ? undefined : Number(uid)
}

/** The account of uploads, and the store that has them. */
interface UploadAccount {
  readonly store: MessageStore
  readonly account: Pick<Account, 'user'>
}

interface Uploader extends Pick<MethodCall, 'api'> {
  readonly account: UploadAccount
  readonly limits: Pick<MethodCall['limits'], 'maxSizeUpload'>
}

/** Keeps octets as an upload of the account. The oldest uploads make room. Returns its blob id. @throws StoreError */
export async function keepUpload({ api, account, limits }: Uploader, octets: Buffer): Promise<string> {
  const { store } = account
  const { id: folderId } = await folderOf(account)
  const entries = await store.list(folderId)
  await removeOld(store, folderId, entries, api.lab.clock.now(), MAX_LARGEST * limits.maxSizeUpload - octets.length)
  const [stored] = await store.append([{ raw: octets, targets: [{ folderId }] }])
  if (!stored) throw new StoreFull('the upload was not stored')
  return idOf(stored.entry.uid)
}

/** Deletes uploads that are old, or that leave no room for another one. */
async function removeOld(
  store: MessageStore,
  folderId: string,
  entries: readonly MessageEntry[],
  now: number,
  room: number,
): Promise<void> {
  let octets = 0
  const kept = entries.toReversed().filter(({ savedAt, sizeOctets }, index) => {
    octets += sizeOctets
    return savedAt > now - KEPT_MS && octets <= room && index < MAX_COUNT - 1
  })
  const uids = new Set(kept.map(({ uid }) => uid))
  const gone = entries.filter(({ uid }) => !uids.has(uid)).map(({ uid }) => uid)
  if (gone.length > 0) await store.expunge(folderId, gone)
}

/** Returns the octets of an upload; undefined if the account has none of that id. */
export async function uploadOf(account: UploadAccount, blobId: string): Promise<Buffer | undefined> {
  const uid = uidIn(blobId)
  return uid === undefined ? undefined : account.store.read((await folderOf(account)).id, uid)
}
