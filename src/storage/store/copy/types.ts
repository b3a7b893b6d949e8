import type { Folder, Owner } from '../folder.ts'
import type { MessageEntry } from '../message-entry.ts'
import type { MessageStore } from '../types.ts'
import type { ValueKind } from '../value-types.ts'

/**
 * A part of a store, as copies have it. Message-IDs of the history, keys of the state, readers of values and names of
 * deleted folders have the form of `textKey`.
 */
export type StoreItem =
  | StoreHead
  | FolderItem
  | MessageItem
  | VanishedItem
  | ValueItem
  | { readonly type: 'subscription'; readonly owner: Owner; readonly name: string }
  | { readonly type: 'state'; readonly key: string; readonly value: string }
  | { readonly type: 'known'; readonly messageId: string }
  | RetiredItem

/** The first item. */
export interface StoreHead {
  readonly type: 'store'
  /** The beginning of its folders' ids: `F`, the tag and `-`. Folders that follow are numbered from `lastFolder` on. */
  readonly tag: string
  readonly lastFolder: number
  /** The number of its last blob. Blobs of a copy get greater ones, so that no name stands for two messages. */
  readonly lastBlob: number
  /** The greatest UIDVALIDITY of a folder so far. */
  readonly lastUidValidity: number
  readonly folders: number
  readonly messages: number
}

/** A folder. Comes before everything that belongs to it. */
export interface FolderItem {
  readonly type: 'folder'
  readonly folder: Folder
  readonly uidNext: number
  readonly highestModSeq: number
}

/** A message of a folder. A folder's messages come in uid order. */
export interface MessageItem {
  readonly type: 'message'
  readonly folderId: string
  readonly entry: MessageEntry
  /** The octets, to be read before the next item. Absent if an earlier message had the same `entry.blob`. */
  readonly raw?: Buffer | AsyncIterable<Buffer>
  /** Whether other messages have the same `entry.blob`. */
  readonly isShared: boolean
}

/** The uids that were expunged from a folder with one modSeq. */
interface VanishedItem {
  readonly type: 'vanished'
  readonly folderId: string
  readonly modSeq: number
  readonly uids: readonly number[]
}

export interface ValueItem {
  readonly type: 'value'
  /** Undefined: the value belongs to the store as a whole. */
  readonly folderId?: string
  readonly kind: ValueKind
  /** The reader who has the value. Empty: all readers share it. */
  readonly reader: string
  readonly name: string
  readonly content: Buffer
}

/** The next uid of a deleted folder. */
interface RetiredItem {
  readonly type: 'retired'
  readonly owner: Owner
  readonly name: string
  readonly uidNext: number
}

export type StoreItems = AsyncIterable<StoreItem>

/** A store that can be copied to another one. */
export interface CopyableStore extends MessageStore {
  /** Yields everything in the store as it is at one moment, also hidden folders. */
  dump(): StoreItems
  /**
   * Adds everything from the dump of another store. Ids of folders, uids, UIDVALIDITY, modification sequences and dates
   * stay; blobs get new names. If it throws, a part can be in the store.
   * @throws StoreError `exists` if the store has a folder; `no-space`, `read-only`, `failed`
   */
  restore(items: StoreItems): Promise<void>
}

/** Messages up to this size are one buffer in a dump. */
export const WHOLE_OCTETS = 1 << 20
