import type { MemoryBudget } from '../../../core/octets/memory-budget.ts'
import { isSliceOver, nextSlice } from '../../../core/time/time-slice.ts'
import type { Folder, Owner } from '../folder.ts'
import type { MessageEntry } from '../message-entry.ts'
import type { StoreEvent } from '../store-events.ts'
import { findThreadIds } from '../thread-ids.ts'
import type { MessageStore } from '../types.ts'
import type { ValueSpace, Values } from '../value-types.ts'

/** A message of an account: all copies of the same octets in its folders. */
export interface Mail {
  /** EMAILID (RFC 8474): the blob of its copies. */
  readonly id: string
  /** By `placeKey`. Empty if the message is gone. */
  readonly copies: Map<string, Copy>
  /** The flags of the copy that was changed last. */
  flags: readonly string[]
  /** THREADID (RFC 8474). Absent until somebody asks for it. */
  threadId?: string
  /** The number of the last change. */
  history: number
}

export interface Copy {
  readonly folder: Folder
  readonly entry: MessageEntry
}

/** How a message was at one moment. */
export interface Look {
  /** The flags of the copy that was changed last. */
  readonly flags: readonly string[]
  /** The folder and the flags of each copy. */
  readonly copies: readonly (readonly [folderId: string, flags: readonly string[]])[]
}

/** A change of a message. A new one has no `before`, one that is gone no `after`. */
export interface Change {
  readonly id: string
  readonly threadId?: string | undefined
  before?: Look | undefined
  after?: Look | undefined
}

export type FolderFacts = Pick<Folder, 'id' | 'name' | 'specialUse'>

/** Changes that happened together. They have one number. */
export interface Step {
  readonly changes: readonly Change[]
  /** The folders that `changes` name, as they were. */
  readonly folders: readonly FolderFacts[]
  /** The folder that was itself changed. */
  readonly folder?: { readonly id: string; readonly name: string; readonly type: 'created' | 'updated' | 'destroyed' }
}

/** Takes a step that is in the history. `isFirst`: no other node has recorded it. */
type Listener = (step: Step, number: number, isFirst: boolean) => void

/** A step of one folder that is not yet in the history. */
interface Found {
  readonly folderId: string
  readonly modSeq: number
  /** The settings of a folder that was created or changed. */
  readonly facts?: string
  readonly step: Step
}

/** The state of the history, which the store keeps. */
interface Kept {
  /** The number of the last step. */
  readonly last: number
  /** The modification sequences up to which changes of folders are in the history. */
  readonly seen: Readonly<Record<string, number>>
  /** The name and special use of each folder, by `folderKey`. */
  readonly facts: Readonly<Record<string, string | undefined>>
  /** The ids of the folders that were subscribed, when somebody asked last. */
  readonly subscribed?: readonly string[]
}

type IdOf = (id: string) => string

const KEPT_STEPS = 2_000
/** Steps that are read together. */
const READ_STEPS = 50
/** The memory of a copy, about. */
const COPY_OCTETS = 1_000
/** A step of more messages is recorded in parts. More parts than that end the history: clients begin again. */
const MAX_CHANGES = 1_000
const MAX_PARTS = 100
const KEPT = 'history'
/** The modification sequence of the deletion of a folder, and how many deleted folders the state names. */
const OF_DELETED = Number.MAX_SAFE_INTEGER
const KEPT_DELETED = 100
const changeName = (number: number): string => `c:${number}`
const placeKey = (folderId: string, uid: number): string => `${folderId}\n${uid}`
const folderKey = ({ name, specialUse = '', sortOrder }: Folder): string =>
  [name, specialUse, ...(sortOrder === undefined ? [] : [sortOrder])].join('\n')
const lookOf = ({ flags, copies }: Mail): Look => ({
  flags,
  copies: Array.from(copies.values(), ({ folder, entry }) => [folder.id, entry.flags]),
})

/** The histories of each store. Those that were used last are the last ones. */
const known = new WeakMap<MessageStore, Map<Owner, AccountHistory>>()

