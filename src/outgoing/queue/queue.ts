import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import { joinPieces } from '../../common/pieces.ts'
import { foldDomain, splitAddress } from '../../directory/names.ts'
import { openFolder } from '../../store/mailboxes.ts'
import {
  type Folder,
  type MessageEntry,
  type MessageStore,
  OUTGOING_OWNER,
  type StoreEvent,
} from '../../store/types.ts'
import type { ConnectorRules } from '../connectors.ts'
import { planRelease, type QueueTarget } from '../plan.ts'
import type { NewOutgoing, OutgoingQueue, OutgoingRecipient, QueueEntry, QueueEvent, Reports } from '../types.ts'
import type { Sending } from './attempt.ts'
import { entryOf, Item, readState } from './item.ts'
import { sentOctets } from './octets.ts'
import { Sender } from './sender.ts'
import { givesUpAt } from './times.ts'

export interface StoreQueueOptions extends Sending {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  /** Returns the current configuration, which changes on reload. */
  readonly rules: () => ConnectorRules
  readonly reports: Reports
  /** Returns a number from 0 to below 1, for the jitter of pauses. */
  readonly random?: () => number
}

const FOLDER = 'Queue'

/**
 * The queue of outgoing mail. Its messages lie in a folder of the store that nobody else sees, so that a message is queued
 * in the same commit that stores the kept copies. Only what is shown of a message is held in memory.
 */
export class StoreQueue implements OutgoingQueue {
  readonly #options: StoreQueueOptions
  readonly #items = new Map<number, Item>()
  readonly #listeners = new Set<(event: QueueEvent) => void>()
  readonly #sender: Sender
  #opening: Promise<Folder> | undefined
  #folder: Folder | undefined
  #unwatch: () => void = () => {}

  constructor(options: StoreQueueOptions) {
    this.#options = options
    this.#sender = new Sender({
      ...options,
      folderId: () => this.#folder?.id,
      random: options.random ?? Math.random,
      emit: (type, item, results) => {
        if (this.#listeners.size === 0) return
        const event = { type, entry: this.#entry(item), ...(results && { results }) }
        for (const listener of [...this.#listeners]) listener(event)
      },
    })
  }

  /** Continues with the messages that the store has. */
  async start(): Promise<void> {
    if (await this.#options.store.findFolder(OUTGOING_OWNER, FOLDER)) await this.folder()
  }

  get rules(): ConnectorRules {
    return this.#options.rules()
  }

  /** Returns the folder of the queue, for an append. Messages that are appended to it are sent. */
  folder(): Promise<Folder> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  get size(): number {
    return this.#items.size
  }

  /** When the oldest message was queued, milliseconds since the epoch; undefined if the queue is empty. */
  get oldestAt(): number | undefined {
    const [first] = this.#items.values()
    return first?.queuedAt
  }

  list(): readonly QueueEntry[] {
    return Array.from(this.#items.values(), (item) => this.#entry(item))
  }

  get(id: string): QueueEntry | undefined {
    const item = this.#find(id)
    return item && this.#entry(item)
  }

  async *read(id: string): AsyncGenerator<Buffer, void, void> {
    const item = this.#find(id)
    if (item && this.#folder) yield* (await sentOctets(this.#options.store, this.#folder.id, item)).message()
  }

  async flush(ids?: readonly string[]): Promise<number> {
    return this.#sender.flush(this.#pick(ids))
  }

  async flushTo(domain: string): Promise<number> {
    const wanted = foldDomain(domain)
    const isWanted = ({ address }: OutgoingRecipient): boolean => foldDomain(splitAddress(address).domain) === wanted
    return this.#sender.flush(this.#pick(undefined).filter((item) => !item.state.isHeld && item.pending.some(isWanted)))
  }

  async hold(ids?: readonly string[]): Promise<number> {
    return this.#sender.hold(this.#pick(ids).filter(({ state }) => !state.isHeld))
  }

  delete(ids: readonly string[]): Promise<number> {
    return this.#sender.delete(this.#pick(ids))
  }

  bounce(ids: readonly string[]): Promise<number> {
    return this.#sender.bounce(this.#pick(ids))
  }

  async add({ raw, envelope, connector, account, session }: NewOutgoing): Promise<readonly QueueEntry[]> {
    const octets = Buffer.isBuffer(raw) ? raw : joinPieces(raw)
    const { mailFrom } = envelope
    const planned = { mailFrom, account, header: octets, envelope, session }
    return this.append(octets, planRelease(this.rules, planned, connector))
  }

  /** Queues a message for planned destinations. @throws StoreError; then nothing of it is queued */
  async append(raw: Buffer, targets: readonly QueueTarget[]): Promise<readonly QueueEntry[]> {
    if (targets.length === 0) return []
    const { store, clock } = this.#options
    const { id: folderId } = await this.folder()
    const places = targets.map((envelope) => ({ folderId, envelope }))
    const stored = await store.append([{ raw, internalDate: clock.now(), targets: places }])
    return stored.flatMap(({ entry }) => {
      const item = this.#items.get(entry.uid)
      return item ? [this.#entry(item)] : []
    })
  }

  watch(listener: (event: QueueEvent) => void): () => void {
    const own = (event: QueueEvent): void => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Goes on with messages for connectors that a reload has changed, or for a clock that was moved. */
  wake(): void {
    this.#sender.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]()
    this.#unwatch()
  }

  async #open(): Promise<Folder> {
    const { store } = this.#options
    const folder = await openFolder(store, OUTGOING_OWNER, FOLDER)
    this.#unwatch()
    this.#unwatch = store.watch((event) => this.#onEvent(event), folder.id)
    this.#folder = folder
    const saved = await store.values({ folderId: folder.id, kind: 'outgoing' })
    for (const entry of await store.list(folder.id)) this.#take(entry, saved.get(String(entry.uid)))
    const gone = [...saved.keys()].map(Number).filter((uid) => !this.#items.has(uid))
    this.#sender.forget(gone)
    this.#sender.wake()
    return folder
  }

  #onEvent(event: StoreEvent): void {
    if (event.type === 'appended') {
      for (const entry of event.entries) this.#take(entry, undefined)
    } else if (event.type === 'expunged') {
      for (const uid of event.uids) this.#drop(uid)
    } else if (event.type === 'folder-deleted') {
      this.#opening = undefined
      this.#folder = undefined
      for (const uid of [...this.#items.keys()]) this.#drop(uid)
    }
  }

  #take(entry: MessageEntry, saved: Buffer | undefined): void {
    const transport = entry.envelope?.outgoing
    if (!transport || this.#items.has(entry.uid)) return
    const item = new Item(entry, transport, readState(saved))
    this.#items.set(item.uid, item)
    this.#sender.add(item)
  }

  #drop(uid: number): void {
    const item = this.#items.get(uid)
    if (!item) return
    this.#items.delete(uid)
    this.#sender.remove(item)
  }

  #find(id: string): Item | undefined {
    return this.#items.get(Number(id))
  }

  #pick(ids: readonly string[] | undefined): Item[] {
    if (ids === undefined) return [...this.#items.values()]
    return ids.flatMap((id) => this.#find(id) ?? [])
  }

  #entry(item: Item): QueueEntry {
    const connector = this.#sender.connectorOf(item)
    const ends = connector ? givesUpAt(item, connector.schedule) : undefined
    return entryOf(item, ends, this.#sender.whyStopped(item))
  }
}
