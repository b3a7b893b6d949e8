import { FlagTable } from '../../entries/flags.ts'
import { FolderIndex } from '../../entries/folder-index.ts'
import {
  type Folder,
  type FolderSnapshot,
  type MessageEntry,
  type MessageStore,
  type Origin,
  type Owner,
  StoreError,
  type StoreEvent,
  type UidRange,
} from '../../types.ts'
import { Copies } from './copies.ts'
import { ALL_MAIL_NAME, ALL_MAIL_USE, isSpamOrTrash } from './names.ts'
import {
  type Findings,
  firstNumbers,
  Numbering,
  type Numbers,
  type Place,
  placeKey,
  placeOf,
  sameFlags,
  type ViewChange,
} from './numbering.ts'

type Listener = (event: StoreEvent) => void

/** A change of the mailboxes that is not yet in the view. */
interface Found extends Findings {
  readonly origin?: Origin | undefined
}

/**
 * The view of all messages of an account, outside of spam and trash: each of them once, although a mailbox for each label
 * holds a copy. The view has uids of its own, ascending and never reused, which the store keeps (`Numbering`). A message
 * shows the flags of the copy that was changed last.
 */
export class AllMail {
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #numbering: Numbering
  readonly #listeners = new Set<Listener>()
  /** As this node knows them. */
  readonly #copies = new Copies()
  /** The uids of the messages that the view shows, by blob, and the other way round. */
  readonly #uids = new Map<string, number>()
  readonly #byUid = new Map<number, string>()
  readonly #vanished: { readonly uid: number; readonly modSeq: number }[] = []
  readonly #flags = new FlagTable()
  #index = new FolderIndex()
  #numbers: Numbers = firstNumbers()
  #opening: Promise<void> | undefined
  #loading: Promise<void> | undefined
  /** Whether the view shows what the store has, so that changes can be applied. */
  #isLoaded = false
  /** In the order of the events. */
  readonly #found: Found[] = []
  #recording: Promise<void> | undefined

  private constructor(store: MessageStore, owner: Owner) {
    this.#store = store
    this.#owner = owner
    this.#numbering = new Numbering(store, owner)
  }

  /** Returns the view of an account, which all its sessions share. */
  static of(store: MessageStore, owner: Owner): AllMail {
    const views = known.get(store) ?? new Map<Owner, AllMail>()
    known.set(store, views)
    const view = views.get(owner) ?? new AllMail(store, owner)
    views.set(owner, view)
    return view
  }

  get id(): string {
    return `all-mail:${this.#owner}`
  }

