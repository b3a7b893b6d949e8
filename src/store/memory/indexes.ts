import { FlagTable } from '../flags.ts'
import { FolderIndex } from '../folder-index.ts'
import type { FolderNumbers } from '../plan.ts'
import type { Folder, Location } from '../types.ts'

interface Vanished {
  readonly modSeq: number
  readonly uids: readonly number[]
}

/** A folder of the memory store: its entries, and what vanished from it. */
export class MemoryFolder implements FolderNumbers {
  folder: Folder
  readonly flags = new FlagTable()
  readonly index = new FolderIndex()
  readonly #vanished: Vanished[] = []

  constructor(folder: Folder, uidNext: number) {
    this.folder = folder
    this.index.uidNext = uidNext
  }

  get uidNext(): number {
    return this.index.uidNext
  }

  get highestModSeq(): number {
    return this.index.highestModSeq
  }

  /** Takes uids out that are there, and remembers it. */
  expunge(uids: readonly number[], modSeq: number): void {
    this.index.remove(uids, modSeq)
    this.#vanished.push({ modSeq, uids })
  }

  /** RFC 7162 section 3.2. */
  vanishedSince(modSeq: number): readonly number[] {
    const uids: number[] = []
    for (let at = this.#vanished.length - 1; at >= 0; at--) {
      const batch = this.#vanished[at] as Vanished
      if (batch.modSeq <= modSeq) break
      for (const uid of batch.uids) uids.push(uid)
    }
    return uids.sort((a, b) => a - b)
  }
}

interface Place {
  readonly folderId: string
  readonly uid: number
}

/** Where the public folders hold each Message-ID, and every Message-ID they ever had. RFC 5537 section 3.3. */
export class History {
  readonly #known = new Set<string>()
  readonly #places = new Map<string, readonly Place[]>()

  has(messageId: string): boolean {
    return this.#known.has(messageId)
  }

  remember(messageId: string): void {
    this.#known.add(messageId)
  }

  add(messageId: string, { folder, uid }: Location): void {
    this.#known.add(messageId)
    this.#places.set(messageId, [...(this.#places.get(messageId) ?? []), { folderId: folder.id, uid }])
  }

  remove(messageId: string, folderId: string, uid: number): void {
    const left = (this.#places.get(messageId) ?? []).filter((place) => place.folderId !== folderId || place.uid !== uid)
    if (left.length === 0) this.#places.delete(messageId)
    else this.#places.set(messageId, left)
  }

  places(messageId: string): readonly Place[] {
    return this.#places.get(messageId) ?? []
  }

  clear(): void {
    this.#known.clear()
    this.#places.clear()
  }
}
