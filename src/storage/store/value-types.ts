import type { Owner } from './folder.ts'
import type { Origin } from './origin.ts'

/**
 * The purposes of values: annotations of mailboxes (RFC 5464), keys of authorized URLs (RFC 4467), access control lists
 * (RFC 4314), which messages a reader has seen, which are new to a reader, the threads of Message-IDs (RFC 8474), what became
 * of queued messages so far, reports that are sent later, the senders that an account has answered, events that wait for
 * webhooks, the numbers of Gmail's view of all messages, shared mailboxes from which a reader has unsubscribed, changes of
 * the configuration, watches of the Gmail API, Sieve scripts (RFC 5804), what these remember, the history of an account, and
 * identities and submissions of JMAP (RFC 8621).
 */
export type ValueKind =
  | 'metadata'
  | 'urlauth'
  | 'acl'
  | 'seen'
  | 'recent'
  | 'thread'
  | 'outgoing'
  | 'report'
  | 'answered'
  | 'webhook'
  | 'all-mail'
  | 'unsubscribed'
  | 'configuration'
  | 'gmail'
  | 'sieve'
  | 'sieve-memory'
  | 'history'
  | 'identity'
  | 'submission'

/** Values of one kind, by name. */
export interface ValueSpace {
  /** The folder that they belong to. Undefined: the store as a whole. */
  readonly folderId?: string | undefined
  readonly kind: ValueKind
  /** The reader who has the values. Undefined: all readers share them. */
  readonly reader?: Owner | undefined
  /** Only the values of these names are read. Undefined: all. */
  readonly names?: readonly string[] | undefined
}

export type Values = ReadonlyMap<string, Buffer>
/** Values to set, by name; undefined removes a value. */
export type ValueChanges = ReadonlyMap<string, Buffer | undefined>

/** The small values of a store, which belong to a folder or to the store as a whole. */
export interface ValueStore {
  /** Returns the small values of a space. They survive a rename of the folder and are deleted with it. @throws StoreError `not-found` */
  values(space: ValueSpace): Promise<Values>
  /**
   * Changes the values of a space in one step.
   * @param change returns the changes to the current values. Called inside the commit, perhaps more than once; must not
   * throw. `modSeq` is the folder's next modification sequence, which a change of kind `seen` uses.
   * @throws StoreError `not-found`, `no-space`, `read-only`, `failed`
   */
  changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void>
}
