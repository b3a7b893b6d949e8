import { randomUUID } from 'node:crypto'
import { StoreError } from '../../storage/store/errors.ts'
import type { Folder } from '../../storage/store/folder.ts'
import type { MessageEntry } from '../../storage/store/message-entry.ts'
import type { StoreEvent } from '../../storage/store/store-events.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { type Choice, type IndexEvent, type IndexedMessage, type MessageIndex, messageId } from './message-index.ts'

/** Returns the entries of a folder; none if it was deleted meanwhile. @throws StoreError */
async function entriesOf(store: MessageStore, { id }: Folder): Promise<readonly MessageEntry[]> {
  try {
    return await store.list(id)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return []
    throw error
  }
}

/** Every message of a store in order of arrival, in memory, kept by the store's events. */
export class HeldMessages implements MessageIndex {
  readonly epoch = randomUUID()
  readonly isHeld = true
  readonly #messages = new Map<string, IndexedMessage>()
  /** The ids of the messages of each folder: a change of a folder must not search all others. */
  readonly #byFolder = new Map<string, Set<string>>()
  readonly #listeners = new Set<(event: IndexEvent) => void>()
  readonly #store: MessageStore
  #unwatch: () => void = () => {}
  #begun: Promise<void> | undefined
  #arrived = 0
  #generation = 0

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** Reads the messages of the store at the first call. */
  begin(): Promise<void> {
    this.#begun ??= this.#load().catch((error: unknown) => {
      this.#unwatch()
      this.#messages.clear()
      this.#byFolder.clear()
      this.#begun = undefined
      throw error
    })
    return this.#begun
  }

  async #load(): Promise<void> {
    const store = this.#store
    const meanwhile: StoreEvent[] = []
    this.#unwatch = store.watch((event) => meanwhile.push(event))
    const found: Omit<IndexedMessage, 'order'>[] = []
    for (const owner of await store.listOwners()) {
      for (const folder of await store.listFolders(owner)) {
        for (const entry of await entriesOf(store, folder)) {
          found.push({ id: messageId(folder.id, entry.uid), folder, entry })
        }
      }
    }
    // Messages that arrived meanwhile are newer than all others.
    const arrived = new Set<string>()
    for (const event of meanwhile) {
      if (event.type !== 'appended') continue
      for (const { uid } of event.entries) arrived.add(messageId(event.folder.id, uid))
    }
    const known = found.filter(({ id }) => !arrived.has(id)).sort((a, b) => a.entry.savedAt - b.entry.savedAt)
    for (const message of known) this.#set({ ...message, order: ++this.#arrived })
    this.#generation++
    this.#unwatch()
    this.#unwatch = store.watch((event) => this.#onEvent(event))
    for (const event of meanwhile) this.#onEvent(event)
  }

  #set(message: IndexedMessage): void {
    const { id, folder } = message
    this.#messages.set(id, message)
    const ids = this.#byFolder.get(folder.id)
    if (ids) ids.add(id)
    else this.#byFolder.set(folder.id, new Set([id]))
  }

  held(): Iterable<IndexedMessage> {
    return this.#messages.values()
  }

  async find(id: string): Promise<IndexedMessage | undefined> {
    await this.begin()
    return this.#messages.get(id)
  }

  current({ id }: IndexedMessage): IndexedMessage | undefined {
    return this.#messages.get(id)
  }

  async *batches({ isNewestFirst = false }: Choice): AsyncGenerator<readonly IndexedMessage[], void, void> {
    await this.begin()
    const all = [...this.#messages.values()]
    yield isNewestFirst ? all.reverse() : all
  }

  get generation(): number {
    return this.#generation
  }

  watch(listener: (event: IndexEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#unwatch()
    this.#listeners.clear()
  }

  #onEvent(event: StoreEvent): void {
    const { folder, isRemote = false } = event
    if (event.type === 'appended') {
      for (const entry of event.entries) this.#put(folder, entry, isRemote)
    } else if (event.type === 'flags') {
      // One that is not known was deleted before the index was read, and the event of that follows.
      for (const entry of event.entries)
        if (this.#messages.has(messageId(folder.id, entry.uid))) this.#put(folder, entry, isRemote)
    } else if (event.type === 'expunged') {
      for (const uid of event.uids) this.#delete(messageId(folder.id, uid), isRemote)
    } else if (event.type === 'folder-deleted') {
      for (const id of this.#byFolder.get(folder.id) ?? []) this.#delete(id, isRemote)
      this.#byFolder.delete(folder.id)
    } else if (event.type === 'folder-changed') {
      this.#generation++
      for (const id of this.#byFolder.get(folder.id) ?? []) {
        const message = this.#messages.get(id)
        if (message) this.#messages.set(id, { ...message, folder })
      }
    }
  }

  #put(folder: Folder, entry: MessageEntry, isRemote: boolean): void {
    const id = messageId(folder.id, entry.uid)
    const known = this.#messages.get(id)
    const type = known ? 'changed' : 'added'
    const message = { id, folder, entry, order: known?.order ?? ++this.#arrived }
    this.#set(message)
    for (const listener of this.#listeners) listener({ type, message, isRemote })
  }

  #delete(id: string, isRemote: boolean): void {
    const message = this.#messages.get(id)
    if (!message) return
    this.#messages.delete(id)
    this.#byFolder.get(message.folder.id)?.delete(id)
    for (const listener of this.#listeners) listener({ type: 'deleted', message, isRemote })
  }
}
