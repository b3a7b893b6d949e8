import type {
  Folder,
  FolderSnapshot,
  MessageEntry,
  MessageStore,
  Origin,
  Owner,
  StoreEvent,
  UidRange,
} from '../types.ts'
import { indexOfUid } from '../uid-order.ts'
import { ALL_MAIL_NAME, ALL_MAIL_USE, isSpamOrTrash } from './names.ts'

/** A copy of a message in a folder of the store. */
export interface Place {
  readonly folderId: string
  readonly uid: number
}

interface Held {
  readonly uid: number
  readonly places: Map<string, Place>
}

const keyOf = ({ folderId, uid }: Place): string => `${folderId}\n${uid}`

type Listener = (event: StoreEvent) => void

/**
 * The view of all messages of an account, outside of spam and trash: each of them once, although a mailbox for each label
 * holds a copy. The view has uids of its own, ascending and never reused. It lives in memory, so that a new process gives
 * it a greater UIDVALIDITY. A message shows the flags of the copy that was changed last.
 */
export class AllMail {
  readonly folder: Folder
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #held = new Map<string, Held>()
  readonly #listeners = new Set<Listener>()
  readonly #vanished: { readonly uid: number; readonly modSeq: number }[] = []
  #entries: MessageEntry[] = []
  #uidNext = 1
  #modSeq = 1
  #loading: Promise<void> | undefined

  private constructor(store: MessageStore, owner: Owner) {
    this.#store = store
    this.#owner = owner
    const uidValidity = Math.floor(Date.now() / 1000)
    this.folder = { id: `all-mail:${owner}`, owner, name: ALL_MAIL_NAME, uidValidity, specialUse: ALL_MAIL_USE }
  }

  /** Returns the view of an account, which all its sessions share. */
  static of(store: MessageStore, owner: Owner): AllMail {
    const views = known.get(store) ?? new Map<Owner, AllMail>()
    known.set(store, views)
    const view = views.get(owner) ?? new AllMail(store, owner)
    views.set(owner, view)
    return view
  }

