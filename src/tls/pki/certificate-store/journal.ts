import { OneAtATime } from '../../../core/async/one-at-a-time.ts'
import { PkiError } from '../errors.ts'
import { IndexDraft } from './draft.ts'
import type { LockedFiles, StoreFiles } from './files.ts'
import { emptyIndex, indexPath, parseIndex, referencedPaths, type StoreIndex } from './index-file.ts'

/** Files that a change may delete: files of the store, and files that killed processes left behind. */
const ownFile = /^(keys|certificates|authorities|requests|trusted)\/|^\.lock\.|^\.[0-9a-f]+\.tmp$/

/** Files that only an index makes useful. */
const indexed = /^(?:keys|certificates|authorities)\/.*\.pem$/

/** Characters by which the revision number can grow. */
const DIGITS = 16

/** An index with the text that it was read from; undefined if there is no file. */
interface ReadIndex {
  readonly text: string | undefined
  readonly index: StoreIndex
}

/** A change that has taken effect. */
interface Changed<T> {
  readonly result: T
  readonly text: string
  readonly index: StoreIndex
}

/** The index of a store and its changes: one at a time across all processes, each completely or not at all. */
export class Journal {
  readonly #files: StoreFiles
  readonly #read: (path: string) => Promise<string>
  readonly #changed: (index: StoreIndex) => Promise<void>
  readonly #replaced: () => void
  #index: StoreIndex = emptyIndex()
  /** The text of the index; undefined if there was no file. */
  #text: string | undefined
  readonly #changes = new OneAtATime()
  #lastRefresh: Promise<unknown> = Promise.resolve()
  /** Counts the indexes that this process has taken from the folder or begun to write there. */
  #turn = 0
  /** The end of the last write. */
  #writing: Promise<void> = Promise.resolve()
  #swept = false

  /**
   * @param read reads another file of the store
   * @param changed called with each index that this process has written
   * @param replaced called when another process has changed the index, before that index is used
   */
  constructor(
    files: StoreFiles,
    read: (path: string) => Promise<string>,
    changed: (index: StoreIndex) => Promise<void>,
    replaced: () => void,
  ) {
    this.#files = files
    this.#read = read
    this.#changed = changed
    this.#replaced = replaced
  }

  get index(): StoreIndex {
    return this.#index
  }

  /** Resolves when all changes requested so far are done. */
  get settled(): Promise<void> {
    return this.#changes.run(() => {})
  }

  /**
   * Reads the index again. Returns whether it has changed. Does not wait for changes that wait for the lock.
   * @throws PkiError `store`; the index stays as it was then
   */
  refresh(): Promise<boolean> {
    // One after another: a slow reading must not replace the result of a later one.
    const next = this.#lastRefresh.then(() => this.#refresh())
    this.#lastRefresh = next.catch(() => {})
    return next
  }

  async #refresh(): Promise<boolean> {
    for (;;) {
      const turn = this.#turn
      await this.#writing
      const found = await this.#readIndex()
      // An index read while a change takes or writes one may be older than that.
      if (turn !== this.#turn) continue
      if (found.text === this.#text) return false
      this.#take(found)
      return true
    }
  }

  /** Uses an index that another process wrote. Its text decides: different branches of a store can have equal revisions. */
  #take({ text, index }: ReadIndex): void {
    if (text === this.#text) return
    this.#turn++
    this.#replaced()
    this.#text = text
    this.#index = index
  }

  /** Returns whether the index file was deleted. */
  async isGone(): Promise<boolean> {
    return this.#index.revision > 0 && (await this.#files.read(indexPath)) === undefined
  }

  update<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T> {
    return this.#changes.run(() => this.#change(change))
  }

  async #change<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T> {
    for (;;) {
      const done = await this.#attempt(change)
      if (done === undefined) continue
      await this.#changed(done.index)
      return done.result
    }
  }

