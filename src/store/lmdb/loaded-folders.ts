import type { FolderIndex } from '../folder-index.ts'
import type { LmdbFolder } from './lmdb-folder.ts'

/** Entries held in memory over all folders; beyond it the folders asked for longest ago are let go. */
const ENTRIES = 1_000_000

/** The folders whose entries are in memory, in the order they came. */
export class LoadedFolders {
  readonly #folders = new Set<LmdbFolder>()

  add(folder: LmdbFolder, index: FolderIndex): FolderIndex {
    this.#folders.delete(folder)
    this.#folders.add(folder)
    let entries = 0
    for (const { loaded } of this.#folders) entries += loaded?.exists ?? 0
    for (const oldest of this.#folders) {
      if (entries <= ENTRIES || oldest === folder) break
      entries -= oldest.loaded?.exists ?? 0
      this.remove(oldest)
    }
    return index
  }

  remove(folder: LmdbFolder): void {
    folder.unload()
    this.#folders.delete(folder)
  }

  clear(): void {
    for (const folder of this.#folders) folder.unload()
    this.#folders.clear()
  }
}
