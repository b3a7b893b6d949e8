/**
 * The contract of a message store. A mailbox and a newsgroup are the same thing, a `Folder`: it numbers its messages in
 * ascending order and never reuses a number (IMAP UID, NNTP article number), keeps octets as received and emits change
 * events. When a promise resolves, the store has the change (flushed to disk, if the store is on disk). Only then may a
 * server acknowledge a message.
 */

import type { Pieces } from '../../core/octets/pieces.ts'
import type { Overview } from '../../mail/format/overview.ts'
import type { DeliveryEnvelope } from './delivery-envelope.ts'

import type { Folder, FolderSettings, Owner } from './folder.ts'
import type { Entries, MessageEntry, StoredMessage } from './message-entry.ts'
import type { Origin } from './origin.ts'
import type { ScanPart, SelectedMessages, Selection, SelectionPart } from './selection.ts'
import type { StoreEvent, WatchedFolders } from './store-events.ts'
import type { ValueStore } from './value-types.ts'

/** The message of a folder with the lowest uid, and the counts of the folder. */
export interface OldestMessage extends Pick<FolderStatus, 'exists' | 'sizeOctets'>, Pick<MessageEntry, 'savedAt'> {}

/** The content of folders, counted together. */
export interface Totals extends Pick<FolderStatus, 'exists' | 'sizeOctets'> {
  /** Null: all owners that were not asked for apart. */
  readonly owner: Owner | null
}

export interface FolderStatus {
  readonly exists: number
  readonly uidNext: number
  readonly highestModSeq: number
  readonly sizeOctets: number
  /** Number of messages without `\Seen`. */
  readonly unseen: number
  /** Number of messages with `\Deleted`. */
  readonly deleted: number
  /** Octets of the messages with `\Deleted`, which an EXPUNGE would free. RFC 9208 section 4.1.4. */
  readonly deletedOctets: number
  /** Lowest uid in the folder, 0 if it is empty. */
  readonly lowestUid: number
  /** Highest uid in the folder, 0 if it is empty. */
  readonly highestUid: number
}

/** A folder at one moment, for a session that opens it. */
export interface FolderSnapshot extends FolderStatus {
  /** Later changes do not affect them. */
  readonly entries: Entries
  /** Every flag that a message of the folder has, without duplicates. */
  readonly flags: readonly string[]
  /** Position of the first message without `\Seen`, counted from 1; 0 if all have it. */
  readonly firstUnseen: number
  /** Number of messages with `lacksLineEnd`. */
  readonly withoutLineEnd: number
}

/** Where a message is stored. A message stored in several folders has several locations. */
export interface Location {
  readonly folder: Folder
  readonly uid: number
}

export interface AppendTarget {
  readonly folderId: string
  readonly flags?: readonly string[]
  /** Instead of the envelope of the message. */
  readonly envelope?: DeliveryEnvelope
  /** The most that the owner of the folder may have after the batch. Default: no limit. */
  readonly limit?: HoldLimit | undefined
}

/** The most that all folders of one owner may hold. The commit checks it, whoever else changes them. */
export interface HoldLimit {
  readonly octets?: number | undefined
  readonly messages?: number | undefined
}

export interface NewMessage {
  /**
   * The octets to keep, with CRLF line ends. An iterable is read to its end before any message of its batch becomes
   * visible. If it throws, nothing of the batch is stored.
   */
  readonly raw: Buffer | Pieces | AsyncIterable<Buffer>
  /** Returns header lines to put before `raw`, once the uids are known (Xref). Called inside the commit; must not throw. */
  readonly prefix?: (locations: readonly Location[]) => Buffer
  /** Milliseconds since the epoch. Default: now. */
  readonly internalDate?: number | undefined
  /**
   * The Message-ID with its angle brackets. Required for `locate` and `knows` to find an article, so set it when a target is a
   * public folder. No other folder uses it: omit it for personal mail.
   */
  readonly messageId?: string | undefined
  /** Whether the batch is refused if `knows(messageId)`. This is decided in the commit: of two nodes, one wins. */
  readonly once?: boolean
  readonly envelope?: DeliveryEnvelope | undefined
  /** The folders to store the message in. They share its octets. */
  readonly targets: readonly AppendTarget[]
}

/** How much a store holds and can still take, in octets: about, because entries and indexes need room too. */
export interface StoreRoom {
  readonly usedOctets: number
  /** Undefined: not known. */
  readonly freeOctets: number | undefined
}