  /** The view as a folder. Its UIDVALIDITY is known after `open`. */
  get folder(): Folder {
    const { uidValidity } = this.#numbers
    return { id: this.id, owner: this.#owner, name: ALL_MAIL_NAME, uidValidity, specialUse: ALL_MAIL_USE }
  }

  /** Learns the UIDVALIDITY. @throws StoreError */
  open(): Promise<void> {
    this.#opening ??= this.#numbering.open().then(
      (numbers) => {
        this.#numbers = numbers
      },
      (error: unknown) => {
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }

  /**
   * Reads the account's mailboxes once, and follows their changes from then on. Resolves when the view has what this node
   * knows. After a failure, the next call tries again. @throws StoreError
   */
  async load(): Promise<void> {
    await this.open()
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    await this.#loading
    await this.#record()
  }

  /** Loads the view with everything that other nodes have stored before the call. @throws StoreError */
  async refresh(): Promise<void> {
    await this.load()
    await this.#readMailboxes()
    await this.#record()
  }

  /** Resolves when the view has everything that was found, if it is loaded. @throws StoreError */
  recorded(): Promise<void> {
    return this.#record()
  }

  async #load(): Promise<void> {
    this.#copies.clear()
    this.#found.length = 0
    let early: StoreEvent[] | undefined = []
    const unwatch = this.#store.watch(
      (event) => {
        if (early) early.push(event)
        else this.#handle(event)
      },
      { follows: ({ owner }) => owner === this.#owner },
    )
    try {
      const { messages } = await this.#numbering.readAll()
      const stored = await this.#stored()
      const copies = stored.map(({ folder, entry }) => ({ place: this.#copies.add(folder, entry), entry }))
      const missed = early
      early = undefined
      for (const event of missed) this.#handle(event)
      const isGone = (blob: string): boolean => !this.#copies.has(blob)
      if ([...messages.keys()].some(isGone)) await this.#readMailboxes()
      await this.#numbering.record({ copies, gone: [...messages.keys()].filter(isGone) }, this.#numbers)
      await this.#readAll(new Map(stored.map(({ entry }) => [entry.blob, entry])))
      this.#isLoaded = true
    } catch (error) {
      unwatch()
      throw error
    }
  }

  async #stored(): Promise<{ readonly folder: Folder; readonly entry: MessageEntry }[]> {
    const found: { readonly folder: Folder; readonly entry: MessageEntry }[] = []
    for (const folder of await this.#store.listFolders(this.#owner)) {
      if (!this.#includes(folder)) continue
      for (const entry of await this.#store.list(folder.id)) found.push({ folder, entry })
    }
    return found.sort((a, b) => a.entry.savedAt - b.entry.savedAt)
  }

  snapshot(): FolderSnapshot {
    const { uidNext, modSeq: highestModSeq } = this.#numbers
    return { ...this.#index.snapshot(), uidNext, highestModSeq }
  }

  list(range?: UidRange): readonly MessageEntry[] {
    return this.#index.list(range)
  }

  entry(uid: number): MessageEntry | undefined {
    return this.#index.find(uid)
  }

  /** Returns the copies of a message; none if the view does not have it. */
  placesOf(uid: number): readonly Place[] {
    const blob = this.#byUid.get(uid)
    return blob === undefined ? [] : this.#copies.keysOf(blob).map(placeOf)
  }

  /** Returns the uid of the message with these octets. */
  uidOf(blob: string): number | undefined {
    return this.#uids.get(blob)
  }

  changedSince(modSeq: number): MessageEntry[] {
    return this.#index.changedSince(modSeq)
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
    if (event.type === 'folder-changed' && !this.#includes(folder)) this.#loseFolder(folder)
    if (!this.#includes(folder)) return
    if (event.type === 'appended' || event.type === 'flags') {
      const copies = event.entries.map((entry) => ({ place: this.#copies.add(folder, entry), entry }))
      this.#note({ copies, gone: [], origin: event.origin })
    } else if (event.type === 'expunged') {
      this.#lose(
        event.uids.map((uid) => placeKey({ folderId: folder.id, uid })),
        event.origin,
      )
    } else if (event.type === 'folder-deleted') this.#loseFolder(folder)
  }

  #loseFolder({ id }: Folder): void {
    this.#lose(this.#copies.keysIn(id))
  }

  #lose(keys: readonly string[], origin?: Origin): void {
    this.#note({ copies: [], gone: this.#copies.remove(keys), origin })
  }

  #note(found: Found): void {
    if (found.copies.length + found.gone.length === 0) return
    this.#found.push(found)
    // The next event or call tries again, and gets the error.
    this.#record().catch(() => {})
  }

  /** Brings everything that was found into the view, one change after the other. @throws StoreError */
  async #record(): Promise<void> {
    while (this.#isLoaded && (this.#found.length > 0 || this.#recording)) {
      this.#recording ??= this.#recordNext().finally(() => {
        this.#recording = undefined
      })
      await this.#recording
    }
  }

  async #recordNext(): Promise<void> {
    const [found] = this.#found
    if (!found) return
    // A copy may have been made before the last one was expunged: on another node, in another order of folders.
    if (found.gone.length > 0) await this.#readMailboxes()
    const gone = found.gone.filter((blob) => !this.#copies.has(blob))
    const copies = found.copies.filter(({ entry }) => this.#copies.has(entry.blob))
    const { numbers, change } = await this.#numbering.record({ copies, gone }, this.#numbers)
    const last = change ? change.modSeq - 1 : numbers.modSeq
    const entries = new Map(copies.map(({ entry }) => [entry.blob, entry]))
    if (last > this.#numbers.modSeq) await this.#catchUp(last)
    if (change) await this.#apply(change, entries, found.origin)
    // A store that was cleared has lost their numbers too.
    const forgotten = gone.flatMap((blob) => this.#uids.get(blob) ?? [])
    this.#expunge(forgotten, this.#numbers.modSeq, found.origin)
    this.#found.shift()
  }

  /** Applies the changes that other nodes have recorded. */
  async #catchUp(last: number): Promise<void> {
    const missed = await this.#numbering.changesBetween(this.#numbers.modSeq, last)
    if (!missed) return this.#readAll(new Map())
    for (const change of missed) await this.#apply(change, new Map())
  }

  async #apply(
    { modSeq, gone, added, flags }: ViewChange,
    entries: ReadonlyMap<string, MessageEntry>,
    origin?: Origin,
  ): Promise<void> {
    if (modSeq <= this.#numbers.modSeq) return
    const shown: MessageEntry[] = []
    for (const { uid, flags: its, blob, place } of added) {
      const entry = entries.get(blob) ?? (await this.#findCopy(blob, placeKey(place)))
      // Without an entry, the message is gone already.
      if (entry) shown.push({ ...entry, uid, flags: its, modSeq })
    }
    const uidNext = Math.max(this.#numbers.uidNext, ...added.map(({ uid }) => uid + 1))
    this.#numbers = { ...this.#numbers, uidNext, modSeq }
    this.#expunge(gone, modSeq, origin)
    this.#add(shown, origin)
    this.#setFlags(
      flags.map((one) => ({ ...one, modSeq })),
      origin,
    )
  }

  /** Makes the view what the store has. @param entries copies that are known */
  async #readAll(entries: ReadonlyMap<string, MessageEntry>): Promise<void> {
    const { numbers = this.#numbers, messages, changes } = await this.#numbering.readAll()
    const added: MessageEntry[] = []
    const changed: { uid: number; flags: readonly string[]; modSeq: number }[] = []
    for (const [blob, { uid, flags, modSeq, copies }] of messages) {
      if (this.#uids.has(blob)) changed.push({ uid, flags, modSeq })
      else {
        const entry = entries.get(blob) ?? (await this.#findCopy(blob, ...Object.keys(copies)))
        if (entry) added.push({ ...entry, uid, flags, modSeq })
      }
    }
    const left = new Set(Array.from(messages.values(), ({ uid }) => uid))
    this.#numbers = numbers
    this.#expunge(
      [...this.#byUid.keys()].filter((uid) => !left.has(uid)),
      numbers.modSeq,
    )
    this.#vanished.length = 0
    for (const { gone, modSeq } of changes) for (const uid of gone) this.#vanished.push({ uid, modSeq })
    this.#add(added.sort((a, b) => a.uid - b.uid))
    this.#setFlags(changed)
  }

  /** Returns the entry of a copy that exists. */
  async #findCopy(blob: string, ...keys: readonly string[]): Promise<MessageEntry | undefined> {
    const tried = new Set<string>()
    for (let isSecond = false; ; isSecond = true) {
      for (const key of [...keys, ...this.#copies.keysOf(blob)]) {
        if (tried.has(key)) continue
        tried.add(key)
        const { folderId, uid } = placeOf(key)
        const entry = this.#store.folderOf(folderId) && (await this.#store.entry(folderId, uid))
        if (entry?.blob === blob) return entry
      }
      if (isSecond) return undefined
      await this.#readMailboxes()
    }
  }

  /** Reads the changes of other nodes until the copies are of one moment: two readings find the same. */
  async #readMailboxes(): Promise<void> {
    let before: string | undefined
    for (let tries = 0; tries < MAX_READS; tries++) {
      const modSeqs: string[] = []
      for (const folder of await this.#store.listFolders(this.#owner)) {
        if (!this.#includes(folder)) continue
        const status = await this.#store.status(folder.id).catch(unlessDeleted)
        modSeqs.push(`${folder.id} ${status?.highestModSeq}`)
      }
      const now = modSeqs.join()
      if (now === before) return
      before = now
    }
  }

  #expunge(uids: readonly number[], modSeq: number, origin?: Origin): void {
    const gone = uids.filter((uid) => this.#byUid.has(uid))
    for (const uid of uids) this.#vanished.push({ uid, modSeq })
    if (gone.length === 0) return
    for (const uid of gone) {
      this.#uids.delete(this.#byUid.get(uid) ?? '')
      this.#byUid.delete(uid)
    }
    this.#index.remove(gone, modSeq)
    this.#emit({ type: 'expunged', folder: this.folder, uids: gone, modSeq, ...originOf(origin) })
  }

  #add(entries: readonly MessageEntry[], origin?: Origin): void {
    if (entries.length === 0) return
    for (const { blob, uid } of entries) {
      this.#uids.set(blob, uid)
      this.#byUid.set(uid, blob)
    }
    const added = entries.map((entry) => ({ ...entry, flags: this.#flags.canonical(entry.flags) }))
    const isLast = added.every(({ uid }) => uid >= this.#index.uidNext)
    const all = isLast ? added : [...this.#index.list(), ...added]
    if (!isLast) this.#index = new FolderIndex()
    this.#index.append(all.sort((a, b) => a.uid - b.uid))
    this.#emit({ type: 'appended', folder: this.folder, entries, ...originOf(origin) })
  }

  #setFlags(
    all: readonly { readonly uid: number; readonly flags: readonly string[]; readonly modSeq: number }[],
    origin?: Origin,
  ): void {
    const changed: MessageEntry[] = []
    for (const { uid, flags, modSeq } of all) {
      const old = this.#index.find(uid)
      if (!old || (sameFlags(old.flags, flags) && old.modSeq === modSeq)) continue
      changed.push({ ...old, flags: this.#flags.canonical(flags), modSeq })
    }
    this.#index.replace(changed)
    if (changed.length > 0) this.#emit({ type: 'flags', folder: this.folder, entries: changed, ...originOf(origin) })
  }

  #emit(event: StoreEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** How often the mailboxes are read while others keep changing them. */
const MAX_READS = 20

function unlessDeleted(error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'not-found') throw error
}

const originOf = (origin: Origin | undefined): { readonly origin?: Origin } => (origin === undefined ? {} : { origin })

/** The views of each store. */
const known = new WeakMap<MessageStore, Map<Owner, AllMail>>()
