import type { Folder, MessageEntry, MessageStore, Owner, StoreEvent } from '../../storage/store/types.ts'

/** A message delivered to one mailbox, and where its owner has moved or copied it since. */
export interface Arrival {
  readonly owner: Owner
  /** The folder of the latest remaining copy. */
  readonly folder: Folder
  readonly entry: MessageEntry
}

interface Copy {
  readonly folder: Folder
  readonly entry: MessageEntry
}

class CopiedArrival implements Arrival {
  readonly owner: Owner
  /** By `placeOf`, in the order in which they were made. */
  readonly #copies = new Map<string, Copy>()
  /** The latest remaining copy. Without one, the copy that was deleted last: a wait may still hold the arrival. */
  #latest: Copy

  constructor(copy: Copy) {
    this.owner = copy.folder.owner
    this.#latest = copy
  }

  get folder(): Folder {
    return this.#latest.folder
  }

  get entry(): MessageEntry {
    return this.#latest.entry
  }

  put(copy: Copy): void {
    this.#copies.set(placeOf(copy.folder, copy.entry.uid), copy)
    this.#choose()
  }

  /** Records new facts about a folder, such as its name. */
  changed(folder: Folder): void {
    for (const [place, copy] of this.#copies)
      if (copy.folder.id === folder.id) this.#copies.set(place, { ...copy, folder })
    this.#choose()
  }

  /** Removes a copy. Returns whether another one is left. */
  remove(place: string): boolean {
    this.#copies.delete(place)
    this.#choose()
    return this.#copies.size > 0
  }

  #choose(): void {
    this.#latest = [...this.#copies.values()].at(-1) ?? this.#latest
  }
}

const placeOf = (folder: Folder, uid: number): string => `${folder.id} ${uid}`

/**
 * The messages delivered to a lab, in order of arrival. A message that its owner moves or copies stays one arrival; a
 * message whose last copy is expunged is removed.
 */
export class Arrivals {
  /** By the owner and the blob. */
  readonly #arrivals = new Map<string, CopiedArrival>()
  /** By the places of their copies: the id of the folder, and the UID. */
  readonly #places = new Map<string, Map<number, CopiedArrival>>()
  /** Messages that are not yet in the map: a lab may receive many messages before a test asks for one. */
  #unread: { readonly folder: Folder; readonly entry: MessageEntry }[] = []
  /** Each listener with its `onClose`. */
  readonly #listeners = new Map<(arrival: Arrival) => void, () => void>()
  readonly #closeListeners = new Set<() => void>()
  readonly #unwatch: () => void

  private constructor(store: MessageStore) {
    this.#unwatch = store.watch((event) => this.#onEvent(event))
  }

  /** Watches a store. The messages that it already holds count as arrivals. */
  static async of(store: MessageStore): Promise<Arrivals> {
    const arrivals = new Arrivals(store)
    for (const owner of await store.listOwners()) {
      if (owner === 'public:') continue
      for (const folder of await store.listFolders(owner)) {
        for (const entry of await store.list(folder.id)) arrivals.#add(folder, entry)
      }
    }
    return arrivals
  }

  list(): readonly Arrival[] {
    this.#readAll()
    return [...this.#arrivals.values()]
  }

  /** Calls `listener` for each new arrival, and `onClose` when the lab stops. Returns a function that ends the watch. */
  watch(listener: (arrival: Arrival) => void, onClose: () => void = () => {}): () => void {
    this.#readAll()
    this.#listeners.set(listener, onClose)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `listener` when the whole lab has stopped. Returns a function that ends the watch. */
  onClosed(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  close(): void {
    this.#unwatch()
    for (const onClose of [...this.#listeners.values()]) onClose()
    this.#listeners.clear()
  }

  /** Reports that the lab has stopped: no more events come. */
  closed(): void {
    for (const listener of [...this.#closeListeners]) listener()
  }

  #onEvent(event: StoreEvent): void {
    const { folder } = event
    if (folder.owner === 'public:') return
    if (event.type === 'appended') {
      for (const entry of event.entries) this.#add(folder, entry)
      return
    }
    this.#readAll()
    const inFolder = this.#places.get(folder.id)
    if (!inFolder) return
    if (event.type === 'flags') for (const entry of event.entries) inFolder.get(entry.uid)?.put({ folder, entry })
    else if (event.type === 'expunged') for (const uid of event.uids) this.#remove(folder, uid)
    else if (event.type === 'folder-changed') for (const arrival of inFolder.values()) arrival.changed(folder)
    else if (event.type === 'folder-deleted') for (const uid of [...inFolder.keys()]) this.#remove(folder, uid)
  }

  #add(folder: Folder, entry: MessageEntry): void {
    // Only delivered mail has an envelope; messages saved with APPEND (drafts, sent copies) have none.
    if (!entry.envelope) return
    this.#unread.push({ folder, entry })
    if (this.#listeners.size > 0) this.#readAll()
  }

  #readAll(): void {
    const unread = this.#unread
    this.#unread = []
    for (const { folder, entry } of unread) this.#read(folder, entry)
  }

  #read(folder: Folder, entry: MessageEntry): void {
    const key = keyOf(folder.owner, entry)
    const known = this.#arrivals.get(key)
    const arrival = known ?? new CopiedArrival({ folder, entry })
    arrival.put({ folder, entry })
    const inFolder = this.#places.get(folder.id) ?? new Map<number, CopiedArrival>()
    this.#places.set(folder.id, inFolder.set(entry.uid, arrival))
    if (known) return
    this.#arrivals.set(key, arrival)
    for (const listener of this.#listeners.keys()) listener(arrival)
  }

  #remove(folder: Folder, uid: number): void {
    const inFolder = this.#places.get(folder.id)
    const arrival = inFolder?.get(uid)
    if (!inFolder || !arrival) return
    inFolder.delete(uid)
    if (inFolder.size === 0) this.#places.delete(folder.id)
    if (!arrival.remove(placeOf(folder, uid))) this.#arrivals.delete(keyOf(arrival.owner, arrival.entry))
  }
}

const keyOf = (owner: Owner, { blob }: MessageEntry): string => `${owner} ${blob}`