  /** Makes a change. Returns undefined if this process was so slow that another one took the lock. */
  async #attempt<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<Changed<T> | undefined> {
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    try {
      const done = await this.#files.exclusively((files) => this.#write(files, change, ended))
      if (done === undefined) return undefined
      this.#text = done.text
      this.#index = done.index
      return done
    } finally {
      end()
    }
  }

  /**
   * Writes a change, with the lock.
   * @param ended resolves when the change has taken effect or failed
   */
  async #write<T>(
    files: LockedFiles,
    change: (draft: IndexDraft) => T | Promise<T>,
    ended: Promise<void>,
  ): Promise<Changed<T> | undefined> {
    let before = await this.#readIndex(files)
    if (before.text === undefined) {
      this.#refuseGone()
      // Before the other files: without it, those that a killed process left would look like a store whose index was lost.
      before = await this.#begin(files)
    } else this.#take(before)
    const draft = new IndexDraft(before.index, this.#read)
    const result = await change(draft)
    await this.#writeFiles(files, before.index, draft)
    const index = { ...draft.index, revision: before.index.revision + 1 }
    if (!(await files.held()) || (await files.read(indexPath)) !== before.text) return undefined
    const text = `${JSON.stringify(index, null, 2)}\n`
    // A change that writes no other files needs less space if the index is not longer.
    const frees = draft.files.size === 0 && text.length <= (before.text ?? '').length + DIGITS
    this.#turn++
    this.#writing = ended
    await files.write(indexPath, text, { frees })
    await this.#sweep(files, before.index, index)
    return { result, text, index }
  }

  /** Writes the files of a draft. If one cannot be written, for example on a full disk, none stays. */
  async #writeFiles(files: LockedFiles, before: StoreIndex, draft: IndexDraft): Promise<void> {
    const written: string[] = []
    try {
      for (const [path, text] of draft.files) {
        written.push(path)
        await files.write(path, text)
      }
    } catch (error) {
      const kept = referencedPaths(before)
      for (const path of written) if (!kept.has(path)) await files.remove(path)
      throw error
    }
  }

  /** Refuses to start an empty store where another one was: its folder is being replaced. @throws PkiError `store` */
  #refuseGone(): void {
    if (this.#text === undefined) return
    throw new PkiError('store', `${this.#files.place}/${indexPath} does not exist any more`)
  }

  /** Deletes files that the index no longer refers to. The first call also deletes files that killed processes left. */
  async #sweep(files: LockedFiles, before: StoreIndex, after: StoreIndex): Promise<void> {
    const kept = referencedPaths(after)
    const candidates = this.#swept ? referencedPaths(before) : await files.list()
    this.#swept = true
    for (const path of candidates) if (ownFile.test(path) && !kept.has(path)) await files.remove(path)
  }

  /**
   * Reads the index again if there are files of a store, but no index was found: another process may have begun the store
   * between the two. It writes the index before all other files. @throws PkiError `store` if the index is lost
   */
  async #readLater(files: Pick<StoreFiles, 'read' | 'list'>): Promise<string | undefined> {
    const found = (await files.list()).find((path) => indexed.test(path))
    if (found === undefined) return undefined
    const text = await files.read(indexPath)
    if (text !== undefined) return text
    const { place } = this.#files
    throw new PkiError(
      'store',
      `${place}/${indexPath} is missing, although ${place} has ${found}. Restore a backup with \`sealpost store restore DIR\`, or delete ${place} to begin with new authorities`,
    )
  }

  async #begin(files: LockedFiles): Promise<ReadIndex> {
    const index = emptyIndex()
    const text = `${JSON.stringify(index)}\n`
    await files.write(indexPath, text)
    return { text, index }
  }

  async #readIndex(files: Pick<StoreFiles, 'read' | 'list'> = this.#files): Promise<ReadIndex> {
    let text = await files.read(indexPath)
    if (text === undefined && this.#text === undefined) text = await this.#readLater(files)
    if (text !== undefined && text === this.#text) return { text, index: this.#index }
    if (text !== undefined) return { text, index: parseIndex(text, this.#files.place) }
    return { text, index: emptyIndex() }
  }
}
