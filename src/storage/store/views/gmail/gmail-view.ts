import { StoreError } from '../../errors.ts'
import type { Folder, Owner } from '../../folder.ts'
import { openFolder } from '../../mailboxes.ts'
import type { StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type {
  CopyResult,
  ExpectedMessage,
  FlagChange,
  FlagChangeResult,
  HoldLimit,
  MessageStore,
  NewMessage,
} from '../../types.ts'
import { AllMail } from './all-mail.ts'
import { ALL_MAIL_NAME, ARCHIVE_NAME, isSpamOrTrash, nameForClients, nameInStore } from './names.ts'
import type { Place } from './numbering.ts'

/** One account's mailboxes as Gmail shows them, and what its clients do in the view of all messages. */
export class GmailView {
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #all: AllMail

  /**
   * @param store the store as the account sees it otherwise
   * @param shared the store that all sessions share, to which the view of all messages belongs
   */
  constructor(store: MessageStore, shared: MessageStore, owner: Owner) {
    this.#store = store
    this.#owner = owner
    this.#all = AllMail.of(shared, owner)
  }

  /** The mailbox of all messages. Its UIDVALIDITY is known after `opened`. */
  get folder(): Folder {
    return this.#all.folder
  }

  /** Returns the mailbox of all messages, without its messages. @throws StoreError */
  async opened(): Promise<Folder> {
    await this.#all.open()
    return this.#all.folder
  }

  isAll(folderId: string | undefined): boolean {
    return folderId === this.#all.id
  }

  /** Returns the view of all messages, with everything that this node knows. @throws StoreError */
  async loaded(): Promise<AllMail> {
    await this.#all.load()
    return this.#all
  }

  /** Returns the view of all messages, with everything that any node has stored. @throws StoreError */
  async current(): Promise<AllMail> {
    await this.#all.refresh()
    return this.#all
  }

  /** Resolves when the mailbox of all messages, if it was opened, has everything that was emitted. @throws StoreError */
  recorded(): Promise<void> {
    return this.#all.recorded()
  }

  watchAll(listener: Parameters<AllMail['watch']>[0]): () => void {
    return this.#all.watch(listener)
  }

  /** Returns a folder with the name that clients see. */
  show(folder: Folder): Folder {
    if (folder.owner !== this.#owner) return folder
    const { specialUse, ...shown } = { ...folder, name: nameForClients(folder.name) }
    return specialUse === undefined || specialUse === '\\Archive' ? shown : { ...shown, specialUse }
  }

  /** Returns the name in the store; undefined if it has none. */
  stored(owner: Owner, name: string): string | undefined {
    return owner === this.#owner ? nameInStore(name) : name
  }

  /** Returns the name in the store of a mailbox that a client creates or renames. @throws StoreError `exists` */
  newName(owner: Owner, name: string): string {
    const stored = this.stored(owner, name)
    if (stored !== undefined && (owner !== this.#owner || name !== ALL_MAIL_NAME)) return stored
    throw new StoreError('exists', 'The name is one of Gmail’s own.')
  }

  /** Returns where the octets of a message are. */
  async place(folderId: string, uid: number): Promise<Place | undefined> {
    return this.isAll(folderId) ? (await this.loaded()).placesOf(uid)[0] : { folderId, uid }
  }

  /** Yields where the octets of messages are that are about to be read. */
  *places(expected: Iterable<ExpectedMessage>): Generator<ExpectedMessage, void, void> {
    for (const message of expected) {
      const place = this.isAll(message.folder.id) ? this.#all.placesOf(message.entry.uid)[0] : undefined
      if (place) yield { folder: { id: place.folderId }, entry: { ...message.entry, uid: place.uid } }
      else yield message
    }
  }

  /** Stores messages. Those for the view go to the archive, which is no label. */
  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    const isForView = batch.some(({ targets }) => targets.some(({ folderId }) => this.isAll(folderId)))
    if (!isForView) return (await this.#store.append(batch, origin)).map((stored) => this.#shown(stored))
    const archive = await this.#archive()
    const targeted = batch.map((message) => ({
      ...message,
      targets: message.targets.map((target) =>
        this.isAll(target.folderId) ? { ...target, folderId: archive.id } : target,
      ),
    }))
    const appended = await this.#store.append(targeted, origin)
    const all = await this.loaded()
    return appended.map((stored) => {
      const entry = stored.folder.id === archive.id ? all.entry(all.uidOf(stored.entry.blob) ?? 0) : undefined
      return entry ? { folder: this.folder, entry } : this.#shown(stored)
    })
  }

  /** Changes the flags of every copy of messages in the view. */
  async setFlags(
    uids: readonly number[],
    { unchangedSince, ...change }: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    const all = await this.loaded()
    const isNewer = (uid: number): boolean =>
      unchangedSince !== undefined && (all.entry(uid)?.modSeq ?? 0) > unchangedSince
    const modified = new Set(uids.filter(isNewer))
    const others = uids.filter((uid) => !modified.has(uid))
    for (const [id, copies] of copiesOf(all, others)) await this.#store.setFlags(id, copies, change, origin)
    await this.loaded()
    return { entries: others.flatMap((uid) => all.entry(uid) ?? []), modified: [...modified] }
  }

  /** Copies messages out of the view, or into it. Copies one after the other. */
  async copy(
    folderId: string,
    uids: readonly number[],
    target: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const from: number[] = []
    const to: number[] = []
    for (const uid of uids) {
      const copied = await this.#copyOne(folderId, uid, target, origin, limit)
      if (copied === undefined) continue
      from.push(uid)
      to.push(copied)
    }
    return { from, to }
  }

  /**
   * Moves messages out of the view, or into it. Out of it they get the label of the target, and lose all others in spam and
   * trash. Into it they lose the label of the source.
   */
  async move(
    folderId: string,
    uids: readonly number[],
    target: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const result = await this.copy(folderId, uids, target, origin, limit)
    if (this.isAll(target)) {
      if (!this.isAll(folderId)) await this.#store.expunge(folderId, result.from, origin)
    } else if (isSpamOrTrash(this.#store.folderOf(target)?.name ?? '')) {
      await this.expunge(result.from, origin)
    }
    return result
  }

  /** Deletes every copy of messages in the view. */
  async expunge(uids: readonly number[], origin?: Origin): Promise<number[]> {
    const all = await this.loaded()
    const gone = uids.filter((uid) => all.entry(uid) !== undefined)
    for (const [id, copies] of copiesOf(all, gone)) await this.#store.expunge(id, copies, origin)
    await this.loaded()
    return gone
  }

  async #copyOne(
    folderId: string,
    uid: number,
    target: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<number | undefined> {
    if (!this.isAll(target)) {
      const source = await this.place(folderId, uid)
      return source && (await this.#store.copy(source.folderId, [source.uid], target, origin, limit)).to[0]
    }
    if (this.isAll(folderId)) return uid
    const all = await this.loaded()
    const entry = await this.#store.entry(folderId, uid)
    if (!entry) return undefined
    // A message that has another label is in the view already.
    const isElsewhere = all.placesOf(all.uidOf(entry.blob) ?? 0).some((one) => one.folderId !== folderId)
    if (!isElsewhere) await this.#store.copy(folderId, [uid], (await this.#archive()).id, origin, limit)
    return (await this.loaded()).uidOf(entry.blob)
  }

  #archive(): Folder | Promise<Folder> {
    return openFolder(this.#store, this.#owner, ARCHIVE_NAME)
  }

  #shown({ folder, entry }: StoredMessage): StoredMessage {
    return { folder: this.show(folder), entry }
  }
}

/** Returns the uids of all copies of messages, by their folders. */
function copiesOf(all: AllMail, uids: readonly number[]): ReadonlyMap<string, readonly number[]> {
  const copies = new Map<string, number[]>()
  for (const { folderId, uid } of uids.flatMap((one) => all.placesOf(one))) {
    const known = copies.get(folderId)
    if (known) known.push(uid)
    else copies.set(folderId, [uid])
  }
  return copies
}
