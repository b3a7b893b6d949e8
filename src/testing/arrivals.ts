import type { Folder, MessageEntry, MessageStore, Owner, StoreEvent } from '../store/types.ts'

/** One message in one mailbox as it was delivered, wherever its owner has moved it since. */
export interface Arrival {
  readonly owner: Owner
  folder: Folder
  entry: MessageEntry
}

/**
 * What was delivered to the lab, in order of arrival. A message that its owner moves or copies is still the one that
 * arrived; one that is expunged everywhere is gone.
 */
export class Arrivals {
  readonly #arrivals = new Map<string, Arrival>()
  /** With what each is told at the end. */
  readonly #listeners = new Map<(arrival: Arrival) => void, () => void>()
  readonly #unwatch: () => void

  private constructor(store: MessageStore) {
    this.#unwatch = store.watch((event) => this.#onEvent(event))
  }

  /** Watches a store, what it holds already counted in. */
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
    return [...this.#arrivals.values()]
  }

  /** Calls `listener` for each new arrival, `onClose` when none will come. Returns the function that ends it. */
  watch(listener: (arrival: Arrival) => void, onClose: () => void = () => {}): () => void {
    this.#listeners.set(listener, onClose)
    return () => this.#listeners.delete(listener)
  }

  clear(): void {
    this.#arrivals.clear()
  }

  close(): void {
    this.#unwatch()
    for (const onClose of [...this.#listeners.values()]) onClose()
    this.#listeners.clear()
  }

  #onEvent(event: StoreEvent): void {
    if (event.folder.owner === 'public:') return
    if (event.type === 'appended') for (const entry of event.entries) this.#add(event.folder, entry)
    else if (event.type === 'expunged') this.#expunge(event.folder, new Set(event.uids))
    else if (event.type === 'folder-deleted') this.#expunge(event.folder)
  }

  #add(folder: Folder, entry: MessageEntry): void {
    // Delivered mail has an envelope; what a client saves by APPEND (drafts, sent copies) has none.
    if (!entry.envelope) return
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
    for (const [key, { folder: where, entry }] of this.#arrivals) {
      if (where.id === folder.id && (uids === undefined || uids.has(entry.uid))) this.#arrivals.delete(key)
    }
  }
}
