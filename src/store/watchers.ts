import type { StoreEvent } from './types.ts'

type Listener = (event: StoreEvent) => void

/** Those who watch a store: each is called for every change, in commit order, even for changes made by a listener. */
export class Watchers {
  readonly #everywhere = new Set<Listener>()
  readonly #byFolder = new Map<string, Set<Listener>>()
  readonly #failed: (error: unknown) => void
  #queue: StoreEvent[] = []
  #draining = false

  /** `failed` is told what a listener threw; the other listeners are called all the same. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  add(listener: Listener, folderId?: string): () => void {
    if (folderId === undefined) {
      const own: Listener = (event) => listener(event)
      this.#everywhere.add(own)
      return () => this.#everywhere.delete(own)
    }
    return this.#addTo(folderId, (event) => listener(event))
  }

  emit(event: StoreEvent): void {
    this.#queue.push(event)
    if (this.#draining) return
    this.#draining = true
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#tell(next)
    this.#draining = false
  }

  #addTo(folderId: string, own: Listener): () => void {
    const listeners = this.#byFolder.get(folderId) ?? new Set()
    this.#byFolder.set(folderId, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#byFolder.get(folderId) === listeners) this.#byFolder.delete(folderId)
    }
  }

  #tell(event: StoreEvent): void {
    for (const listener of this.#everywhere) this.#call(listener, event)
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
