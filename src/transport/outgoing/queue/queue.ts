import type { Logger } from 'pino'
import { foldDomain, splitAddress } from '../../../accounts/directory/names.ts'
import { joinPieces } from '../../../core/octets/pieces.ts'
import type { Clock } from '../../../core/time/clock.ts'
import { omitUndefined } from '../../../core/values/omit-undefined.ts'
import { type Folder, OUTGOING_OWNER } from '../../../storage/store/folder.ts'
import { openFolder } from '../../../storage/store/mailboxes.ts'
import type { MessageEntry } from '../../../storage/store/message-entry.ts'
import type { StoreEvent } from '../../../storage/store/store-events.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { ConnectorRules } from '../connectors.ts'
import { planRelease } from '../plan.ts'
import type {
  NewOutgoing,
  OutgoingQueue,
  OutgoingRecipient,
  QueueAction,
  QueueEntry,
  QueueEvent,
  QueueTarget,
  Reports,
} from '../types.ts'
import type { Sending } from './attempt.ts'
import { entryOf, Item, readState } from './item.ts'
import { sentOctets } from './octets.ts'
import { connectorOf, Sender, whyStopped } from './sender.ts'
import { givesUpAt } from './times.ts'

interface StoreQueueOptions extends Sending {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  /** Returns the current configuration, which changes on reload. */
  readonly rules: () => ConnectorRules
  readonly reports: Reports
  /** Returns a number from 0 to below 1, for the jitter of pauses. */
  readonly random?: () => number
  /** Other nodes share the queue, and one of them sends its messages. Absent: only this process has it. */
  readonly others?: {
    /** Lets the node that sends the messages do something. Returns how many messages are affected. @throws StoreError */
    perform(action: QueueAction): Promise<number>
  }
}

const FOLDER = 'Queue'

/**
 * The queue of outgoing mail. Its messages lie in a folder of the store that nobody else sees, so that a message is queued
 * in the same commit that stores the kept copies. Only what is shown of a message is held in memory. Of several nodes that
 * share the store, one sends the messages, and the others follow what it writes down.
 */
export class StoreQueue implements OutgoingQueue {
  readonly #options: StoreQueueOptions
  #items = new Map<number, Item>()
  readonly #listeners = new Set<(event: QueueEvent) => void>()
  /** While this process sends the messages. */
  #sender: Sender | undefined
  #opening: Promise<Folder> | undefined
  #folder: Folder | undefined
  #unwatch: () => void = () => {}

  constructor(options: StoreQueueOptions) {
    this.#options = options
  }

  /** Reads the messages that the store has. */
  async start(): Promise<void> {
    const { store, others } = this.#options
    // Other nodes may put the first message into it.
    if (others || (await store.findFolder(OUTGOING_OWNER, FOLDER))) await this.folder()
  }

