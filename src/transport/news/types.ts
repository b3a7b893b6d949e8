import type { Logger } from 'pino'
import type { Clock } from '../../core/time/clock.ts'
import type { Folder } from '../../storage/store/folder.ts'
import type { MessageStore } from '../../storage/store/types.ts'

/** Control messages that a server can act on. RFC 5537 section 5. */
export type ControlKind = 'cancel' | GroupControlKind

/** Control messages about newsgroups. RFC 5537 section 5.2. */
export type GroupControlKind = 'newgroup' | 'rmgroup' | 'checkgroups'

/** A sender of control messages about newsgroups, as a row of INN's control.ctl. */
export interface ControlSender {
  /** The address in From. `*` stands for any run of characters. */
  readonly from: string
  /** A wildmat. */
  readonly groups: string
  readonly allow: readonly GroupControlKind[]
  /** A file with the public keys of which one must have signed the message. */
  readonly keyFile?: string | undefined
}

/** A mail that the news service sends: an article for its moderator. */
export interface NewsMail {
  readonly from: string
  readonly to: string
  readonly raw: Buffer
}

/** The parts of the news service that injection and relaying use. */
export interface NewsContext {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  /** The path identity of this site, and the right side of new Message-IDs. RFC 5537 section 3.2. Changes on reload. */
  readonly hostname: string
  /** The control messages to act on; others are only stored and relayed. Changes on reload. */
  readonly control: readonly ControlKind[]
  /** The senders of control messages about newsgroups; empty: everyone. Changes on reload. */
  readonly controlSenders: readonly ControlSender[]
  /** Delivers a mail. Resolves once it is delivered. */
  readonly mail: (mail: NewsMail) => Promise<void>
  /** Finds the folder of a newsgroup. */
  group(name: string): Promise<Folder | undefined>
  /** Finds the folders of newsgroups. Leaves out groups that do not exist. Returns a promise only if something has to be awaited. */
  groupsNamed(names: readonly string[]): Folder[] | Promise<Folder[]>
}