export type FlagChange = {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: readonly string[]
  /** Entries with a greater modSeq are not changed and are returned in `modified`. RFC 7162 section 3.1.3. */
  readonly unchangedSince?: number
}

export interface FlagChangeResult {
  /** The current entry of every uid that exists and was not refused, in uid order. */
  readonly entries: readonly MessageEntry[]
  /** Uids refused because of `unchangedSince`. */
  readonly modified: readonly number[]
}

/** The uid pairs of COPY and MOVE in ascending order: `from[i]` became `to[i]`. COPYUID, RFC 4315. */
export interface CopyResult {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** A message that is about to be read. */
export interface ExpectedMessage {
  readonly folder: Pick<Folder, 'id'>
  readonly entry: Pick<MessageEntry, 'uid' | 'sizeOctets'>
}

/** The part that is read of messages: all octets, overviews, or that many of the first octets. */
export type ReadPart = 'message' | 'overview' | number

/** Where messages are read. */
export type MessageReads = Pick<MessageStore, 'read' | 'overview'>

/** Where messages are read one after the other. Dispose of it: it may hold some that were not read in the end. */
export type MessageSource = MessageReads & Disposable

/** Inclusive range of uids. */
export interface UidRange {
  readonly from: number
  readonly to: number
}

/** A folder that one session has for itself. RFC 1939 section 4. */
export interface FolderLock {
  /** Deletes messages of the folder, as `MessageStore.expunge`. @throws StoreError `lock-lost`; nothing is deleted then */
  expunge(uids: readonly number[], origin?: Origin): Promise<readonly number[]>
  /** Unlocks the folder. Further calls have no effect. Never rejects. */
  release(): Promise<void>
}

/** Changes that a database has lost after they were acknowledged. */
export interface Setback {
  /** When this node found it, in milliseconds since the epoch. */
  readonly at: number
  /** How many folders got a new UIDVALIDITY. */
  readonly folders: number
}

export interface MessageStore extends ValueStore, AsyncDisposable {
  /** Whether other processes change the store as well. */
  readonly isShared?: boolean
  /** The last loss of changes that was found. */
  readonly setback?: Setback | undefined
  /** Returns why the bucket with the octets of large messages cannot be used now; undefined if it can. */
  bodiesFailure?(): Promise<string | undefined>
  /** Returns how much the store holds and can still take: within its limit, or on its disk. @throws StoreError */
  room(): Promise<StoreRoom>
  /** Creates a folder. @throws StoreError `exists` */
  createFolder(owner: Owner, name: string, settings?: FolderSettings): Promise<Folder>
  /**
   * Deletes the folder and its messages, but not the folders below it. `onlyIfEmpty`: keeps a folder that has messages.
   * @throws StoreError `not-found`
   */
  deleteFolder(folderId: string, options?: { readonly onlyIfEmpty?: boolean }): Promise<void>
  /** Renames the folder and every folder below it. @throws StoreError `not-found`, `exists` */
  renameFolder(folderId: string, name: string): Promise<Folder>
  /** Replaces the folder's settings. @throws StoreError `not-found` */
  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder>
  findFolder(owner: Owner, name: string): Promise<Folder | undefined>
  /** Returns, without reading, the folder that `findFolder` finds, if the store knows it already. */
  folderNamed(owner: Owner, name: string): Folder | undefined
  /** Returns, without reading, the folder of that id. */
  folderOf(folderId: string): Folder | undefined
  /** Returns an owner's folders in name order. */
  listFolders(owner: Owner): Promise<readonly Folder[]>
  /** Returns every owner that has a folder, sorted. The queue of outgoing mail is not one of them. */
  listOwners(): Promise<readonly Owner[]>
  /**
   * Returns the sums of the folders: one for each owner of `apart`, and one for all other owners. The queue of
   * outgoing mail is left out. @throws StoreError
   */
  totals(apart: readonly Owner[]): Promise<readonly Totals[]>
  /** Returns the counts of a folder. @throws StoreError `not-found` */
  status(folderId: string): Promise<FolderStatus>
  /** Returns the oldest message of each folder; none for a folder that is empty or does not exist. One call for many folders takes few steps. */
  oldest(folderIds: readonly string[]): Promise<ReadonlyMap<string, OldestMessage>>
  /**
   * Emits what other nodes have stored before this call: in the folders that a listener follows, and new, renamed and deleted
   * folders. Call it before an answer from what is known in memory. @throws StoreError `failed`
   */
  refresh(): Promise<void>
  /** Returns the state of a folder at this moment. @throws StoreError `not-found` */
  snapshot(folderId: string): Promise<FolderSnapshot>

