/**
 * The contract of a message store. Mailboxes and newsgroups are the same thing here, a `Folder`: ascending numbers that
 * are never reused (IMAP UID, NNTP article number), octets kept as received, change events. A promise that resolves means
 * the store has it (durably, where the store is durable): only then is a message acknowledged.
 */

import type { Pieces } from '../common/pieces.ts'
import type { Overview } from '../mail/overview.ts'

/** Who owns folders: an account (`accountOwner`), the public (newsgroups), or the lab (mail captured for other domains). */
export type Owner = `user:${string}` | 'public:' | 'captured:'
export const PUBLIC_OWNER = 'public:' satisfies Owner
export const CAPTURED_OWNER = 'captured:' satisfies Owner
export const accountOwner = (user: string): Owner => `user:${user}`

/** What NNTP knows of a newsgroup. */
export interface NewsgroupAttributes {
  readonly description: string
  readonly posting: 'yes' | 'no' | 'moderated'
  readonly moderator?: string
  /** Milliseconds since the epoch. LIST ACTIVE.TIMES, NEWGROUPS. */
  readonly createdAt: number
  readonly createdBy: string
  /** Who may read and post without logging on; where absent, whoever the virtual server lets. */
  readonly access?: 'anonymous-read' | 'authenticated'
  /** Mail sent to one of these becomes an article. */
  readonly addresses?: readonly string[]
  /** Articles older than this go. */
  readonly expireAfterMs?: number
  /** The latest so many are kept. */
  readonly keepLatest?: number
  /** Suggested to new readers: LIST SUBSCRIPTIONS (RFC 6048 section 2.6). */
  readonly suggested?: boolean
}

export interface Folder {
  /** Never reused, and kept through renames: MAILBOXID (RFC 8474). */
  readonly id: string
  readonly owner: Owner
  /** Full name, levels separated by `/` (a newsgroup's dots are no separators). `INBOX` in this spelling. UTF-8. */
  readonly name: string
  /** Stable for ever; a folder made anew under an old name gets a greater one. RFC 9051 section 2.3.1.1. */
  readonly uidValidity: number
  /** `\Sent`, `\Trash` … RFC 6154. */
  readonly specialUse?: string
  readonly newsgroup?: NewsgroupAttributes
}

/** Where SMTP, or a test, delivered a message from. */
export interface DeliveryEnvelope {
  readonly mailFrom?: string
  readonly rcptTo?: readonly string[]
  /** The id of the session that brought it. */
  readonly session?: string
}

/** One message in one folder. Immutable: a change makes a new entry. */
export interface MessageEntry {
  readonly uid: number
  /** Identity of the octets, shared by copies: EMAILID (RFC 8474), and the key of parse caches. */
  readonly blob: string
  readonly sizeOctets: number
  /** INTERNALDATE, milliseconds since the epoch. */
  readonly internalDate: number
  /** When it came into this folder, milliseconds since the epoch. SAVEDATE (RFC 8514). */
  readonly savedAt: number
  /** System flags as `\Seen`, keywords as the client spelled them first in this folder. No `\Recent`. */
  readonly flags: readonly string[]
  /** RFC 7162. Per folder, ascending with every change. */
  readonly modSeq: number
  /** `<…>` of the Message-ID field, if it has one. */
  readonly messageId?: string
  readonly envelope?: DeliveryEnvelope
}

export interface FolderStatus {
  readonly exists: number
  readonly uidNext: number
  readonly highestModSeq: number
  readonly sizeOctets: number
  /** Messages without `\Seen`, and with `\Deleted`. */
  readonly unseen: number
  readonly deleted: number
  /** Octets of those with `\Deleted`: what an EXPUNGE would free. RFC 9208 section 4.1.4. */
  readonly deletedOctets: number
  /** Lowest and highest number present; 0 and 0 where there is none. */
  readonly lowestUid: number
  readonly highestUid: number
}

/** A folder at one moment, as whoever opens it needs it: what it costs does not grow with the folder. */
export interface FolderSnapshot extends FolderStatus {
  /** In uid order; no later change touches it. */
  readonly entries: readonly MessageEntry[]
  /** Every flag that some message has, each once. */
  readonly flags: readonly string[]
  /** Place of the first message without `\Seen`, counted from 1; 0 where all have it. */
  readonly firstUnseen: number
}

/** Where a message stands: one entry a folder it was stored in. */
export interface Location {
  readonly folder: Folder
  readonly uid: number
}

export interface AppendTarget {
  readonly folderId: string
  readonly flags?: readonly string[]
}

export interface NewMessage {
  /**
   * The octets, line ends CRLF, as they are to be kept. An iterable is read to its end before anything of its batch can
   * be seen; if it throws, nothing of the batch is stored.
   */
  readonly raw: Buffer | Pieces | AsyncIterable<Buffer>
  /** Header lines put in front of `raw` once the numbers are known (Xref). Called inside the commit; must not throw. */
  readonly prefix?: (locations: readonly Location[]) => Buffer
  /** Default: now. Milliseconds since the epoch. */
  readonly internalDate?: number
  readonly messageId?: string | undefined
  readonly envelope?: DeliveryEnvelope
  /** One message in several folders shares its octets. */
  readonly targets: readonly AppendTarget[]
}

