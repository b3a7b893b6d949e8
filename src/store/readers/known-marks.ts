import type { MessageStore, Owner } from '../types.ts'
import { SeenMarks } from './seen.ts'
import { SeenView, ViewedBlocks } from './seen-view.ts'

/** Octets of marks and views that are kept in memory for each store: about two million marks, each of them a message. */
const MOST_OCTETS = 24 << 20

/** Changes of a folder after which its views are forgotten: each keeps the blocks that were replaced since it was made. */
const MOST_CHANGES = 500

/** What a reader has seen in a folder. */
export interface Seen {
  readonly marks: SeenMarks
  /** The entries of the folder as the reader sees them. */
  readonly view: SeenView
}

interface Known {
  seen: Seen | undefined
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
  readonly #blocks = new ViewedBlocks()
  /** The number of changes of the folders that have views. */
  readonly #changes = new Map<string, number>()

  private constructor(store: MessageStore) {
    this.#store = store
    if (store.isShared) return
    store.watch((event) => {
      if (event.type === 'values' && event.kind === 'seen' && event.reader !== undefined) {
        const known = this.#known.get(keyOf(event.folder.id, event.reader))
        for (const name of event.names) known?.stale.add(name)
      } else if (event.type === 'folder-deleted') this.#forget(event.folder.id)
      else this.#countChange(event.folder.id)
    })
  }

  /** Returns the marks that a store has in memory: the same for all its sessions. */
  static of(store: MessageStore): KnownMarks {
    const known = ofStores.get(store) ?? new KnownMarks(store)
    ofStores.set(store, known)
    return known
  }

  /** Returns what a reader has seen in a folder, at least as of the call. @throws StoreError `not-found`, `closed` */
  async in(folderId: string, reader: Owner): Promise<Seen> {
    if (this.#store.isShared) return this.#seenBy(await this.#read(folderId, reader))
    const key = keyOf(folderId, reader)
    const known: Known = this.#known.get(key) ?? { seen: undefined, stale: new Set(), reading: undefined }
    this.#known.delete(key)
    this.#known.set(key, known)
    if (!this.#changes.has(folderId)) this.#changes.set(folderId, 0)
    while (!known.seen || known.stale.size > 0) {
      known.reading ??= this.#renew(known, folderId, reader).finally(() => {
        known.reading = undefined
      })
      await known.reading
    }
    this.#trim()
    return { marks: known.seen.marks.share(), view: known.seen.view }
  }

  async #renew(known: Known, folderId: string, reader: Owner): Promise<void> {
    const names = known.seen && [...known.stale]
    known.stale.clear()
    try {
      const read = await this.#read(folderId, reader, names)
      if (known.seen && names) {
        known.seen.marks.replace(names, read)
        known.seen.view.marksChanged(names)
      } else known.seen = this.#seenBy(read)
    } catch (error) {
      this.#known.delete(keyOf(folderId, reader))
      throw error
    }
  }

  #seenBy(marks: SeenMarks): Seen {
    return { marks, view: new SeenView(marks, this.#blocks) }
  }

  async #read(folderId: string, reader: Owner, names?: readonly string[]): Promise<SeenMarks> {
    return SeenMarks.from(await this.#store.values({ folderId, kind: 'seen', reader, names }))
  }

  #countChange(folderId: string): void {
    const changes = this.#changes.get(folderId)
    if (changes === undefined) return
    this.#changes.set(folderId, changes + 1)
    if (changes < MOST_CHANGES) return
    this.#changes.delete(folderId)
    for (const [key, { seen }] of this.#known) if (key.startsWith(keyOf(folderId, ''))) seen?.view.forget()
  }

  /** Forgets the marks of a folder. */
  #forget(folderId: string): void {
    this.#changes.delete(folderId)
    for (const key of this.#known.keys()) if (key.startsWith(keyOf(folderId, ''))) this.#known.delete(key)
  }

  /** Forgets what was not needed for the longest time. */
  #trim(): void {
    let octets = 0
    for (const { seen } of this.#known.values()) octets += octetsOf(seen)
    for (const [key, { seen, reading }] of this.#known) {
      if (octets <= MOST_OCTETS) break
      // Changes that arrive during the reading are noted here.
      if (reading) continue
      octets -= octetsOf(seen)
      this.#known.delete(key)
    }
  }
}

const octetsOf = (seen: Seen | undefined): number => (seen ? seen.marks.octets + seen.view.octets : 0)

const ofStores = new WeakMap<MessageStore, KnownMarks>()

const keyOf = (folderId: string, reader: string): string => `${folderId}\n${reader}`