/**
 * The mail of an account as the Gmail API and JMAP know it: messages by their octets, with all copies, and the history of
 * their changes. The first request for the account reads its folders; from then on it follows their changes. The store keeps
 * the history, in which several nodes record a change once. Changes that nobody followed end the history: clients begin again.
 * A history that was not used for long is dropped when the memory is needed. Requests that still have it share the account
 * with the next one as nodes do.
 */
export class AccountHistory {
  readonly mails = new Map<string, Mail>()
  readonly folders = new Map<string, Folder>()
  /** Told about each step, by the names of those that listen. */
  readonly listeners = new Map<string | object, Listener>()
  readonly #space: ValueSpace
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #byPlace = new Map<string, Mail>()
  #byOtherId: { readonly idOf: IdOf; readonly mails: Map<string, Mail> } | undefined
  /** The number of the last step. */
  last = 0
  /** Where the memory is counted until it is dropped. */
  #memory: MemoryBudget | undefined
  #octets = 0
  /** Events before the folders are read. */
  #early: StoreEvent[] | undefined
  #found: Found[] = []
  #loading: Promise<void> | undefined
  #recording: Promise<void> = Promise.resolve()
  #subscribed: string | undefined

  private constructor(store: MessageStore, owner: Owner, memory: MemoryBudget) {
    this.#store = store
    this.#owner = owner
    this.#memory = memory
    this.#space = { kind: 'history', reader: owner }
  }

  /** Returns the history of an account with all changes before the call. @throws StoreError */
  static async of(store: MessageStore, owner: Owner, memory: MemoryBudget): Promise<AccountHistory> {
    const all = known.get(store) ?? new Map<Owner, AccountHistory>()
    if (!known.has(store)) memory.addDroppable({ drop: (octets) => AccountHistory.#drop(all, octets) })
    known.set(store, all)
    const found = all.get(owner) ?? new AccountHistory(store, owner, memory)
    all.delete(owner)
    all.set(owner, found)
    found.#loading ??= found.#load().catch((error: unknown) => {
      found.#loading = undefined
      throw error
    })
    await found.#loading
    await found.settled()
    return found
  }

  /** Resolves with the number of the last step, when all changes before the call are in the history. @throws StoreError */
  async settled(): Promise<number> {
    await this.#store.refresh()
    await this.#recorded()
    return this.last
  }

  static #drop(all: Map<Owner, AccountHistory>, octets: number): void {
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
  static #follow(store: MessageStore, owner: Owner, history: WeakRef<AccountHistory>): () => void {
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

