import { DELETED, SEEN } from './flags.ts'
import type { MessageEntry } from './types.ts'

/** What STATUS counts of a folder, kept up to date by telling it of every entry that comes and goes. */
export class FolderCounts {
  exists = 0
  sizeOctets = 0
  unseen = 0
  deleted = 0
  deletedOctets = 0

  add(entry: MessageEntry): void {
    this.#change(entry, 1)
  }

  remove(entry: MessageEntry): void {
    this.#change(entry, -1)
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.#change(before, -1)
    this.#change(after, 1)
  }

  #change(entry: MessageEntry, sign: 1 | -1): void {
    this.exists += sign
    this.sizeOctets += sign * entry.sizeOctets
    if (!entry.flags.includes(SEEN)) this.unseen += sign
    if (!entry.flags.includes(DELETED)) return
    this.deleted += sign
    this.deletedOctets += sign * entry.sizeOctets
  }
}
