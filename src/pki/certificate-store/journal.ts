import { PkiError } from '../errors.ts'
import { Draft } from './draft.ts'
import type { StoreFiles } from './files.ts'
import { emptyIndex, indexPath, parseIndex, referencedPaths, type StoreIndex } from './index-file.ts'

/** What a change may take away: the store's own files, and what killed processes left half-done. */
const ownFile = /^(keys|certificates|authorities|requests)\/|^\.lock\.|^\.[0-9a-f]+\.tmp$/

/** The index of a store and its changes: one at a time over all processes, each whole or not at all. */
export class Journal {
  readonly #files: StoreFiles
  readonly #read: (path: string) => Promise<string>
  readonly #changed: (index: StoreIndex) => Promise<void>
  #index: StoreIndex = emptyIndex()
  #last: Promise<unknown> = Promise.resolve()
  #swept = false

  /**
   * @param read reads another file of the store
   * @param changed called with each index that this process has made
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

  /** Resolves when the changes asked for so far are made. */
  get settled(): Promise<unknown> {
    return this.#last
  }

  /** Reads what other processes have made of the index; whether it is another. @throws PkiError `store`; the index stays then */
  refresh(): Promise<boolean> {
    // In its turn: what is read while a change of our own is being made would be older than what that makes.
    return this.#inTurn(() => this.#refresh())
  }

  async #refresh(): Promise<boolean> {
    const found = await this.#readIndex()
    if (found.revision === this.#index.revision) return false
    this.#index = found
    return true
  }

  /** Whether the index file was taken away. */
  async isGone(): Promise<boolean> {
    return this.#index.revision > 0 && (await this.#files.read(indexPath)) === undefined
  }

  update<T>(change: (draft: Draft) => T | Promise<T>): Promise<T> {
    return this.#inTurn(() => this.#change(change))
  }

  /** Whoever asked is told what went wrong; the next one does not care. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#last.then(act)
    this.#last = next.catch(() => {})
    return next
  }

  async #change<T>(change: (draft: Draft) => T | Promise<T>): Promise<T> {
    for (;;) {
      const lock = await this.#files.lock()
      try {
        const before = await this.#readIndex()
        const draft = new Draft(before, this.#read)
        const result = await change(draft)
        for (const [path, text] of draft.files) await this.#files.write(path, text)
        // Whoever was held up so long that another took the lock begins anew.
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

  /** Removes files that the index speaks of no more; the first time, also what a killed process left. */
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
