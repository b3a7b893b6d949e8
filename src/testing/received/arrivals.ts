import { addressKey } from '../../accounts/directory/names.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import { NamedLists } from '../../core/values/named-lists.ts'
import { accountOf, type Folder, type Owner } from '../../storage/store/folder.ts'
import type { MessageEntry } from '../../storage/store/message-entry.ts'
import type { StoreEvent } from '../../storage/store/store-events.ts'
import type { MessageStore } from '../../storage/store/types.ts'

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
  /** By `placeKey`, in the order in which they were made. */
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
    this.#copies.set(placeKey(copy.folder, copy.entry.uid), copy)
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

const placeKey = (folder: Folder, uid: number): string => `${folder.id} ${uid}`

/**
 * The messages delivered to a lab, in order of arrival. A message that its owner moves or copies stays one arrival; a
 * message whose last copy is expunged is removed.
 */
export class Arrivals {
  /** By the owner and the blob. */
  readonly #arrivals = new Map<string, CopiedArrival>()
  readonly #lists = new NamedLists<CopiedArrival>()
  readonly #byBlob = new Map<string, Set<CopiedArrival>>()
  readonly #directory: Pick<Directory, 'findByAddress'>
  /** By the places of their copies: the id of the folder, and the UID. */
  readonly #places = new Map<string, Map<number, CopiedArrival>>()
  /** Messages that are not yet in the map: a lab may receive many messages before a test asks for one. */
  #unread: { readonly folder: Folder; readonly entry: MessageEntry }[] = []
  /** The end of each watch with its `onClose`. */
  readonly #listeners = new Map<() => void, () => void>()
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

  /**
   * Returns the arrivals for a recipient, by its key, or all for undefined, that are of use, the oldest first.
   * @param reader see `NamedLists`
   */
  unread(
    name: string | undefined,
    reader: object | undefined,
    isUseless: (arrival: Arrival) => boolean,
  ): Iterable<Arrival> {
    this.#readAll()
    return this.#lists.unread(name, reader, isUseless)
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
    const unwatch = this.#lists.watch(name, listener)
    this.#listeners.set(unwatch, onClose)
    return () => {
      unwatch()
      this.#listeners.delete(unwatch)
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
    for (const [unwatch, onClose] of [...this.#listeners]) {
      unwatch()
      onClose()
    }
    this.#listeners.clear()
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
    const key = copyKey(folder.owner, entry)
    const known = this.#arrivals.get(key)
    const arrival = known ?? new CopiedArrival({ folder, entry }, this.#namesOf(folder.owner, entry))
    arrival.put({ folder, entry })
    const inFolder = this.#places.get(folder.id) ?? new Map<number, CopiedArrival>()
    this.#places.set(folder.id, inFolder.set(entry.uid, arrival))
    if (known) return
    this.#arrivals.set(key, arrival)
    this.#byBlob.set(entry.blob, (this.#byBlob.get(entry.blob) ?? new Set()).add(arrival))
    this.#lists.add(arrival)
  }

  /** Returns the keys of the recipients of a copy, their local parts if they are local, and the user name. */
  #namesOf(owner: Owner, { envelope }: MessageEntry): readonly string[] {
    const user = accountOf({ owner })
    const recipients = ownRecipients(envelope?.rcptTo ?? [], user, this.#directory)
    return [...new Set(recipientNames({ recipients, user }).map(addressKey))]
  }

  #remove(folder: Folder, uid: number): void {
    const inFolder = this.#places.get(folder.id)
    const arrival = inFolder?.get(uid)
    if (!inFolder || !arrival) return
    inFolder.delete(uid)
    if (inFolder.size === 0) this.#places.delete(folder.id)
    if (arrival.remove(placeKey(folder, uid))) return
    arrival.isGone = true
    const { blob } = arrival.entry
    this.#arrivals.delete(copyKey(arrival.owner, arrival.entry))
    this.#lists.lose(arrival)
    const copies = this.#byBlob.get(blob)
    copies?.delete(arrival)
    if (copies?.size === 0) this.#byBlob.delete(blob)
  }
}

type ArrivalListener = (arrival: Arrival) => void

/** Returns the recipients of the envelope who received the copy of an account. */
export const ownRecipients = (
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

const copyKey = (owner: Owner, { blob }: MessageEntry): string => `${owner} ${blob}`
