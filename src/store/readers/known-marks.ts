import type { MessageStore, Owner } from '../types.ts'
import { SeenMarks } from './seen.ts'

/** Octets of marks that are kept in memory for each store: about two million marks. */
const MOST_OCTETS = 16 << 20

interface Known {
  marks: SeenMarks | undefined
  /** Names of the values that changed since they were read. */
  readonly stale: Set<string>
  reading: Promise<void> | undefined
}

/**
 * The marks of readers in the folders that they opened, shared by all their sessions, so that opening a folder again does not
 * read them again. A store that other processes change as well is read each time.
 */
export class KnownMarks {
  readonly #store: MessageStore
  /** By folder and reader, in the order of use. */
  readonly #known = new Map<string, Known>()

  private constructor(store: MessageStore) {
    this.#store = store
    if (store.isShared) return
    store.watch((event) => {
      if (event.type === 'values' && event.kind === 'seen' && event.reader !== undefined) {
        const known = this.#known.get(keyOf(event.folder.id, event.reader))
        for (const name of event.names) known?.stale.add(name)
      } else if (event.type === 'folder-deleted') this.#forget(event.folder.id)
    })
  }

  /** Returns the marks that a store has in memory: the same for all its sessions. */
  static of(store: MessageStore): KnownMarks {
    const known = ofStores.get(store) ?? new KnownMarks(store)
    ofStores.set(store, known)
    return known
  }

  /** Returns all marks of a reader in a folder, at least as of the call. @throws StoreError `not-found`, `closed` */
  async in(folderId: string, reader: Owner): Promise<SeenMarks> {
    if (this.#store.isShared) return this.#read(folderId, reader)
    const key = keyOf(folderId, reader)
    const known: Known = this.#known.get(key) ?? { marks: undefined, stale: new Set(), reading: undefined }
    this.#known.delete(key)
    this.#known.set(key, known)
    while (!known.marks || known.stale.size > 0) {
      known.reading ??= this.#renew(known, folderId, reader).finally(() => {
        known.reading = undefined
      })
      await known.reading
    }
    this.#trim()
    return known.marks.share()
  }

  async #renew(known: Known, folderId: string, reader: Owner): Promise<void> {
    const names = known.marks && [...known.stale]
    known.stale.clear()
    try {
      const read = await this.#read(folderId, reader, names)
      known.marks = known.marks && names ? known.marks.with(names, read) : read
    } catch (error) {
      this.#known.delete(keyOf(folderId, reader))
      throw error
    }
  }

  async #read(folderId: string, reader: Owner, names?: readonly string[]): Promise<SeenMarks> {
    return SeenMarks.from(await this.#store.values({ folderId, kind: 'seen', reader, names }))
  }

  /** Forgets the marks of a folder. */
  #forget(folderId: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(keyOf(folderId, ''))) this.#known.delete(key)
  }

  /** Forgets the marks that were not needed for the longest time. */
  #trim(): void {
    let octets = 0
    for (const { marks } of this.#known.values()) octets += marks?.octets ?? 0
    for (const [key, { marks, reading }] of this.#known) {
      if (octets <= MOST_OCTETS) break
      // Changes that arrive during the reading are noted here.
      if (reading) continue
      octets -= marks?.octets ?? 0
      this.#known.delete(key)
    }
  }
}

const ofStores = new WeakMap<MessageStore, KnownMarks>()

const keyOf = (folderId: string, reader: string): string => `${folderId}\n${reader}`
