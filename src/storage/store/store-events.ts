import type { Folder, Owner } from './folder.ts'
import type { MessageEntry } from './message-entry.ts'
import type { Origin } from './origin.ts'
import type { ValueKind } from './value-types.ts'

/** `isRemote`: another process has made the change, in a store that several share. */
export type StoreEvent = StoreChange & { readonly isRemote?: true }

type StoreChange =
  | {
      readonly type: 'appended'
      readonly folder: Folder
      readonly entries: readonly MessageEntry[]
      readonly origin?: Origin
    }
  | {
      readonly type: 'flags'
      readonly folder: Folder
      readonly entries: readonly MessageEntry[]
      readonly origin?: Origin
    }
  | {
      readonly type: 'expunged'
      readonly folder: Folder
      readonly uids: readonly number[]
      /** The entries as they were. Absent if another node expunged them, and in a view of several folders. */
      readonly entries?: readonly MessageEntry[]
      readonly modSeq: number
      readonly origin?: Origin
    }
  | {
      readonly type: 'values'
      readonly folder: Folder
      readonly kind: ValueKind
      /** The reader whose values changed. Absent: all readers share them. */
      readonly reader?: Owner
      /** The names of the values that were set or removed. */
      readonly names: readonly string[]
      /** The folder's new modification sequence, if the values belong to its messages. */
      readonly modSeq?: number
      readonly origin?: Origin
    }
  | { readonly type: 'folder-created'; readonly folder: Folder }
  | { readonly type: 'folder-changed'; readonly folder: Folder; readonly previousName: string }
  | { readonly type: 'folder-deleted'; readonly folder: Folder }

/**
 * The changes for which a listener is called: every change of the folder with an id; or every change of this process, and
 * other processes' changes in folders for which `follows` returns true.
 */
export type WatchedFolders = string | { readonly follows: (folder: Folder) => boolean }

/** For listeners that need nothing of other processes. */
export const OWN_CHANGES: WatchedFolders & object = { follows: () => false }