  /** Returns the names an owner is subscribed to, whether or not such folders exist. RFC 9051 section 6.3.7. */
  subscriptions(owner: Owner): Promise<readonly string[]>
  setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void>

  /**
   * Stores all messages of the batch or none (MULTIAPPEND, cross-posts). Returns one result per message and target, in
   * order.
   * @throws StoreError `not-found`, `no-space`, `over-quota`, `read-only`, `failed`, `unknown`, `exists` if a message with `once` is known
   */
  append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]>
  /** Returns entries in uid order. @throws StoreError `not-found` */
  list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]>
  entry(folderId: string, uid: number): Promise<MessageEntry | undefined>
  /** Returns a part of the messages that meet conditions. Absent if the store cannot do this without reading all entries. */
  readonly select?: (selection: Selection, part: SelectionPart) => Promise<SelectedMessages>
  /** Returns the messages that meet conditions in batches, in order of their `savedAt`. Present with `select`. */
  readonly scan?: (selection: Selection, part?: ScanPart) => AsyncIterable<readonly StoredMessage[]>
  /**
   * Returns the octets from `start` (default 0) up to but not including `end` (default: all). The buffer may be a view of
   * the store's own memory: do not write to it.
   */
  read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined>
  /** Yields the octets that `read` returns in pieces, for large messages. */
  stream(folderId: string, uid: number, start?: number, end?: number): AsyncIterable<Buffer>
  /** Returns the overview of a message, without reading its octets if the store can. RFC 3977 section 8.3. */
  overview(folderId: string, uid: number): Promise<Overview | undefined>
  /**
   * Returns a source for messages that are read one after the other. A store in a database reads the next ones together, as
   * they are at that moment, within a limit of memory. Anything can be read from the source, but only `part` of the expected
   * messages is read together.
   * @param expected the messages in the order in which they are read. Some may be left out
   */
  readAhead(expected: Iterable<ExpectedMessage>, part?: ReadPart): MessageSource
  setFlags(folderId: string, uids: readonly number[], change: FlagChange, origin?: Origin): Promise<FlagChangeResult>
  /**
   * Copies all messages or none, with flags, internal date and envelope.
   * @param limit what the owner of the target may have afterwards. Default: no limit
   */
  copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult>
  /** Copies and expunges each message in one step; of many, others may see a part. RFC 6851 section 3.3. */
  move(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult>
  /** Deletes messages. Returns the deleted uids in ascending order. */
  expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]>
  /**
   * Locks a folder for a session, so that no other session locks it and the lab deletes none of its messages. Clients of
   * other protocols may still change it. Returns undefined if it is locked already. @throws StoreError `not-found`
   */
  lockFolder(folderId: string): Promise<FolderLock | undefined>
  /** Returns the ids of the folders that are locked. */
  lockedFolders(): Promise<ReadonlySet<string>>
  /** Deletes messages as `expunge`, unless the folder is locked. Returns the deleted uids. */
  expungeUnlocked(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]>
  /** Returns entries added or changed after `modSeq`, in uid order. RFC 7162 section 3.1. @throws StoreError `not-found` */
  changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]>
  /** Returns uids expunged after `modSeq`, in ascending order. QRESYNC, RFC 7162 section 3.2. */
  vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]>

  /** Returns where public folders currently hold this Message-ID. */
  locate(messageId: string): Promise<readonly Location[]>
  /** Returns whether a public folder has or ever had this Message-ID. The history outlives the article. RFC 5537 section 3.3. */
  knows(messageId: string): Promise<boolean>
  /** Adds a Message-ID to the history without an article (refused, or cancelled before it arrived). */
  remember(messageId: string): Promise<void>

  /** Returns a small value that a service of the lab keeps with the messages, such as a feed's position. */
  getState(key: string): Promise<string | undefined>
  /** Returns, without reading, whether `getState` has a value. */
  hasState(key: string): boolean
  setState(key: string, value: string | undefined): Promise<void>

  /**
   * Calls `listener` for every change, after its commit and in commit order. Changes of the queue of outgoing mail are only
   * for listeners of its folder. Returns a function that stops it.
   * @param folders the id of a folder, or of which folders the listener also wants to know what other nodes change. Default:
   * all folders
   */
  watch(listener: (event: StoreEvent) => void, folders?: WatchedFolders): () => void
  /** Deletes every message and folder. New folders continue the uids and UIDVALIDITY of the deleted ones. */
  clear(): Promise<void>
}
