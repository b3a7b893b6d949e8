import { joinPieces } from '../../../../core/octets/pieces.ts'
import type { FolderItem, MessageItem, StoreItems } from '../../copy/types.ts'
import { StoreError } from '../../errors.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { ChangeSet, ReadyItem } from './change-set.ts'
import type { Incoming } from './incoming.ts'

/** Limits of the items that share a transaction. */
const MAX_ITEMS = 500
const MAX_OCTETS = 8 << 20

/** Approximate octets that an item writes besides the octets of a message. */
const ITEM_OCTETS = 1 << 10

interface RestoreSteps {
  readonly incoming: Incoming
  /** Runs a change in a transaction. `isAlone`: it sees the effects of all earlier ones. */
  readonly change: (work: (changeSet: ChangeSet) => void, octets: number, isAlone: boolean) => Promise<void>
}

/** Writes everything to empty tables, many items in a transaction. */
export async function restoreTables(items: StoreItems, { incoming, change }: RestoreSteps): Promise<void> {
  const folders: Folder[] = []
  /** Numbers of shared blobs, by their names in the other store. */
  const blobs = new Map<string, number>()
  let waiting: ReadyItem[] = []
  let octets = 0
  const flush = async (): Promise<void> => {
    const some = waiting
    waiting = []
    if (some.length > 0)
      await change((changeSet) => changeSet.restore(some, blobs), octets + some.length * ITEM_OCTETS, false)
    octets = 0
  }
  for await (const item of items) {
    if (item.type === 'folder') {
      await flush()
      folders.push(item.folder)
      await change((changeSet) => changeSet.restoreFolder(item satisfies FolderItem), ITEM_OCTETS, true)
      continue
    }
    const ready = item.type === 'message' ? await receive(item, folders, incoming) : item
    waiting.push(ready)
    if (ready.type === 'message' && Buffer.isBuffer(ready.raw)) octets += ready.raw.length
    if (waiting.length >= MAX_ITEMS || octets >= MAX_OCTETS) await flush()
  }
  await flush()
  for (const { id } of folders) await change((changeSet) => changeSet.indexChanged(id), ITEM_OCTETS, false)
}

async function receive(item: MessageItem, folders: readonly Folder[], incoming: Incoming): Promise<ReadyItem> {
  const { raw, folderId, entry } = item
  if (raw === undefined || Buffer.isBuffer(raw)) return { ...item, raw }
  const folder = folders.findLast(({ id }) => id === folderId)
  if (!folder) throw new StoreError('not-found', `folder ${folderId} of message ${entry.uid} does not exist`)
  // The overview of an article is written with its octets.
  if (folder.owner !== PUBLIC_OWNER) return { ...item, raw: await incoming.take(raw) }
  const pieces: Buffer[] = []
  for await (const piece of raw) pieces.push(piece)
  return { ...item, raw: joinPieces(pieces) }
}
