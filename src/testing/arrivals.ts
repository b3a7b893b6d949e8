import type { Folder, MessageEntry, MessageStore, Owner, StoreEvent } from '../store/types.ts'

/** A message delivered to one mailbox, and where its owner has moved it since. */
export interface Arrival {
  readonly owner: Owner
  folder: Folder
  entry: MessageEntry
}

/**
 * The messages delivered to a lab, in order of arrival. A message that its owner moves or copies stays one arrival; a
 * message whose last copy is expunged is removed.
 */
export class Arrivals {
  readonly #arrivals = new Map<string, Arrival>()
  /** What is not yet in the map: a lab may receive many messages before a test asks for one. */
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

  clear(): void {
    this.#unread = []
    this.#arrivals.clear()
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
    if (event.folder.owner === 'public:') return
    if (event.type === 'appended') for (const entry of event.entries) this.#add(event.folder, entry)
    else if (event.type === 'expunged') this.#expunge(event.folder, new Set(event.uids))
    else if (event.type === 'folder-deleted') this.#expunge(event.folder)
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
    const key = `${folder.owner} ${entry.blob}`
    const known = this.#arrivals.get(key)
    if (known) {
      known.folder = folder
      known.entry = entry
      return
    }
    const arrival: Arrival = { owner: folder.owner, folder, entry }
    this.#arrivals.set(key, arrival)
    for (const listener of this.#listeners.keys()) listener(arrival)
  }

  #expunge(folder: Folder, uids?: ReadonlySet<number>): void {
    this.#readAll()
    for (const [key, { folder: current, entry }] of this.#arrivals) {
      if (current.id === folder.id && (uids === undefined || uids.has(entry.uid))) this.#arrivals.delete(key)
    }
  }
}
