import type { Location } from './types.ts'

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