  /** Does the same for the subscriptions to folders, which the store does not report. @throws StoreError */
  async settledWithSubscriptions(): Promise<number> {
    await this.#store.refresh()
    const names = new Set(await this.#store.subscriptions(this.#owner))
    await this.#recorded()
    const ids = Array.from(this.folders.values(), ({ id, name }) => (names.has(name) ? id : '')).filter(Boolean)
    if (this.#subscribed !== `${ids}`) await this.#inTurn(() => this.#recordSubscriptions(new Set(ids)))
    this.#subscribed = `${ids}`
    return this.last
  }

  /** Returns the thread ids of messages, in their order. @throws StoreError */
  async threadIds(mails: readonly Mail[]): Promise<string[]> {
    const unknown = mails.filter(({ threadId }) => threadId === undefined)
    const copies = unknown.flatMap((mail) => [...mail.copies.values()].slice(0, 1).map((copy) => ({ ...copy, mail })))
    await findThreadIds(this.#store, copies, ({ mail }, threadId) => {
      mail.threadId = threadId
    })
    return mails.map(({ id, threadId }) => threadId ?? id)
  }

  /** Returns a message by the id that another API makes of its id, always by the same function. */
  mailBy(idOf: IdOf, otherId: string): Mail | undefined {
    this.#byOtherId ??= { idOf, mails: new Map(Array.from(this.mails, ([id, mail]) => [idOf(id), mail])) }
    return this.#byOtherId.mails.get(otherId)
  }

  /** Whether `stepsAfter` has all steps after a number. */
  keeps(number: number): boolean {
    return Number.isSafeInteger(number) && number <= this.last && this.last - number <= KEPT_STEPS
  }

  /** Yields the steps after a number in their order, and undefined for one that is not kept. @throws StoreError */
  async *stepsAfter(number: number): AsyncGenerator<readonly [number: number, step: Step | undefined]> {
    const { last } = this
    for (let from = number + 1; from <= last; from += READ_STEPS) {
      const numbers = Array.from({ length: Math.min(READ_STEPS, last + 1 - from) }, (_, index) => from + index)
      const values = await this.#store.values({ ...this.#space, names: numbers.map(changeName) })
      for (const one of numbers) {
        const content = values.get(changeName(one))
        yield [one, content && JSON.parse(`${content}`)]
      }
    }
  }

  async #load(): Promise<void> {
    this.mails.clear()
    this.folders.clear()
    this.#byPlace.clear()
    this.#byOtherId = undefined
    this.#found = []
    this.#early = []
    const unwatch = AccountHistory.#follow(this.#store, this.#owner, new WeakRef(this))
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
    const facts = Object.fromEntries(Array.from(this.folders.values(), (folder) => [folder.id, folderKey(folder)]))
    await this.#store.changeValues({ ...this.#space, names: [KEPT] }, (current) => {
      const kept = this.#kept(current)
      const isWhole =
        Object.keys({ ...facts, ...kept.facts }).every((id) => kept.facts[id] === facts[id]) &&
        Object.entries(seen).every(([id, modSeq]) => (kept.seen[id] ?? (filled.has(id) ? 0 : modSeq)) === modSeq)
      this.last = kept.last + (isWhole && current.size > 0 ? 0 : 1)
      return this.last === kept.last ? new Map() : new Map([[KEPT, written({ ...kept, last: this.last, seen, facts })]])
    })
  }

  #kept(values: Values): Kept {
    const content = values.get(KEPT)
    // Another store, or one that was cleared, has lost its numbers.
    return content
      ? JSON.parse(`${content}`)
      : { last: this.last || Math.floor(Date.now() / 1000), seen: {}, facts: {} }
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
    if (type === 'appended') for (const entry of event.entries) changes.push(this.#add({ folder, entry }))
    if (type === 'flags') for (const entry of event.entries) changes.push(...this.#replace({ folder, entry }))
    if (type === 'expunged') for (const uid of event.uids) changes.push(...this.#remove(placeKey(folder.id, uid)))
    if (type === 'folder-created' || type === 'folder-changed') this.folders.set(folder.id, folder)
    const places =
      type === 'folder-deleted' || type === 'folder-changed'
        ? [...this.#byPlace.keys()].filter((place) => place.startsWith(placeKey(folder.id, 0).slice(0, -1)))
        : []
    if (type === 'folder-deleted') for (const place of places) changes.push(...this.#remove(place))
    if (type === 'folder-changed') for (const place of places) this.#rename(place, folder)
    const named = new Set(
      changes.flatMap(({ before, after }) => [...(before?.copies ?? []), ...(after?.copies ?? [])].map(([id]) => id)),
    )
    const folders = [...named].flatMap((id) => {
      const { name, specialUse } = this.folders.get(id) ?? {}
      return name === undefined ? [] : [{ id, name, ...(specialUse !== undefined && { specialUse }) }]
    })
    if (type === 'folder-deleted') this.folders.delete(folder.id)
    this.#count()
    const [modSeq, ofFolder] = [modSeqOf(event), folderChanges[type]]
    const step: Step = {
      changes,
      folders,
      ...(ofFolder && { folder: { id: folder.id, name: folder.name, type: ofFolder } }),
    }
    if (modSeq === 0 && !ofFolder) return
    this.#found.push({ folderId: folder.id, modSeq, step, ...(modSeq === 0 && { facts: folderKey(folder) }) })
    // The next request tries again, and gets the error.
    this.#recorded().catch(() => {})
  }

  #add(copy: Copy): Change {
    const { folder, entry } = copy
    const mail = this.mails.get(entry.blob) ?? {
      id: entry.blob,
      copies: new Map(),
      flags: entry.flags,
      history: this.last,
    }
    const place = placeKey(folder.id, entry.uid)
    this.mails.set(mail.id, mail)
    this.#byOtherId?.mails.set(this.#byOtherId.idOf(mail.id), mail)
    this.#byPlace.set(place, mail)
    return this.#change(mail, () => mail.copies.set(place, copy))
  }

  #replace(copy: Copy): Change[] {
    const place = placeKey(copy.folder.id, copy.entry.uid)
    const mail = this.#byPlace.get(place)
    return mail ? [this.#change(mail, () => (mail.flags = mail.copies.set(place, copy) && copy.entry.flags))] : []
  }

  #rename(place: string, folder: Folder): void {
    const copies = this.#byPlace.get(place)?.copies
    const copy = copies?.get(place)
    if (copy) copies?.set(place, { ...copy, folder })
  }

  #remove(place: string): Change[] {
    const mail = this.#byPlace.get(place)
    this.#byPlace.delete(place)
    return mail ? [this.#change(mail, () => mail.copies.delete(place))] : []
  }

  #change(mail: Mail, change: () => unknown): Change {
    const before = mail.copies.size > 0 && lookOf(mail)
    change()
    const after = mail.copies.size > 0 && lookOf(mail)
    if (!after) {
      this.mails.delete(mail.id)
      this.#byOtherId?.mails.delete(this.#byOtherId.idOf(mail.id))
    }
    return { id: mail.id, threadId: mail.threadId, ...(before && { before }), ...(after && { after }) }
  }

  /** Resolves when the history has everything that was found. @throws StoreError */
  #recorded(): Promise<void> {
    return this.#inTurn(() => this.#record())
  }

  #inTurn(record: () => Promise<void>): Promise<void> {
    this.#recording = this.#recording.catch(() => {}).then(record)
    return this.#recording
  }

  async #recordSubscriptions(now: ReadonlySet<string>): Promise<void> {
    let steps: Step[] = []
    await this.#store.changeValues({ ...this.#space, names: [KEPT] }, (current) => {
      const kept = this.#kept(current)
      const before = new Set(kept.subscribed ?? now)
      const changed = [...this.folders.values()].filter(({ id }) => before.has(id) !== now.has(id))
      steps = changed.map(({ id, name }) => ({ changes: [], folders: [], folder: { id, name, type: 'updated' } }))
      this.last = kept.last + steps.length
      if (kept.subscribed && steps.length === 0) return new Map()
      const next: Kept = { ...kept, last: this.last, subscribed: [...now] }
      const values = steps.map((step, index) => [changeName(kept.last + 1 + index), written(step)] as const)
      return new Map([[KEPT, written(next)], ...values])
    })
    for (const [index, step] of steps.entries())
      for (const listener of this.listeners.values()) listener(step, this.last - steps.length + 1 + index, true)
  }

  /** Returns the step to record next. A store tells of new messages before older changes of the same folder that it reads with them. */
  #next(): Found | undefined {
    const [first] = this.#found
    if (first?.facts !== undefined) return first
    const ofFolder = this.#found.filter(({ folderId, facts }) => folderId === first?.folderId && facts === undefined)
    return ofFolder.toSorted((a, b) => a.modSeq - b.modSeq)[0]
  }

  /**
   * Joins the halves of moves by other nodes: this one may see that the only copy of a message is gone before it sees the
   * next copy.
   */
  async #join(): Promise<void> {
    await this.#store.refresh()
    const gone = new Map<string, Change>()
    for (const change of this.#found.flatMap(({ step }) => step.changes)) {
      const { id, before, after } = change
      const first = before ? undefined : gone.get(id)
      if (first) first.after = change.before = after
      if (after) gone.delete(id)
      else gone.set(id, change)
    }
  }

  async #record(): Promise<void> {
    for (let found = this.#next(); found; found = this.#next()) {
      const { folderId, modSeq, facts, step } = found
      const { changes, folder } = step
      if (changes.some(({ after }) => !after)) await this.#join()
      // The thread of a message that is gone cannot be found any more.
      await this.threadIds(changes.flatMap(({ id, before }) => (before ? [] : (this.mails.get(id) ?? []))))
      const whole = changes.map((change) => ({
        ...change,
        threadId: this.mails.get(change.id)?.threadId ?? change.threadId,
      }))
      const parts = partsOf({ ...step, changes: whole })
      const contents = parts.length <= MAX_PARTS ? parts.map(written) : []
      let isFirst = false
      await this.#store.changeValues({ ...this.#space, names: [KEPT] }, (current) => {
        const kept = this.#kept(current)
        this.last = kept.last
        const { [folderId]: seen = 0 } = kept.seen
        isFirst = facts === undefined ? seen < modSeq : seen < OF_DELETED && kept.facts[folderId] !== facts
        // Another node has recorded it.
        if (!isFirst) return new Map()
        this.last += parts.length
        const next: Kept = {
          ...kept,
          last: this.last,
          seen: facts === undefined ? withoutOld({ ...kept.seen, [folderId]: modSeq }) : kept.seen,
          facts: folder ? { ...kept.facts, [folderId]: facts } : kept.facts,
        }
        const values = new Map<string, Buffer | undefined>([[KEPT, written(next)]])
        for (const [index, number] of numbersOf(parts, this.last).entries())
          values.set(changeName(number), contents[index]).set(changeName(number - KEPT_STEPS), undefined)
        return values
      })
      this.#found.splice(this.#found.indexOf(found), 1)
      for (const { id } of changes) {
        const mail = this.mails.get(id)
        if (mail) mail.history = this.last
      }
      for (const [index, number] of numbersOf(parts, this.last).entries())
        for (const listener of this.listeners.values()) listener(parts[index] as Step, number, isFirst)
    }
  }
}

