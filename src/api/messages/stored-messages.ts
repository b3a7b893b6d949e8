import { randomUUID } from 'node:crypto'
import { type Folder, OUTGOING_OWNER } from '../../storage/store/folder.ts'
import type { MessageEntry } from '../../storage/store/message-entry.ts'
import type { StoreEvent } from '../../storage/store/store-events.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import {
  type Choice,
  type IndexEvent,
  type IndexedMessage,
  type MessageIndex,
  messageId,
  splitMessageId,
} from './message-index.ts'

/** Messages that arrived or changed last, which are kept for the events of their deletion. */
const MAX_RECENT = 5_000

/** The messages of a store that selects messages itself. Only those that arrived or changed last are in memory. */
export class StoredMessages implements MessageIndex {
  readonly epoch = randomUUID()
  readonly isHeld = false
  readonly #store: MessageStore
  readonly #listeners = new Set<(event: IndexEvent) => void>()
  /** The latest last. */
  readonly #recent = new Map<string, IndexedMessage>()
  #unwatch: (() => void) | undefined
  #generation = 0

  constructor(store: MessageStore) {
    this.#store = store
  }

  get generation(): number {
    return this.#generation
  }

  async begin(): Promise<void> {
    this.#unwatch ??= this.#store.watch((event) => this.#onEvent(event))
  }

  held(): Iterable<IndexedMessage> {
    return []
  }

  async find(id: string): Promise<IndexedMessage | undefined> {
    const place = splitMessageId(id)
    const folder = place && this.#store.folderOf(place.folderId)
    const entry = folder && folder.owner !== OUTGOING_OWNER ? await this.#store.entry(folder.id, place.uid) : undefined
    return folder && entry ? messageOf(folder, entry) : undefined
  }

  current(message: IndexedMessage): IndexedMessage | undefined {
    const { id, entry } = this.#recent.get(message.id) ?? message
    const folder = this.#store.folderOf(message.folder.id)
    return folder && { ...message, id, entry, folder }
  }

  async *batches({ folders, tests = [], isNewestFirst, after }: Choice): AsyncGenerator<IndexedMessage[], void, void> {
    const part = { isNewestFirst, after: after && scanPlace(after) }
    for await (const batch of this.#store.scan?.({ folders, tests }, part) ?? [])
      yield batch.map(({ folder, entry }) => messageOf(folder, entry))
  }

  watch(listener: (event: IndexEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#unwatch?.()
    this.#listeners.clear()
  }

  #onEvent(event: StoreEvent): void {
    const { folder, isRemote = false } = event
    if (event.type === 'appended' || event.type === 'flags') {
      const type = event.type === 'appended' ? 'added' : 'changed'
      for (const entry of event.entries) {
        const message = messageOf(folder, entry)
        this.#keep(message)
        this.#tell({ type, message, isRemote })
      }
    } else if (event.type === 'expunged') {
      const entries = new Map(event.entries?.map((entry) => [entry.uid, entry]))
      for (const uid of event.uids) this.#delete(messageId(folder.id, uid), folder, isRemote, entries.get(uid))
    } else if (event.type === 'folder-deleted') {
      this.#generation++
      const deleted = [...this.#recent.values()].filter((message) => message.folder.id === folder.id)
      for (const { id } of deleted) this.#delete(id, folder, isRemote)
    } else if (event.type === 'folder-changed') this.#generation++
  }

  #keep(message: IndexedMessage): void {
    this.#recent.delete(message.id)
    this.#recent.set(message.id, message)
    if (this.#recent.size <= MAX_RECENT) return
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest)
      return
    }
  }

  #delete(id: string, folder: Folder, isRemote: boolean, was?: MessageEntry): void {
    const entry = was ?? this.#recent.get(id)?.entry
    this.#recent.delete(id)
    this.#tell({ type: 'deleted', message: { id, folder, ...(entry && { entry }) }, isRemote })
  }

  #tell(event: IndexEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const messageOf = (folder: Folder, entry: MessageEntry): IndexedMessage => ({
  id: messageId(folder.id, entry.uid),
  folder,
  entry,
  order: entry.savedAt,
})

const scanPlace = ({ folder, entry }: IndexedMessage) => ({
  savedAt: entry.savedAt,
  folderId: folder.id,
  uid: entry.uid,
})
