import type { Owner } from '../../folder.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { MessageStore } from '../../types.ts'
import { SeenMarks } from './seen.ts'
import { SeenView, ViewedBlocks } from './seen-view.ts'

/** Octets of marks and views that are kept in memory for each store: about two million marks, each of them a message. */
const MAX_OCTETS = 24 << 20

/** The memory of a reader and folder besides marks and views, about. */
const PAIR_OCTETS = 1000

/** Changed messages of a folder after which its views are forgotten: each keeps the blocks that were replaced since it was made. */
const MAX_CHANGES = 2000

/** The messages that a reader has seen in a folder. */
interface Seen {
  readonly marks: SeenMarks
  /** The entries of the folder as the reader sees them. */
  readonly view: SeenView
}

interface Known {
  seen: Seen | undefined
  /** Its memory when it was last used. */
  octets: number
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
  #octets = 0
  /** How many messages have changed, of the folders that have views. */
  readonly #changes = new Map<string, number>()

  private constructor(store: MessageStore) {
    this.#store = store
    if (store.isShared) return
    store.watch((event) => {
      if (event.type === 'values' && event.kind === 'seen' && event.reader !== undefined) {
        const known = this.#known.get(markKey(event.folder.id, event.reader))
        for (const name of event.names) known?.stale.add(name)
      } else if (event.type === 'folder-deleted') this.#forget(event.folder.id)
      else this.#countChange(event.folder.id, messagesOf(event))
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
    if (this.#store.isShared) return seenBy(await this.#read(folderId, reader), new ViewedBlocks())
    const key = markKey(folderId, reader)
    const known: Known = this.#known.get(key) ?? { seen: undefined, octets: 0, stale: new Set(), reading: undefined }
    this.#known.delete(key)
    this.#known.set(key, known)
    while (!known.seen || known.stale.size > 0) {
      known.reading ??= this.#renew(known, folderId, reader).finally(() => {
        known.reading = undefined
      })
      await known.reading
    }
    if (this.#known.get(key) === known) {
      if (!this.#changes.has(folderId)) this.#changes.set(folderId, 0)
      this.#count(known, PAIR_OCTETS + known.seen.marks.octets + known.seen.view.octets)
      this.#trim()
    }
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
      } else known.seen = seenBy(read, this.#blocks)
    } catch (error) {
      this.#drop(markKey(folderId, reader))
      throw error
    }
  }

  async #read(folderId: string, reader: Owner, names?: readonly string[]): Promise<SeenMarks> {
    return SeenMarks.from(await this.#store.values({ folderId, kind: 'seen', reader, names }))
  }

  #countChange(folderId: string, messages: number): void {
    const changes = this.#changes.get(folderId)
    if (changes === undefined) return
    const now = changes + messages
    this.#changes.set(folderId, now < MAX_CHANGES ? now : 0)
    if (now >= MAX_CHANGES) for (const [, { seen }] of this.#ofFolder(folderId)) seen?.view.forget()
  }

  /** Forgets the marks of a folder. */
  #forget(folderId: string): void {
    this.#changes.delete(folderId)
    for (const [key] of [...this.#ofFolder(folderId)]) this.#drop(key)
  }

  *#ofFolder(folderId: string): Generator<[key: string, known: Known], void, void> {
    for (const [key, known] of this.#known) if (key.startsWith(markKey(folderId, ''))) yield [key, known]
  }

  #count(known: Known, octets: number): void {
    this.#octets += octets - known.octets
    known.octets = octets
  }

  #drop(key: string): void {
    const known = this.#known.get(key)
    if (!known) return
    this.#known.delete(key)
    this.#count(known, 0)
    known.seen?.view.forget()
  }

  /** Forgets what was not needed for the longest time. */
  #trim(): void {
    if (this.#octets <= MAX_OCTETS) return
    for (const [key, { reading }] of this.#known) {
      // Changes that arrive during the reading are noted here.
      if (!reading) this.#drop(key)
      if (this.#octets <= MAX_OCTETS) return
    }
  }
}

const seenBy = (marks: SeenMarks, viewed: ViewedBlocks): Seen => ({ marks, view: new SeenView(marks, viewed) })

/** Returns how many messages an event has changed. New ones are in the last block, and count as one. */
function messagesOf(event: StoreEvent): number {
  if (event.type === 'expunged') return event.uids.length
  return event.type === 'flags' ? event.entries.length : 1
}

const ofStores = new WeakMap<MessageStore, KnownMarks>()

const markKey = (folderId: string, reader: string): string => `${folderId}\n${reader}`
