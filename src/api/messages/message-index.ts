import type { Folder } from '../../storage/store/folder.ts'
import type { MessageEntry } from '../../storage/store/message-entry.ts'
import type { EntryTest } from '../../storage/store/selection.ts'

/** One message in one folder. */
export interface IndexedMessage {
  /** `{folderId}.{uid}`: stable across restarts. */
  readonly id: string
  readonly folder: Folder
  readonly entry: MessageEntry
  /** Grows with each arrival, or is the time of the arrival. See `compareArrival`. */
  readonly order: number
}

/** A change of the messages, in the order of the store's commits. */
export type IndexEvent = {
  /** Another node has made the change. */
  readonly isRemote: boolean
} & (
  | { readonly type: 'added' | 'changed'; readonly message: IndexedMessage }
  /** The message as it was. Its entry is absent if the index did not have it. */
  | { readonly type: 'deleted'; readonly message: DeletedMessage }
)

export type DeletedMessage = Pick<IndexedMessage, 'id' | 'folder'> & Partial<Pick<IndexedMessage, 'entry'>>

/** The messages that `MessageIndex.batches` looks for. */
export interface Choice {
  /** Default: all. */
  readonly folders?: ((folder: Folder) => boolean) | undefined
  readonly tests?: readonly EntryTest[]
  /** Default: the oldest first. */
  readonly isNewestFirst?: boolean
  /** The message after which it begins. */
  readonly after?: IndexedMessage | undefined
}

/** The messages of a store in order of arrival, and their changes. */
export interface MessageIndex {
  /** Differs for every process, so that orders of another one are recognized. */
  readonly epoch: string
  /** Whether all messages are in memory. */
  readonly isHeld: boolean
  /** Grows when a folder changes, and with it all of its messages. No events tell of each. */
  readonly generation: number
  /** Follows the changes of the store from the first call on. @throws StoreError */
  begin(): Promise<void>
  /** Returns the messages that are in memory: all or none, the oldest first. */
  held(): Iterable<IndexedMessage>
  /** Returns a message. @throws StoreError */
  find(id: string): Promise<IndexedMessage | undefined>
  /** Returns a message that was found before, with what is known of it now. Undefined if it is known to be deleted. */
  current(message: IndexedMessage): IndexedMessage | undefined
  /** Returns messages in batches: all that meet the choice, and maybe others. @throws StoreError */
  batches(choice: Choice): AsyncIterable<readonly IndexedMessage[]>
  /** Calls `listener` for every change after `begin`. Returns the function that removes the listener. */
  watch(listener: (event: IndexEvent) => void): () => void
  close(): void
}

export const messageId = (folderId: string, uid: number): string => `${folderId}.${uid}`

/** Splits the id of a message. Undefined if it has another form. */
export function splitMessageId(id: string): { readonly folderId: string; readonly uid: number } | undefined {
  const match = /^(.+)\.([1-9]\d{0,9})$/.exec(id)
  return match ? { folderId: match[1] as string, uid: Number(match[2]) } : undefined
}

/** The place of a message in the order of arrival. */
interface Arrived {
  readonly order: number
  readonly folder: Pick<Folder, 'id'>
  readonly entry: Pick<MessageEntry, 'uid'>
}

/** Compares messages in their order of arrival, as the store does for messages of the same time. */
export const compareArrival = (a: Arrived, b: Arrived): number =>
  a.order - b.order || compareFolders(a.folder.id, b.folder.id) || a.entry.uid - b.entry.uid

/** The ids of folders end with numbers in base 36. */
const compareFolders = (a: string, b: string): number => a.length - b.length || (a === b ? 0 : a < b ? -1 : 1)

/** Returns where a message is, or belongs, in a list in order of arrival. */
export function placeIn(list: readonly Arrived[], message: Arrived): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareArrival(list[middle] as Arrived, message) < 0) low = middle + 1
    else high = middle
  }
  return low
}