  /** Reads the account's mailboxes once, and follows their changes from then on. After a failure, the next call reads again. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  async #load(): Promise<void> {
    let early: StoreEvent[] | undefined = []
    const unwatch = this.#store.watch((event) => {
      if (early) early.push(event)
      else this.#handle(event)
    })
    const found = await this.#stored().catch((error: unknown) => {
      unwatch()
      throw error
    })
    found.sort((a, b) => a.entry.savedAt - b.entry.savedAt)
    for (const { folder, entry } of found) this.#add(folder, entry)
    const missed = early
    early = undefined
    for (const event of missed) this.#handle(event)
  }

  async #stored(): Promise<{ readonly folder: Folder; readonly entry: MessageEntry }[]> {
    const found: { readonly folder: Folder; readonly entry: MessageEntry }[] = []
    for (const folder of await this.#store.listFolders(this.#owner)) {
      if (!this.#includes(folder)) continue
      for (const entry of await this.#store.list(folder.id)) found.push({ folder, entry })
    }
    return found
  }

  snapshot(): FolderSnapshot {
    const entries = this.#entries.slice()
    const unseen = (entry: MessageEntry): boolean => !entry.flags.includes('\\Seen')
    const deleted = entries.filter(({ flags }) => flags.includes('\\Deleted'))
    const sum = (all: readonly MessageEntry[]): number => all.reduce((octets, { sizeOctets }) => octets + sizeOctets, 0)
    return {
      entries,
      exists: entries.length,
      uidNext: this.#uidNext,
      highestModSeq: this.#modSeq,
      sizeOctets: sum(entries),
      unseen: entries.filter(unseen).length,
      deleted: deleted.length,
      deletedOctets: sum(deleted),
      lowestUid: entries[0]?.uid ?? 0,
      highestUid: entries.at(-1)?.uid ?? 0,
      flags: [...new Set(entries.flatMap(({ flags }) => flags))],
      firstUnseen: entries.findIndex(unseen) + 1,
    }
  }

  list({ from, to }: UidRange = { from: 1, to: Number.POSITIVE_INFINITY }): MessageEntry[] {
    return this.#entries.filter(({ uid }) => uid >= from && uid <= to)
  }

  entry(uid: number): MessageEntry | undefined {
    return this.#entries[indexOfUid(this.#entries, uid)]
  }

  /** Returns the copies of a message; none if the view does not have it. */
  placesOf(uid: number): readonly Place[] {
    const blob = this.entry(uid)?.blob
    return blob === undefined ? [] : [...(this.#held.get(blob)?.places.values() ?? [])]
  }

  /** Returns the uid of the message with these octets. */
  uidOf(blob: string): number | undefined {
    return this.#held.get(blob)?.uid
  }

  changedSince(modSeq: number): MessageEntry[] {
    return this.#entries.filter((entry) => entry.modSeq > modSeq)
  }

  vanishedSince(modSeq: number): number[] {
    return this.#vanished.filter((one) => one.modSeq > modSeq).map(({ uid }) => uid)
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #includes({ owner, name }: Folder): boolean {
    return owner === this.#owner && !isSpamOrTrash(name)
  }

  #handle(event: StoreEvent): void {
    const { folder } = event
    // A mailbox that is moved to spam or trash leaves the view.
    if (event.type === 'folder-changed' && !this.#includes(folder)) this.#removeFolder(folder)
    if (!this.#includes(folder)) return
    if (event.type === 'appended') {
      const added = event.entries.flatMap((entry) => this.#add(folder, entry) ?? [])
      if (added.length > 0) this.#emit({ type: 'appended', folder: this.folder, entries: added, ...originOf(event) })
    } else if (event.type === 'flags') {
      const changed = event.entries.flatMap((entry) => this.#setFlags(folder, entry) ?? [])
      if (changed.length > 0) this.#emit({ type: 'flags', folder: this.folder, entries: changed, ...originOf(event) })
    } else if (event.type === 'expunged') {
      this.#remove(
        event.uids.map((uid) => ({ folderId: folder.id, uid })),
        originOf(event),
      )
    } else if (event.type === 'folder-deleted') this.#removeFolder(folder)
  }

  #removeFolder({ id }: Folder): void {
    const all = [...this.#held.values()].flatMap(({ places }) => [...places.values()])
    this.#remove(
      all.filter(({ folderId }) => folderId === id),
      {},
    )
  }

  /** Adds a copy. Returns the message if it is new to the view. */
  #add({ id }: Folder, entry: MessageEntry): MessageEntry | undefined {
    const place = { folderId: id, uid: entry.uid }
    const known = this.#held.get(entry.blob)
    if (known) {
      known.places.set(keyOf(place), place)
      return undefined
    }
    const added = { ...entry, uid: this.#uidNext++, modSeq: ++this.#modSeq }
    this.#held.set(entry.blob, { uid: added.uid, places: new Map([[keyOf(place), place]]) })
    this.#entries.push(added)
    return added
  }

  #setFlags({ id }: Folder, { blob, uid, flags }: MessageEntry): MessageEntry | undefined {
    const held = this.#held.get(blob)
    const index = held ? indexOfUid(this.#entries, held.uid) : -1
    const old = this.#entries[index]
    if (!old || !held?.places.has(keyOf({ folderId: id, uid })) || sameFlags(old.flags, flags)) return undefined
    const changed = { ...old, flags, modSeq: ++this.#modSeq }
    this.#entries[index] = changed
    return changed
  }

  #remove(places: readonly Place[], origin: { readonly origin?: Origin }): void {
    const keys = new Set(places.map(keyOf))
    const gone: number[] = []
    for (const [blob, held] of this.#held) {
      for (const key of held.places.keys()) if (keys.has(key)) held.places.delete(key)
      if (held.places.size > 0) continue
      this.#held.delete(blob)
      gone.push(held.uid)
    }
    if (gone.length === 0) return
    const modSeq = ++this.#modSeq
    const removed = new Set(gone)
    this.#entries = this.#entries.filter(({ uid }) => !removed.has(uid))
    const uids = gone.sort((a, b) => a - b)
    for (const uid of uids) this.#vanished.push({ uid, modSeq })
    this.#emit({ type: 'expunged', folder: this.folder, uids, modSeq, ...origin })
  }

  #emit(event: StoreEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const originOf = ({ origin }: { readonly origin?: Origin }): { readonly origin?: Origin } =>
  origin === undefined ? {} : { origin }

const sameFlags = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((flag) => other.includes(flag))

/** The views of each store. */
const known = new WeakMap<MessageStore, Map<Owner, AllMail>>()
