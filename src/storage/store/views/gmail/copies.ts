import type { Folder } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import { type Place, parsePlace, placeKey } from './numbering.ts'

/** The copies of each message in the mailboxes of an account, by the blob that they share. A copy's key is its `placeKey`. */
export class Copies {
  readonly #keys = new Map<string, Set<string>>()
  /** The blob of each copy, by its key. */
  readonly #blobs = new Map<string, string>()

  /** Returns whether a message has a copy. */
  has(blob: string): boolean {
    return this.#keys.has(blob)
  }

  /** Returns the keys of a message's copies. */
  keysOf(blob: string): readonly string[] {
    return [...(this.#keys.get(blob) ?? [])]
  }

  /** Returns the keys of all copies in a folder. */
  keysIn(folderId: string): readonly string[] {
    return [...this.#blobs.keys()].filter((key) => parsePlace(key).folderId === folderId)
  }

  add({ id: folderId }: Folder, { uid, blob }: MessageEntry): Place {
    const place = { folderId, uid }
    const key = placeKey(place)
    const keys = this.#keys.get(blob) ?? new Set()
    this.#keys.set(blob, keys.add(key))
    this.#blobs.set(key, blob)
    return place
  }

  /** Removes copies, if they are known. Returns the blobs of the messages that have no other copy. */
  remove(keys: readonly string[]): readonly string[] {
    const gone: string[] = []
    for (const key of keys) {
      const blob = this.#blobs.get(key)
      if (blob === undefined) continue
      this.#blobs.delete(key)
      const left = this.#keys.get(blob)
      left?.delete(key)
      if (left?.size !== 0) continue
      this.#keys.delete(blob)
      gone.push(blob)
    }
    return gone
  }

  clear(): void {
    this.#keys.clear()
    this.#blobs.clear()
  }
}