  /**
   * Sends the messages until `signal` is aborted. Resolves when no attempt is under way. Attempts may come to their end for a
   * while, unless the reason is `lost`: then another process may send the messages already.
   */
  async lead(signal: AbortSignal): Promise<void> {
    if (this.#options.others) await this.#readAgain()
    if (signal.aborted) return
    const { store, clock, log, rules, reports, route, sign, client, release, random = Math.random } = this.#options
    const sender = new Sender({
      store,
      clock,
      log,
      rules,
      reports,
      route,
      sign,
      client,
      release,
      random,
      folderId: () => this.#folder?.id,
      emit: (type, item, results) => {
        if (this.#listeners.size === 0) return
        const event = { type, entry: this.#entry(item), ...(results && { results }) }
        for (const listener of [...this.#listeners]) listener(event)
      },
    })
    this.#sender = sender
    for (const item of this.#items.values()) sender.add(item)
    sender.wake()
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await sender.end(signal.reason !== 'lost')
    this.#sender = undefined
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

  flush(ids?: readonly string[]): Promise<number> {
    return this.perform({ action: 'flush', ids })
  }

  flushTo(domain: string): Promise<number> {
    return this.perform({ action: 'flushTo', domain })
  }

  hold(ids?: readonly string[]): Promise<number> {
    return this.perform({ action: 'hold', ids })
  }

  delete(ids: readonly string[]): Promise<number> {
    return this.perform({ action: 'delete', ids })
  }

  bounce(ids: readonly string[]): Promise<number> {
    return this.perform({ action: 'bounce', ids })
  }

  /** Does something with messages, on the node that sends them. Returns how many are affected. @throws StoreError */
  async perform(wanted: QueueAction): Promise<number> {
    const sender = this.#sender
    if (!sender) return this.#options.others?.perform(wanted) ?? 0
    if (wanted.action === 'flushTo') return sender.flush(this.#itemsFor(wanted.domain))
    const items = this.#pick(wanted.ids)
    return sender[wanted.action](wanted.action === 'hold' ? items.filter(({ state }) => !state.isHeld) : items)
  }

  async add({ raw, envelope, connector, account, session, released }: NewOutgoing): Promise<readonly QueueEntry[]> {
    const octets = Buffer.isBuffer(raw) ? raw : joinPieces(raw)
    const { mailFrom } = envelope
    const planned = { mailFrom, account, header: octets, envelope, session }
    const targets = planRelease(this.rules, planned, connector)
    const named = targets.map((one) => ({ ...one, outgoing: { ...one.outgoing, ...omitUndefined({ released }) } }))
    return this.append(octets, named)
  }

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
    this.#sender?.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender?.end(true)
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
    this.#sender?.forget([...saved.keys()].map(Number).filter((uid) => !this.#items.has(uid)))
    this.#sender?.wake()
    return folder
  }

  /** Begins with what the last sender has written down. */
  async #readAgain(): Promise<void> {
    const { store } = this.#options
    const { id: folderId } = await this.folder()
    const saved = await store.values({ folderId, kind: 'outgoing' })
    const entries = await store.list(folderId)
    this.#items = new Map()
    for (const entry of entries) this.#take(entry, saved.get(String(entry.uid)))
  }

  /** Takes over what the sender, on another node, has written down about messages. */
  async #follow(names: readonly string[]): Promise<void> {
    const { store, log } = this.#options
    try {
      const saved = await store.values({ folderId: this.#folder?.id, kind: 'outgoing', names })
      if (this.#sender) return
      for (const name of names) {
        const item = this.#find(name)
        const state = readState(saved.get(name))
        if (item && state) item.state = state
      }
    } catch (err) {
      log.debug({ err }, 'the results of queued messages could not be read')
    }
  }

  #onEvent(event: StoreEvent): void {
    if (event.type === 'appended') {
      for (const entry of event.entries) this.#take(entry, undefined)
    } else if (event.type === 'expunged') {
      for (const uid of event.uids) this.#drop(uid)
    } else if (event.type === 'values' && event.kind === 'outgoing' && !this.#sender) {
      void this.#follow(event.names)
    } else if (event.type === 'folder-deleted') {
      this.#opening = undefined
      this.#folder = undefined
      for (const uid of [...this.#items.keys()]) this.#drop(uid)
      // Other nodes may put the next message into it.
      if (this.#options.others)
        this.folder().catch((err) => this.#options.log.error({ err }, 'no queue of outgoing mail'))
    }
  }

  #take(entry: MessageEntry, saved: Buffer | undefined): void {
    const transport = entry.envelope?.outgoing
    if (!transport || this.#items.has(entry.uid)) return
    const item = new Item(entry, transport, readState(saved))
    this.#items.set(item.uid, item)
    this.#sender?.add(item)
  }

  #drop(uid: number): void {
    const item = this.#items.get(uid)
    if (!item) return
    this.#items.delete(uid)
    this.#sender?.remove(item)
  }

  #find(id: string): Item | undefined {
    return this.#items.get(Number(id))
  }

  #itemsFor(domain: string): Item[] {
    const wanted = foldDomain(domain)
    const isWanted = ({ address }: OutgoingRecipient): boolean => foldDomain(splitAddress(address).domain) === wanted
    return this.#pick(undefined).filter((item) => !item.state.isHeld && item.pending.some(isWanted))
  }

  #pick(ids: readonly string[] | undefined): Item[] {
    if (ids === undefined) return [...this.#items.values()]
    return ids.flatMap((id) => this.#find(id) ?? [])
  }

  #entry(item: Item): QueueEntry {
    const connector = connectorOf(this.rules, item)
    const ends = connector ? givesUpAt(item, connector.schedule) : undefined
    return entryOf(item, ends, whyStopped(this.rules, item))
  }
}
