import { FlagTable } from '../../entries/flags.ts'
import { FolderIndex } from '../../entries/folder-index.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ChangeableFolder } from '../change-set.ts'
import { textKey } from '../text-key.ts'
import { MemoryValues } from './values.ts'

interface Vanished {
  readonly modSeq: number
  readonly uids: readonly number[]
}

/** A folder of the memory store: its entries, and the uids that were expunged from it. */
export class MemoryFolder implements ChangeableFolder {
  folder: Folder
  readonly flags = new FlagTable()
  readonly index = new FolderIndex()
  readonly values = new MemoryValues()
  /** In modSeq order. */
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

  set highestModSeq(modSeq: number) {
    this.index.highestModSeq = modSeq
  }

  /** The messages expunged so far, in modSeq order. */
  get vanished(): readonly Vanished[] {
    return [...this.#vanished]
  }

  addVanished({ modSeq, uids }: Vanished): void {
    this.#vanished.push({ modSeq, uids })
  }

  /** Removes uids, which must exist, and records them for `vanishedSince`. */
  expunge(uids: readonly number[], modSeq: number): void {
    this.index.remove(uids, modSeq)
    this.#vanished.push({ modSeq, uids })
  }

  /** Returns the uids expunged after `modSeq`, in ascending order. RFC 7162 section 3.2. */
  vanishedSince(modSeq: number): readonly number[] {
    const uids: number[] = []
    for (let i = this.#vanished.length - 1; i >= 0; i--) {
      const batch = this.#vanished[i] as Vanished
      if (batch.modSeq <= modSeq) break
      for (const uid of batch.uids) uids.push(uid)
    }
    return uids.sort((a, b) => a - b)
  }
}

interface ArticleLocation {
  readonly folderId: string
  readonly uid: number
}

const NOWHERE: readonly ArticleLocation[] = []

/** The Message-IDs of public folders: where each article is, and every Message-ID there ever was. RFC 5537 section 3.3. */
export class ArticleHistory {
  /** The places of each Message-ID that is known, by `textKey`. */
  readonly #places = new Map<string, readonly ArticleLocation[]>()

  /** Every Message-ID that is known, as `textKey`. */
  get known(): readonly string[] {
    return [...this.#places.keys()]
  }

  has(messageId: string): boolean {
    return this.#places.has(textKey(messageId))
  }

  remember(messageId: string): void {
    const key = textKey(messageId)
    if (!this.#places.has(key)) this.#places.set(key, NOWHERE)
  }

  /** Adds new entries. Does nothing for folders that are not public. */
  add({ owner, id }: Folder, entries: readonly MessageEntry[]): void {
    if (owner !== PUBLIC_OWNER) return
    for (const { messageId, uid } of entries) {
      if (!messageId) continue
      const key = textKey(messageId)
      const before = this.#places.get(key) ?? NOWHERE
      const place = { folderId: id, uid }
      this.#places.set(key, before.length === 0 ? [place] : [...before, place])
    }
  }

  /** Removes deleted entries. Their Message-IDs stay known. */
  remove({ owner, id }: Folder, entries: readonly MessageEntry[]): void {
    if (owner !== PUBLIC_OWNER) return
    for (const { messageId, uid } of entries) {
      if (!messageId) continue
      const left = this.places(messageId).filter((place) => place.folderId !== id || place.uid !== uid)
      this.#places.set(textKey(messageId), left.length === 0 ? NOWHERE : left)
    }
  }

  places(messageId: string): readonly ArticleLocation[] {
    return this.#places.get(textKey(messageId)) ?? NOWHERE
  }

  clear(): void {
    this.#places.clear()
  }
}
