import { PkiError } from '../errors.ts'
import { IndexDraft } from './draft.ts'
import type { StoreFiles } from './files.ts'
import { emptyIndex, indexPath, parseIndex, referencedPaths, type StoreIndex } from './index-file.ts'

/** Files that a change may delete: those of the store, and those that killed processes left behind. */
const ownFile = /^(keys|certificates|authorities|requests)\/|^\.lock\.|^\.[0-9a-f]+\.tmp$/

/** The index of a store and its changes: one at a time across all processes, each completely or not at all. */
export class Journal {
  readonly #files: StoreFiles
  readonly #read: (path: string) => Promise<string>
  readonly #changed: (index: StoreIndex) => Promise<void>
  #index: StoreIndex = emptyIndex()
  #last: Promise<unknown> = Promise.resolve()
  #swept = false

  /**
   * @param read reads another file of the store
   * @param changed called with each index that this process has written
   */
  constructor(
    files: StoreFiles,
    read: (path: string) => Promise<string>,
    changed: (index: StoreIndex) => Promise<void>,
  ) {
    this.#files = files
    this.#read = read
    this.#changed = changed
  }

  get index(): StoreIndex {
    return this.#index
  }

  /** Resolves when all changes requested so far are done. */
  get settled(): Promise<unknown> {
    return this.#last
  }

  /** Reads the index again. Returns whether it has changed. @throws PkiError `store`; the index stays as it was then */
  refresh(): Promise<boolean> {
    // Waits for changes of this process: an index read during one would be older than its result.
    return this.#inTurn(() => this.#refresh())
  }

  async #refresh(): Promise<boolean> {
    const found = await this.#readIndex()
    if (found.revision === this.#index.revision) return false
    this.#index = found
    return true
  }

  /** Returns whether the index file was deleted. */
  async isGone(): Promise<boolean> {
    return this.#index.revision > 0 && (await this.#files.read(indexPath)) === undefined
  }

  update<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T> {
    return this.#inTurn(() => this.#change(change))
  }

  /** Runs actions one after another. An error goes to the caller and does not stop the next action. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#last.then(act)
    this.#last = next.catch(() => {})
    return next
  }

  async #change<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T> {
    for (;;) {
      const lock = await this.#files.lock()
      try {
        const before = await this.#readIndex()
        const draft = new IndexDraft(before, this.#read)
        const result = await change(draft)
        for (const [path, text] of draft.files) await this.#files.write(path, text)
        // If this process was so slow that another one took the lock, it starts over.
        if ((await lock.held()) && (await this.#readIndex()).revision === before.revision) {
          await this.#commit(before, { ...draft.index, revision: before.revision + 1 })
          return result
        }
      } finally {
        await lock.release()
      }
    }
  }

  async #commit(before: StoreIndex, after: StoreIndex): Promise<void> {
    await this.#files.write(indexPath, `${JSON.stringify(after, null, 2)}\n`)
    this.#index = after
    await this.#sweep(before, after)
    await this.#changed(after)
  }

  /** Deletes files that the index no longer refers to. The first call also deletes files that killed processes left. */
  async #sweep(before: StoreIndex, after: StoreIndex): Promise<void> {
    const kept = referencedPaths(after)
    const candidates = this.#swept ? referencedPaths(before) : await this.#files.list()
    this.#swept = true
    for (const path of candidates) if (ownFile.test(path) && !kept.has(path)) await this.#files.remove(path)
  }

  async #readIndex(): Promise<StoreIndex> {
    const { place } = this.#files
    const text = await this.#files.read(indexPath).catch((cause: Error) => {
      throw new PkiError('store', `${place} cannot be read: ${cause.message}`, { cause })
    })
    return text === undefined ? emptyIndex() : parseIndex(text, place)
  }
}