const folderChanges: Readonly<Record<string, 'created' | 'updated' | 'destroyed'>> = {
  'folder-created': 'created',
  'folder-changed': 'updated',
  'folder-deleted': 'destroyed',
}

/** Returns what was seen, without the folders that were deleted long ago. */
function withoutOld(seen: Kept['seen']): Kept['seen'] {
  const deleted = Object.keys(seen).filter((id) => seen[id] === OF_DELETED)
  const old = new Set(deleted.slice(0, -KEPT_DELETED))
  return old.size === 0 ? seen : Object.fromEntries(Object.entries(seen).filter(([id]) => !old.has(id)))
}

/** Returns a step as the steps that are recorded for it; none for one that changes nothing. The folder is in the last. */
function partsOf({ changes, folders, folder }: Step): Step[] {
  const count = Math.max(Math.ceil(changes.length / MAX_CHANGES), folder ? 1 : 0)
  return Array.from({ length: count }, (_, index) => ({
    changes: changes.slice(index * MAX_CHANGES, (index + 1) * MAX_CHANGES),
    folders,
    ...(folder && index === count - 1 && { folder }),
  }))
}

/** Returns the numbers of parts whose last one has the number `last`. */
const numbersOf = (parts: readonly Step[], last: number): number[] => parts.map((_, at) => last - parts.length + 1 + at)

const written = (value: object): Buffer => Buffer.from(JSON.stringify(value))

/** Returns the modification sequence of a change: of a deleted folder, one greater than all others; of others, 0. */
function modSeqOf(event: StoreEvent): number {
  if (event.type === 'appended' || event.type === 'flags')
    return event.entries.reduce((greatest, { modSeq }) => Math.max(greatest, modSeq), 0)
  if (event.type === 'expunged') return event.modSeq
  return event.type === 'folder-deleted' ? OF_DELETED : 0
}
