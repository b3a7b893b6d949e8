import { StoreError } from '../../errors.ts'
import type { Folder, Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { FolderSnapshot, MessageStore, UidRange } from '../../types.ts'
import { Copies } from './copies.ts'
import { ALL_MAIL_NAME, ALL_MAIL_USE, isSpamOrTrash } from './names.ts'
import {
  type Findings,
  firstNumbers,
  Numbering,
  type Numbers,
  type Place,
  parsePlace,
  placeKey,
  type ViewChange,
} from './numbering.ts'
import { type NewFlags, ShownMessages } from './shown-messages.ts'

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
  /** As this node knows them. */
  readonly #copies = new Copies()
  readonly #shown = new ShownMessages(() => this.folder)
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
    this.#note({ copies: [], gone: [] })
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
    return this.#shown.snapshot(this.#numbers)
  }

  list(range?: UidRange): readonly MessageEntry[] {
    return this.#shown.list(range)
  }

  entry(uid: number): MessageEntry | undefined {
    return this.#shown.entry(uid)
  }

  /** Returns the copies of a message; none if the view does not have it. */
  placesOf(uid: number): readonly Place[] {
    const entry = this.#shown.entry(uid)
    return entry ? this.#copies.keysOf(entry.blob).map(parsePlace) : []
  }

  /** Returns the uid of the message with these octets. */
  uidOf(blob: string): number | undefined {
    return this.#shown.uidOf(blob)
  }

  changedSince(modSeq: number): MessageEntry[] {
    return this.#shown.changedSince(modSeq)
  }

  vanishedSince(modSeq: number): number[] {
    return this.#shown.vanishedSince(modSeq)
  }

  watch(listener: Listener): () => void {
    return this.#shown.watch(listener)
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

  /** Recording nothing also shows what other nodes have recorded, perhaps of a copy that came and went unseen by this one. */
  #note(found: Found): void {
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
    const forgotten = gone.flatMap((blob) => this.#shown.uidOf(blob) ?? [])
    this.#shown.expunge(forgotten, this.#numbers.modSeq, found.origin)
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
    this.#shown.expunge(gone, modSeq, origin)
    this.#shown.add(shown, origin)
    this.#shown.setFlags(
      flags.map((one) => ({ ...one, modSeq })),
      origin,
    )
  }

  /** Makes the view what the store has. @param entries copies that are known */
  async #readAll(entries: ReadonlyMap<string, MessageEntry>): Promise<void> {
    const { numbers = this.#numbers, messages, changes } = await this.#numbering.readAll()
    const added: MessageEntry[] = []
    const changed: NewFlags[] = []
    for (const [blob, { uid, flags, modSeq, copies }] of messages) {
      if (this.#shown.uidOf(blob) !== undefined) changed.push({ uid, flags, modSeq })
      else {
        const entry = entries.get(blob) ?? (await this.#findCopy(blob, ...Object.keys(copies)))
        if (entry) added.push({ ...entry, uid, flags, modSeq })
      }
    }
    const left = new Set(Array.from(messages.values(), ({ uid }) => uid))
    this.#numbers = numbers
    this.#shown.expunge(
      this.#shown.list().flatMap(({ uid }) => (left.has(uid) ? [] : uid)),
      numbers.modSeq,
    )
    this.#shown.setVanished(changes.flatMap(({ gone, modSeq }) => gone.map((uid) => ({ uid, modSeq }))))
    this.#shown.add(added.sort((a, b) => a.uid - b.uid))
    this.#shown.setFlags(changed)
  }

  /** Returns the entry of a copy that exists. */
  async #findCopy(blob: string, ...keys: readonly string[]): Promise<MessageEntry | undefined> {
    const tried = new Set<string>()
    for (let isSecond = false; ; isSecond = true) {
      for (const key of [...keys, ...this.#copies.keysOf(blob)]) {
        if (tried.has(key)) continue
        tried.add(key)
        const { folderId, uid } = parsePlace(key)
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
        const status = await this.#store.status(folder.id).catch(rethrowUnlessDeleted)
        modSeqs.push(`${folder.id} ${status?.highestModSeq}`)
      }
      const now = modSeqs.join()
      if (now === before) return
      before = now
    }
  }
}

/** How often the mailboxes are read while others keep changing them. */
const MAX_READS = 20

function rethrowUnlessDeleted(error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'not-found') throw error
}

/** The views of each store. */
const known = new WeakMap<MessageStore, Map<Owner, AllMail>>()
