import type { DeliveryEnvelope } from './delivery-envelope.ts'
import type { Folder } from './folder.ts'

/** One message in one folder. Immutable: a change creates a new entry. */
export interface MessageEntry {
  readonly uid: number
  /** Identifies the octets. Copies share it. EMAILID (RFC 8474), and the key of parse caches. */
  readonly blob: string
  readonly sizeOctets: number
  /** Set if the octets do not end with CRLF. POP3 and NNTP add it when they send the message. */
  readonly lacksLineEnd?: true
  /** INTERNALDATE, milliseconds since the epoch. */
  readonly internalDate: number
  /** When the message was added to this folder, milliseconds since the epoch. SAVEDATE (RFC 8514). */
  readonly savedAt: number
  /** System flags such as `\Seen`, and keywords as first spelled in this folder. Never `\Recent`. */
  readonly flags: readonly string[]
  /** Modification sequence (RFC 7162). Per folder; every change gets a greater one. */
  readonly modSeq: number
  /** As given in `NewMessage.messageId`. */
  readonly messageId?: string
  readonly envelope?: DeliveryEnvelope
}

/** Entries in uid order: an array, or a list that reads entries when they are first needed. */
export interface Entries extends Iterable<MessageEntry> {
  readonly length: number
  at(index: number): MessageEntry | undefined
  slice(from?: number, to?: number): MessageEntry[]
}

export interface StoredMessage {
  readonly folder: Folder
  readonly entry: MessageEntry
}
