import { type Folder, OUTGOING_OWNER } from '../folder.ts'
import { OWN_CHANGES, type StoreEvent, type WatchedFolders } from '../store-events.ts'

type Listener = (event: StoreEvent) => void
type Follows = (folder: Folder) => boolean

const everything: Follows = () => true

/** Calls every listener for every change in commit order, also for changes that a listener makes. */
export class Listeners {
  readonly #everywhere = new Map<Listener, Follows>()
  readonly #byFolder = new Map<string, Set<Listener>>()
  readonly #failed: (error: unknown) => void
  #queue: StoreEvent[] = []
  #isEmitting = false

  /** @param failed receives the errors that listeners throw; the other listeners are still called */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  add(listener: Listener, folders: WatchedFolders = { follows: everything }): () => void {
    // Wrapped in a new function, so that a listener added twice is called twice.
    const own: Listener = (event) => listener(event)
    if (typeof folders === 'string') return this.#addTo(folders, own)
    this.#everywhere.set(own, folders.follows)
    return () => this.#everywhere.delete(own)
  }

  /** Returns whether a listener wants to know what other processes change in a folder. */
  follow(folder: Folder): boolean {
    if (this.#byFolder.has(folder.id)) return true
    if (folder.owner === OUTGOING_OWNER) return false
    for (const follows of this.#everywhere.values()) if (follows(folder)) return true
    return false
  }

  /** The folders that are watched by their ids; undefined if any folder may be watched. */
  get folders(): Iterable<string> | undefined {
    for (const follows of this.#everywhere.values()) if (follows !== OWN_CHANGES.follows) return undefined
    return this.#byFolder.keys()
  }

  emit(event: StoreEvent): void {
    this.#queue.push(event)
    if (this.#isEmitting) return
    this.#isEmitting = true
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#emitNow(next)
    this.#isEmitting = false
  }

  #addTo(folderId: string, own: Listener): () => void {
    const listeners = this.#byFolder.get(folderId) ?? new Set()
    this.#byFolder.set(folderId, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#byFolder.get(folderId) === listeners) this.#byFolder.delete(folderId)
    }
  }

  #emitNow(event: StoreEvent): void {
    if (event.folder.owner !== OUTGOING_OWNER) {
      for (const [listener, follows] of this.#everywhere) {
        if (!event.isRemote || follows(event.folder)) this.#call(listener, event)
      }
    }
    for (const listener of this.#byFolder.get(event.folder.id) ?? []) this.#call(listener, event)
  }

  #call(listener: Listener, event: StoreEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#failed(error)
    }
  }
}
