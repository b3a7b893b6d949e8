import type { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { findThreadIds } from '../../thread-ids.ts'
import type { Folder, MessageEntry, MessageStore, Owner, StoreEvent } from '../../types.ts'
import type { ValueSpace, Values } from '../../value-types.ts'
import { gmailId } from './ids.ts'
import { labelsOf } from './label-ids.ts'

/** A message of an account: all copies of the same octets, of which each gives it the label of its folder. */
export interface Mail {
  readonly id: string
  /** By `placeOf`. */
  readonly copies: Map<string, Copy>
  /** The flags of the copy that was changed last. */
  flags: readonly string[]
  /** Absent until somebody asks for it. */
  threadId?: string
  /** The number of the last change. */
  history: number
}

export interface Copy {
  readonly folder: Folder
  readonly entry: MessageEntry
}

/** A change of a message, in the words of `users.history.list`. */
export interface Change {
  readonly type: 'messagesAdded' | 'messagesDeleted' | 'labelsAdded' | 'labelsRemoved'
  readonly id: string
  readonly threadId?: string | undefined
  /** All labels of the message: after the change, or when it was deleted. */
  readonly labels: readonly string[]
  /** The labels that were added or removed. */
  readonly changed?: readonly string[]
}

/** Changes of one folder that are not yet in the history. */
interface Found {
  readonly folderId: string
  readonly modSeq: number
  readonly changes: readonly Change[]
}

/** The state of the history, which the store keeps. */
interface Kept {
  /** The number of the last change. */
  readonly last: number
  /** The modification sequences up to which changes of folders are in the history. */
  readonly seen: Readonly<Record<string, number>>
}

const KEPT_CHANGES = 2_000
/** The memory of a copy, about. */
const COPY_OCTETS = 1_000
/** A change of more messages ends the history: clients begin again. */
const MAX_CHANGES = 1_000
const KEPT = 'history'
/** The modification sequence of the deletion of a folder, and how many deleted folders the state names. */
const OF_DELETED = Number.MAX_SAFE_INTEGER
const KEPT_DELETED = 100
const nameOf = (number: number): string => `c:${number}`
const placeOf = (folderId: string, uid: number): string => `${folderId}\n${uid}`
/** Returns the id of a message or thread in the API: X-GM-MSGID or X-GM-THRID in hexadecimal. */
export const hexId = (id: string): string => BigInt(gmailId(id)).toString(16)

/** The histories of each store. Those that were used last are the last ones. */
const known = new WeakMap<MessageStore, Map<Owner, MailboxHistory>>()

/**
 * The mail of an account as the Gmail API knows it: messages by their ids, with their labels, and the history of their
 * changes. The first request for the account reads its folders; from then on it follows their changes. The store keeps the
 * history, in which several nodes record a change once. Changes that nobody followed end the history: clients begin again.
 * A history that was not used for long is dropped when the memory is needed. Requests that still have it share the account
 * with the next one as nodes do.
 */
export class MailboxHistory {
  readonly mails = new Map<string, Mail>()
  readonly folders = new Map<string, Folder>()
  readonly space: ValueSpace
  /** Takes the changes that this node has recorded, with the number of the last one. */
  onRecorded: (changes: readonly Change[], last: number) => void = () => {}
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #byPlace = new Map<string, Mail>()
  /** The number of the last change. */
  last = 0
  /** Where the memory is counted until it is dropped. */
  #memory: MemoryBudget | undefined
  #octets = 0
  /** Events before the folders are read. */
  #early: StoreEvent[] | undefined
  #found: Found[] = []
  #loading: Promise<void> | undefined
  #recording: Promise<void> = Promise.resolve()

  private constructor(store: MessageStore, owner: Owner, memory: MemoryBudget) {
    this.#store = store
    this.#owner = owner
    this.#memory = memory
    this.space = { kind: 'gmail', reader: owner }
  }

  /** Returns the history of an account with all changes before the call. @throws StoreError */
  static async of(store: MessageStore, owner: Owner, memory: MemoryBudget): Promise<MailboxHistory> {
    const all = known.get(store) ?? new Map<Owner, MailboxHistory>()
    if (!known.has(store)) memory.addDroppable({ drop: (octets) => MailboxHistory.#drop(all, octets) })
    known.set(store, all)
    const found = all.get(owner) ?? new MailboxHistory(store, owner, memory)
    all.delete(owner)
    all.set(owner, found)
    found.#loading ??= found.#load().catch((error: unknown) => {
      found.#loading = undefined
      throw error
    })
    await found.#loading
    await found.#recorded()
    return found
  }

  static #drop(all: Map<Owner, MailboxHistory>, octets: number): void {
    let left = octets
    for (const [owner, history] of all) {
      if (left <= 0) return
      left -= history.#octets
      history.#memory?.give('caches', history.#octets)
      history.#memory = undefined
      all.delete(owner)
    }
  }

  /** Follows an account as long as something uses its history. The listener must not hold it. Returns the end of that. */
  static #follow(store: MessageStore, owner: Owner, history: WeakRef<MailboxHistory>): () => void {
    const unwatch = store.watch(
      (event) => {
        const found = history.deref()
        if (found) found.#take(event)
        else unwatch()
      },
      { follows: (folder) => folder.owner === owner },
    )
    return unwatch
  }

  /** Returns the thread ids of messages, in their order. @throws StoreError */
  async threadIds(mails: readonly Mail[]): Promise<string[]> {
    const unknown = mails.filter(({ threadId }) => threadId === undefined)
    const copies = unknown.flatMap((mail) => [...mail.copies.values()].slice(0, 1).map((copy) => ({ ...copy, mail })))
    await findThreadIds(this.#store, copies, ({ mail }, threadId) => {
      mail.threadId = hexId(threadId)
    })
    return mails.map(({ id, threadId }) => threadId ?? id)
  }

  /** Returns the changes after a number; undefined if some are not kept. @throws StoreError */
  async changesAfter(number: number): Promise<ReadonlyMap<number, readonly Change[]> | undefined> {
    if (number > this.last || this.last - number > KEPT_CHANGES) return undefined
    const numbers = Array.from({ length: this.last - number }, (_, index) => number + 1 + index)
    const values = await this.#store.values({ ...this.space, names: numbers.map(nameOf) })
    if (values.size < numbers.length) return undefined
    return new Map(numbers.map((one) => [one, JSON.parse(`${values.get(nameOf(one))}`)]))
  }

  async #load(): Promise<void> {
    this.mails.clear()
    this.folders.clear()
    this.#byPlace.clear()
    this.#found = []
    this.#early = []
    const unwatch = MailboxHistory.#follow(this.#store, this.#owner, new WeakRef(this))
    try {
      const seen: Record<string, number> = {}
      const copies: Copy[] = []
      for (const folder of await this.#store.listFolders(this.#owner)) {
        const { entries, highestModSeq } = await this.#store.snapshot(folder.id)
        this.folders.set(folder.id, folder)
        seen[folder.id] = highestModSeq
        for (const entry of entries) copies.push({ folder, entry })
        if (isSliceOver()) await nextSlice()
      }
      // A message has the flags of its oldest copy until one is changed.
      for (const copy of copies.sort((a, b) => a.entry.savedAt - b.entry.savedAt)) {
        this.#add(copy)
        if (isSliceOver()) await nextSlice()
      }
      await this.#begin(seen)
      for (const mail of this.mails.values()) mail.history = this.last
      const early = this.#early
      this.#early = undefined
      for (const event of early) {
        const modSeq = modSeqOf(event)
        if (modSeq === 0 || modSeq > (seen[event.folder.id] ?? 0)) this.#take(event)
      }
      this.#count()
    } catch (error) {
      unwatch()
      throw error
    }
  }

  /** Continues the history that the store keeps. Changes that are missing are a number without changes. */
  async #begin(seen: Kept['seen']): Promise<void> {
    const filled = new Set(Array.from(this.#byPlace.keys(), (place) => place.slice(0, place.indexOf('\n'))))
    await this.#store.changeValues({ ...this.space, names: [KEPT] }, (current) => {
      const kept = this.#kept(current)
      const isWhole = Object.entries(seen).every(
        ([id, modSeq]) => (kept.seen[id] ?? (filled.has(id) ? 0 : modSeq)) === modSeq,
      )
      this.last = kept.last + (isWhole && current.size > 0 ? 0 : 1)
      return this.last === kept.last ? new Map() : new Map([[KEPT, written({ last: this.last, seen })]])
    })
  }

  #kept(values: Values): Kept {
    const content = values.get(KEPT)
    // Another store, or one that was cleared, has lost its numbers.
    return content ? JSON.parse(`${content}`) : { last: this.last || Math.floor(Date.now() / 1000), seen: {} }
  }

  /** Counts the memory of the copies. */
  #count(): void {
    const grown = this.#byPlace.size * COPY_OCTETS - this.#octets
    this.#octets += grown
    if (grown > 0) this.#memory?.hold('caches', grown)
    else this.#memory?.give('caches', -grown)
  }

  #take(event: StoreEvent): void {
    const { type, folder } = event
    if (folder.owner !== this.#owner) return
    if (this.#early) {
      this.#early.push(event)
      return
    }
    const changes: Change[] = []
    if (type === 'appended') for (const entry of event.entries) changes.push(...this.#add({ folder, entry }))
    if (type === 'flags') for (const entry of event.entries) changes.push(...this.#setFlags({ folder, entry }))
    if (type === 'expunged') for (const uid of event.uids) changes.push(...this.#remove(placeOf(folder.id, uid)))
    if (type === 'folder-created' || type === 'folder-changed') this.folders.set(folder.id, folder)
    if (type === 'folder-deleted') {
      const places = [...this.#byPlace.keys()].filter((place) => place.startsWith(placeOf(folder.id, 0).slice(0, -1)))
      for (const place of places) changes.push(...this.#remove(place))
      this.folders.delete(folder.id)
    }
    this.#count()
    if (modSeqOf(event) === 0) return
    this.#found.push({ folderId: folder.id, modSeq: modSeqOf(event), changes })
    // The next request tries again, and gets the error.
    this.#recorded().catch(() => {})
  }

  #add({ folder, entry }: Copy): Change[] {
    const id = hexId(entry.blob)
    const mail = this.mails.get(id) ?? { id, copies: new Map(), flags: entry.flags, history: this.last }
    const place = placeOf(folder.id, entry.uid)
    this.mails.set(id, mail)
    this.#byPlace.set(place, mail)
    return this.#change(mail, () => mail.copies.set(place, { folder, entry }))
  }

  #setFlags(copy: Copy): Change[] {
    const place = placeOf(copy.folder.id, copy.entry.uid)
    const mail = this.#byPlace.get(place)
    return mail ? this.#change(mail, () => (mail.flags = mail.copies.set(place, copy) && copy.entry.flags)) : []
  }

  #remove(place: string): Change[] {
    const mail = this.#byPlace.get(place)
    this.#byPlace.delete(place)
    return mail ? this.#change(mail, () => mail.copies.delete(place)) : []
  }

  /** Changes a message. Returns what that is for its labels. */
  #change(mail: Mail, change: () => unknown): Change[] {
    const [isNew, before] = [mail.copies.size === 0, labelsOf(mail)]
    change()
    const after = labelsOf(mail)
    const { id, threadId } = mail
    if (isNew) return [{ type: 'messagesAdded', id, labels: after }]
    if (mail.copies.size === 0) {
      this.mails.delete(id)
      return [{ type: 'messagesDeleted', id, threadId, labels: before }]
    }
    const types = { labelsAdded: [after, before], labelsRemoved: [before, after] } as const
    return Object.entries(types).flatMap(([type, [some, others]]) => {
      const changed = some.filter((label) => !others.includes(label))
      return changed.length > 0 ? [{ type: type as keyof typeof types, id, threadId, labels: after, changed }] : []
    })
  }

  /** Resolves when the history has everything that was found. @throws StoreError */
  #recorded(): Promise<void> {
    this.#recording = this.#recording.catch(() => {}).then(() => this.#record())
    return this.#recording
  }

  async #record(): Promise<void> {
    for (let found = this.#found[0]; found; found = this.#found[0]) {
      const { folderId, modSeq, changes } = found
      let isOwn = false
      await this.#store.changeValues({ ...this.space, names: [KEPT] }, (current) => {
        const kept = this.#kept(current)
        this.last = kept.last
        isOwn = (kept.seen[folderId] ?? 0) < modSeq
        // Another node has recorded it.
        if (!isOwn) return new Map()
        this.last = kept.last + Math.min(changes.length, 1)
        const next: Kept = { last: this.last, seen: withoutOld({ ...kept.seen, [folderId]: modSeq }) }
        const values = new Map<string, Buffer | undefined>([[KEPT, written(next)]])
        if (this.last === kept.last) return values
        if (changes.length <= MAX_CHANGES) values.set(nameOf(this.last), written(changes))
        return values.set(nameOf(this.last - KEPT_CHANGES), undefined)
      })
      this.#found.shift()
      for (const { id } of changes) {
        const mail = this.mails.get(id)
        if (mail) mail.history = this.last
      }
      if (isOwn && changes.length > 0) this.onRecorded(changes, this.last)
    }
  }
}

/** Returns what was seen, without the folders that were deleted long ago. */
function withoutOld(seen: Kept['seen']): Kept['seen'] {
  const deleted = Object.keys(seen).filter((id) => seen[id] === OF_DELETED)
  const old = new Set(deleted.slice(0, -KEPT_DELETED))
  return old.size === 0 ? seen : Object.fromEntries(Object.entries(seen).filter(([id]) => !old.has(id)))
}

const written = (value: object): Buffer => Buffer.from(JSON.stringify(value))

/** Returns the modification sequence of a change: of a deleted folder, one greater than all others; of others, 0. */
function modSeqOf(event: StoreEvent): number {
  if (event.type === 'appended' || event.type === 'flags')
    return event.entries.reduce((greatest, { modSeq }) => Math.max(greatest, modSeq), 0)
  if (event.type === 'expunged') return event.modSeq
  return event.type === 'folder-deleted' ? OF_DELETED : 0
}
