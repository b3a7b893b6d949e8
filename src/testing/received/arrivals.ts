import { addressKey } from '../../accounts/directory/names.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import {
  accountOf,
  type Folder,
  type MessageEntry,
  type MessageStore,
  type Owner,
  type StoreEvent,
} from '../../storage/store/types.ts'

/** A message delivered to one mailbox, and where its owner has moved or copied it since. */
export interface Arrival {
  readonly owner: Owner
  /** The folder of the latest remaining copy. */
  readonly folder: Folder
  readonly entry: MessageEntry
  /** The keys of `nameKey` that a filter for a recipient can have. */
  readonly names: readonly string[]
  /** Whether its last copy was expunged. */
  readonly isGone: boolean
}

interface Copy {
  readonly folder: Folder
  readonly entry: MessageEntry
}

class CopiedArrival implements Arrival {
  readonly owner: Owner
  readonly names: readonly string[]
  isGone = false
  /** By `placeOf`, in the order in which they were made. */
  readonly #copies = new Map<string, Copy>()
  /** The latest remaining copy. Without one, the copy that was deleted last: a wait may still hold the arrival. */
  #latest: Copy

  constructor(copy: Copy, names: readonly string[]) {
    this.owner = copy.folder.owner
    this.names = names
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

/**
 * Arrivals in their order. Waits skip the first ones that cannot match any more: a wait on the next of ten thousand messages
 * to one recipient takes no longer than on the first.
 */
export class ArrivalList {
  #items: CopiedArrival[] = []
  #gone = 0
  /** Counts how often positions have changed. */
  #generation = 0

  add(arrival: CopiedArrival): void {
    this.#items.push(arrival)
  }

  /** Counts an arrival that is gone. Returns whether others are left. */
  lose(): boolean {
    this.#gone++
    if (this.#gone > this.#items.length / 2) {
      this.#items = this.#items.filter(({ isGone }) => !isGone)
      this.#gone = 0
      this.#generation++
    }
    return this.#items.length > 0
  }

  /** Returns the arrivals from a position on, which moves behind the first ones that are of no use any more. */
  *from(position: ListPosition, isUseless: (arrival: Arrival) => boolean): Generator<Arrival> {
    if (position.generation !== this.#generation) Object.assign(position, { generation: this.#generation, next: 0 })
    const isSkipped = (arrival: CopiedArrival): boolean => arrival.isGone || isUseless(arrival)
    for (let first = this.#items[position.next]; first && isSkipped(first); first = this.#items[position.next])
      position.next++
    // By index: what arrives meanwhile is added at the end, and a list that is cut is another one.
    const items = this.#items
    const { length } = items
    for (let at = position.next; at < length; at++) {
      const arrival = items[at] as CopiedArrival
      if (!isSkipped(arrival)) yield arrival
    }
  }
}

/** A place in a list of arrivals. */
export interface ListPosition {
  generation: number
  next: number
}

const placeOf = (folder: Folder, uid: number): string => `${folder.id} ${uid}`

/**
 * The messages delivered to a lab, in order of arrival. A message that its owner moves or copies stays one arrival; a
 * message whose last copy is expunged is removed.
 */
export class Arrivals {
  /** By the owner and the blob. */
  readonly #arrivals = new Map<string, CopiedArrival>()
  readonly #all = new ArrivalList()
  readonly #byName = new Map<string, ArrivalList>()
  readonly #byBlob = new Map<string, Set<CopiedArrival>>()
  readonly #directory: Pick<Directory, 'findByAddress'>
  /** By the places of their copies: the id of the folder, and the UID. */
  readonly #places = new Map<string, Map<number, CopiedArrival>>()
  /** Messages that are not yet in the map: a lab may receive many messages before a test asks for one. */
  #unread: { readonly folder: Folder; readonly entry: MessageEntry }[] = []
  /** Each listener with its `onClose`. */
  readonly #listeners = new Map<ArrivalListener, () => void>()
  /** The listeners for one recipient, by its key, and those for all by undefined. */
  readonly #listenersOf = new Map<string | undefined, Set<ArrivalListener>>()
  readonly #closeListeners = new Set<() => void>()
  #isClosed = false
  #hasStopped = false
  readonly #unwatch: () => void

  private constructor(store: MessageStore, directory: Pick<Directory, 'findByAddress'>) {
    this.#directory = directory
    this.#unwatch = store.watch((event) => this.#onEvent(event))
  }

  /** Watches a store. The messages that it already holds count as arrivals. */
  static async of(store: MessageStore, directory: Pick<Directory, 'findByAddress'>): Promise<Arrivals> {
    const arrivals = new Arrivals(store, directory)
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

  /** Returns the arrivals for a recipient, by its key; all if undefined. The list may be replaced once it is empty. */
  listOf(name: string | undefined): ArrivalList | undefined {
    this.#readAll()
    return name === undefined ? this.#all : this.#byName.get(name)
  }

  /** Returns the arrivals of one message: its copies for several accounts. */
  copiesOf(blob: string): Iterable<Arrival> {
    this.#readAll()
    return this.#byBlob.get(blob) ?? []
  }

  /**
   * Calls `listener` for each new arrival, and `onClose` when the lab stops. Returns a function that ends the watch.
   * @param name the key of a recipient; default: all
   */
  watch(listener: ArrivalListener, onClose: () => void = () => {}, name?: string): () => void {
    if (this.#isClosed) {
      onClose()
      return () => {}
    }
    this.#readAll()
    const others = this.#listenersOf.get(name) ?? new Set()
    this.#listenersOf.set(name, others.add(listener))
    this.#listeners.set(listener, onClose)
    return () => {
      others.delete(listener)
      if (others.size === 0 && this.#listenersOf.get(name) === others) this.#listenersOf.delete(name)
      this.#listeners.delete(listener)
    }
  }

  /** Calls `listener` when the whole lab has stopped, immediately if it has. Returns a function that ends the watch. */
  onClosed(listener: () => void): () => void {
    if (this.#hasStopped) listener()
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  close(): void {
    this.#isClosed = true
    this.#unwatch()
    for (const onClose of [...this.#listeners.values()]) onClose()
    this.#listeners.clear()
    this.#listenersOf.clear()
  }

  /** Reports that the lab has stopped: no more events come. */
  closed(): void {
    this.#hasStopped = true
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
    const arrival = known ?? new CopiedArrival({ folder, entry }, this.#namesOf(folder.owner, entry))
    arrival.put({ folder, entry })
    const inFolder = this.#places.get(folder.id) ?? new Map<number, CopiedArrival>()
    this.#places.set(folder.id, inFolder.set(entry.uid, arrival))
    if (known) return
    this.#arrivals.set(key, arrival)
    this.#all.add(arrival)
    for (const name of arrival.names) {
      const list = this.#byName.get(name) ?? new ArrivalList()
      list.add(arrival)
      this.#byName.set(name, list)
    }
    this.#byBlob.set(entry.blob, (this.#byBlob.get(entry.blob) ?? new Set()).add(arrival))
    for (const name of [undefined, ...arrival.names])
      for (const listener of [...(this.#listenersOf.get(name) ?? [])]) listener(arrival)
  }

  /** Returns the keys of the recipients of a copy, their local parts if they are local, and the user name. */
  #namesOf(owner: Owner, { envelope }: MessageEntry): readonly string[] {
    const user = accountOf({ owner })
    const recipients = recipientsOf(envelope?.rcptTo ?? [], user, this.#directory)
    return [...new Set(recipientNames({ recipients, user }).map(addressKey))]
  }

  #remove(folder: Folder, uid: number): void {
    const inFolder = this.#places.get(folder.id)
    const arrival = inFolder?.get(uid)
    if (!inFolder || !arrival) return
    inFolder.delete(uid)
    if (inFolder.size === 0) this.#places.delete(folder.id)
    if (arrival.remove(placeOf(folder, uid))) return
    arrival.isGone = true
    const { blob } = arrival.entry
    this.#arrivals.delete(keyOf(arrival.owner, arrival.entry))
    this.#all.lose()
    for (const name of arrival.names) if (!this.#byName.get(name)?.lose()) this.#byName.delete(name)
    const copies = this.#byBlob.get(blob)
    copies?.delete(arrival)
    if (copies?.size === 0) this.#byBlob.delete(blob)
  }
}

type ArrivalListener = (arrival: Arrival) => void

/** Returns the recipients of the envelope who received the copy of an account. */
export const recipientsOf = (
  to: readonly string[],
  user: string | undefined,
  directory: Pick<Directory, 'findByAddress'>,
): readonly string[] => to.filter((address) => directory.findByAddress(address)?.user === user)

/** Returns the whole addresses of the recipients of a copy, their local parts if they are local, and the user name. */
export const recipientNames = ({
  recipients,
  user,
}: {
  readonly recipients: readonly string[]
  readonly user: string | undefined
}): readonly string[] => (user === undefined ? recipients : [...recipients, user, ...recipients.map(localPart)])

const localPart = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf('@')))

const keyOf = (owner: Owner, { blob }: MessageEntry): string => `${owner} ${blob}`
