import type { Folder } from './folder.ts'
import type { StoredMessage } from './message-entry.ts'

/** A condition on the entry of a message, which a database tests without reading messages. */
export type EntryTest = { readonly negated?: boolean } & (
  | { readonly number: 'savedAt' | 'internalDate' | 'sizeOctets'; readonly from?: number; readonly below?: number }
  /** It has this flag, in this spelling. */
  | { readonly flag: string }
  /** `keyword`: it has a keyword that does not begin with `$`. `envelope`: it was delivered. */
  | { readonly has: 'keyword' | 'envelope' }
  /**
   * Its header or its envelope may contain these letters and digits of ASCII, in lower case. Leaves out no message whose
   * decoded header does, and finds others besides.
   */
  | { readonly headerMayContain: string }
)

/** Messages of several folders that meet all of some conditions. */
export interface Selection {
  /** The folders to search. Default: all. The folder of the queue of outgoing mail is left out. */
  readonly folders?: ((folder: Folder) => boolean) | undefined
  readonly tests: readonly EntryTest[]
}

/** A part of a selection, the newest messages first: those saved last, and of the same time, the one with the greater folder and uid. */
export interface SelectionPart {
  readonly limit: number
  /** The message after which it begins. It need not exist any more. */
  readonly after?: { readonly savedAt: number; readonly folderId: string; readonly uid: number } | undefined
  /** Messages that are skipped then. */
  readonly offset?: number | undefined
  /** Whether only the newest matching copy of each message counts. */
  readonly isDistinct?: boolean | undefined
}

/** A part of a selection: all messages, or those after one. */
export interface ScanPart {
  /** Default: the oldest first. */
  readonly isNewestFirst?: boolean | undefined
  readonly after?: SelectionPart['after']
}

export interface SelectedMessages {
  readonly messages: readonly StoredMessage[]
  /** How many messages the whole selection has. */
  readonly total: number
  /** With `isDistinct`: these messages and their other copies that meet the conditions, the newest first. */
  readonly copies: readonly StoredMessage[]
}
