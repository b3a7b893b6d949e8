import type { FolderIndex } from '../../entries/folder-index.ts'
import type { MessageEntry } from '../../message-entry.ts'
import { LARGEST_OCTETS } from './body-cache.ts'

/** Sequential readers of one folder that are told apart. */
const MAX_READERS = 8
/** Most messages and octets that are read together. The number of messages grows with each step. */
const MAX_MESSAGES = 128
const MAX_OCTETS = 256 << 10
const GROWTH = 4

/** A reader who reads one message after the other. */
interface SequentialReader {
  /** The first and last uid of the messages that were read together last. */
  from: number
  to: number
  /** How many messages they were. 0: none of them stayed in memory. */
  messages: number
}

/**
 * The sequential readers of a folder's messages, in all sessions. A client that reads a message and then the next one will
 * probably read further ones, so these are read together with it.
 */
export class Prefetch {
  #readers: readonly SequentialReader[] = []

  /**
   * Returns the messages to read when `entry` is needed: itself, and those that may be needed next.
   * @param isKept whether a message is in memory
   */
  next(index: FolderIndex, entry: MessageEntry, isKept: (entry: MessageEntry) => boolean): readonly MessageEntry[] {
    const { uid } = entry
    const before = index.before(uid)?.uid ?? 0
    const reader = this.#readers.find(({ to }) => before <= to && to < uid)
    if (!reader) {
      this.#begin(uid)
      return [entry]
    }
    reader.from = uid
    reader.to = uid
    if (entry.sizeOctets > LARGEST_OCTETS) return [entry]
    reader.messages = Math.min(Math.max(1, reader.messages * GROWTH), MAX_MESSAGES)
    const found = [entry]
    let octets = entry.sizeOctets
    for (const next of index.from(uid + 1, reader.messages - 1)) {
      if (next.sizeOctets <= LARGEST_OCTETS && !isKept(next)) {
        octets += next.sizeOctets
        if (octets > MAX_OCTETS) break
        found.push(next)
      }
      reader.to = next.uid
    }
    return found
  }

  #begin(uid: number): void {
    const ahead = this.#readers.find(({ from, to }) => from <= uid && uid <= to)
    if (ahead) {
      // More is read ahead than the memory has room for.
      Object.assign(ahead, { from: uid, to: uid, messages: 0 })
    } else this.#readers = [...this.#readers, { from: uid, to: uid, messages: 1 }].slice(-MAX_READERS)
  }
}