export interface StoredMessage {
  readonly folder: Folder
  readonly entry: MessageEntry
}

export type FlagChange = {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: readonly string[]
  /** Entries whose modSeq is above it are left alone and returned in `modified`. RFC 7162 section 3.1.3. */
  readonly unchangedSince?: number
}

export interface FlagChangeResult {
  /** Entries as they are now, of every uid that was there and not refused, in uid order. */
  readonly entries: readonly MessageEntry[]
  /** Uids refused by `unchangedSince`. */
  readonly modified: readonly number[]
}

/** Uid pairs of COPY and MOVE, ascending: `from[i]` became `to[i]`. COPYUID, RFC 4315. */
export interface CopyResult {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** Says who made a change, so that a session knows its own. Any object. */
export type Origin = object

export type StoreEvent =
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
      readonly modSeq: number
      readonly origin?: Origin
    }
  | { readonly type: 'folder-created'; readonly folder: Folder }
  | { readonly type: 'folder-changed'; readonly folder: Folder; readonly previousName: string }
  | { readonly type: 'folder-deleted'; readonly folder: Folder }

/** Inclusive range of uids. */
export interface UidRange {
  readonly from: number
  readonly to: number
}

export interface FolderSettings {
  readonly specialUse?: string
  readonly newsgroup?: NewsgroupAttributes
}

export interface MessageStore extends AsyncDisposable {
  /** @throws StoreError `exists` */
  createFolder(owner: Owner, name: string, settings?: FolderSettings): Promise<Folder>
  /** Deletes the folder and its messages; folders below it stay. @throws StoreError `not-found` */
  deleteFolder(folderId: string): Promise<void>
  /** Renames the folder and every folder below it. @throws StoreError `not-found`, `exists` */
  renameFolder(folderId: string, name: string): Promise<Folder>
  /** @throws StoreError `not-found` */
  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder>
  findFolder(owner: Owner, name: string): Promise<Folder | undefined>
  /** In name order. */
  listFolders(owner: Owner): Promise<readonly Folder[]>
  /** Every owner that has a folder. */
  listOwners(): Promise<readonly Owner[]>
  /** @throws StoreError `not-found` */
  status(folderId: string): Promise<FolderStatus>
  /** @throws StoreError `not-found` */
  snapshot(folderId: string): Promise<FolderSnapshot>

  /** Names subscribed to, existing or not. RFC 9051 section 6.3.7. */
  subscriptions(owner: Owner): Promise<readonly string[]>
  setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void>

  /**
   * Stores the batch whole or not at all (MULTIAPPEND, cross-posts). One result a message and target, in order.
   * @throws StoreError `not-found`, `no-space`, `read-only`
   */
  append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]>
  /** In uid order. @throws StoreError `not-found` */
  list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]>
  entry(folderId: string, uid: number): Promise<MessageEntry | undefined>
  /** The octets from `start` (default 0) up to but not including `end` (default: all). A view where the store can give one: do not write to it. */
  read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined>
  /** The same in pieces, for messages too large to hold twice. */
  stream(folderId: string, uid: number, start?: number, end?: number): AsyncIterable<Buffer>
  /** What OVER tells of a message, without its octets being read where the store can do so. RFC 3977 section 8.3. */
  overview(folderId: string, uid: number): Promise<Overview | undefined>
  setFlags(folderId: string, uids: readonly number[], change: FlagChange, origin?: Origin): Promise<FlagChangeResult>
  /** Flags, internal date and envelope go along. All or nothing. */
  copy(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult>
  /** As copy and expunge in one. RFC 6851. */
  move(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult>
  /** Uids that were there and are now gone, ascending. */
  expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]>
  /** Entries that came or were changed after `modSeq`, in uid order. RFC 7162 section 3.1. @throws StoreError `not-found` */
  changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]>
  /** Uids expunged after `modSeq`, ascending. QRESYNC, RFC 7162 section 3.2. */
  vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]>

  /** Where the public folders hold this Message-ID now. */
  locate(messageId: string): Promise<readonly Location[]>
  /** Whether a public folder has, or ever had, this Message-ID (history outlives expiry). RFC 5537 section 3.3. */
  knows(messageId: string): Promise<boolean>
  /** Puts a Message-ID into the history without an article (refused, cancelled before arrival). */
  remember(messageId: string): Promise<void>

  /** Small values of the lab's services (feed positions and the like), kept as long as the messages. */
  getState(key: string): Promise<string | undefined>
  setState(key: string, value: string | undefined): Promise<void>

  /** Calls `listener` for every change, after its commit, in commit order. Returns the function that ends it. */
  watch(listener: (event: StoreEvent) => void, folderId?: string): () => void
  /** Deletes every message and every folder; numbers and UIDVALIDITY go on ascending. */
  clear(): Promise<void>
}

export type StoreErrorCode = 'exists' | 'not-found' | 'no-space' | 'read-only' | 'in-use' | 'closed'

/** The one error of every message store; each protocol turns the code into its own reply. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
