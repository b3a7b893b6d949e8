import type { Overview } from '../../../../mail/format/overview.ts'
import { StoreError } from '../../errors.ts'
import type { Folder, FolderSettings, Owner } from '../../folder.ts'
import type { MessageEntry, StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { StoreEvent, WatchedFolders } from '../../store-events.ts'
import type {
  CopyResult,
  ExpectedMessage,
  FlagChange,
  FlagChangeResult,
  FolderSnapshot,
  FolderStatus,
  HoldLimit,
  MessageSource,
  MessageStore,
  NewMessage,
  ReadPart,
  UidRange,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { StoreView } from '../store-view.ts'
import { GmailView } from './gmail-view.ts'
import { ALL_MAIL_NAME, nameForClients } from './names.ts'

const notDeletable = (): StoreError => new StoreError('read-only', 'The mailbox of all messages cannot be changed.')

/**
 * The store as Gmail shows it to an account: its mailboxes have Gmail's names, and there is a view of all its messages. What
 * is stored stays the same.
 */
export class GmailStore extends StoreView implements MessageStore {
  readonly #store: MessageStore
  readonly #owner: Owner
  readonly #view: GmailView

  /**
   * @param store the store as the account sees it otherwise
   * @param shared the store that all sessions share
   */
  constructor(store: MessageStore, shared: MessageStore, owner: Owner) {
    super(store)
    this.#store = store
    this.#owner = owner
    this.#view = new GmailView(store, shared, owner)
  }

  override async createFolder(of: Owner, name: string, settings?: FolderSettings): Promise<Folder> {
    return this.#view.show(await this.#store.createFolder(of, this.#view.newName(of, name), settings))
  }

  override async deleteFolder(folderId: string, options?: { readonly onlyIfEmpty?: boolean }): Promise<void> {
    if (this.#isAll(folderId)) throw notDeletable()
    await this.#store.deleteFolder(folderId, options)
  }

  override async renameFolder(folderId: string, name: string): Promise<Folder> {
    if (this.#isAll(folderId)) throw notDeletable()
    return this.#view.show(await this.#store.renameFolder(folderId, this.#view.newName(this.#owner, name)))
  }

  override async updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    if (this.#isAll(folderId)) throw notDeletable()
    return this.#view.show(await this.#store.updateFolder(folderId, settings))
  }

  override async findFolder(of: Owner, name: string): Promise<Folder | undefined> {
    if (of === this.#owner && name === ALL_MAIL_NAME) return this.#view.opened()
    const stored = this.#view.stored(of, name)
    const folder = stored === undefined ? undefined : await this.#store.findFolder(of, stored)
    return folder && this.#view.show(folder)
  }

  override folderNamed(of: Owner, name: string): Folder | undefined {
    const stored = of === this.#owner && name === ALL_MAIL_NAME ? undefined : this.#view.stored(of, name)
    const folder = stored === undefined ? undefined : this.#store.folderNamed(of, stored)
    return folder && this.#view.show(folder)
  }

  override folderOf(folderId: string): Folder | undefined {
    if (this.#isAll(folderId)) return this.#view.folder
    const folder = this.#store.folderOf(folderId)
    return folder && this.#view.show(folder)
  }

  override async listFolders(of: Owner): Promise<readonly Folder[]> {
    const folders = await this.#store.listFolders(of)
    if (of !== this.#owner) return folders
    return [...folders.map((folder) => this.#view.show(folder)), await this.#view.opened()].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )
  }

  async status(folderId: string): Promise<FolderStatus> {
    return this.#isAll(folderId) ? (await this.#view.current()).snapshot() : this.#store.status(folderId)
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#isAll(folderId) ? (await this.#view.current()).snapshot() : this.#store.snapshot(folderId)
  }

  override async subscriptions(of: Owner): Promise<readonly string[]> {
    const names = await this.#store.subscriptions(of)
    return of === this.#owner ? [...names.map(nameForClients), ALL_MAIL_NAME] : names
  }

  override async setSubscribed(of: Owner, name: string, subscribed: boolean): Promise<void> {
    const stored = this.#view.stored(of, name)
    if (stored !== undefined && (of !== this.#owner || name !== ALL_MAIL_NAME)) {
      await this.#store.setSubscribed(of, stored, subscribed)
    }
  }

  append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    return this.#view.append(batch, origin)
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return this.#isAll(folderId) ? (await this.#view.loaded()).list(range) : this.#store.list(folderId, range)
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    return this.#isAll(folderId) ? (await this.#view.loaded()).entry(uid) : this.#store.entry(folderId, uid)
  }

  override async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const place = await this.#view.place(folderId, uid)
    return place && this.#store.read(place.folderId, place.uid, start, end)
  }

  override async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncIterable<Buffer> {
    const place = await this.#view.place(folderId, uid)
    if (!place) throw new StoreError('not-found', 'The message does not exist.')
    yield* this.#store.stream(place.folderId, place.uid, start, end)
  }

  override async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const place = await this.#view.place(folderId, uid)
    return place && this.#store.overview(place.folderId, place.uid)
  }

  override readAhead(expected: Iterable<ExpectedMessage>, part?: ReadPart): MessageSource {
    const view = this.#view
    const source = this.#store.readAhead(view.places(expected), part)
    return {
      async read(folderId, uid, start, end) {
        const place = await view.place(folderId, uid)
        return place && source.read(place.folderId, place.uid, start, end)
      },
      async overview(folderId, uid) {
        const place = await view.place(folderId, uid)
        return place && source.overview(place.folderId, place.uid)
      },
      [Symbol.dispose]: () => source[Symbol.dispose](),
    }
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    if (this.#isAll(folderId)) return this.#view.setFlags(uids, change, origin)
    return this.#store.setFlags(folderId, uids, change, origin)
  }

  async copy(
    from: string,
    uids: readonly number[],
    to: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const place = this.#isAll(from) || this.#isAll(to) ? this.#view : this.#store
    return place.copy(from, uids, to, origin, limit)
  }

  async move(
    from: string,
    uids: readonly number[],
    to: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const place = this.#isAll(from) || this.#isAll(to) ? this.#view : this.#store
    return place.move(from, uids, to, origin, limit)
  }

  override async expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#isAll(folderId) ? this.#view.expunge(uids, origin) : this.#store.expunge(folderId, uids, origin)
  }

  async refresh(): Promise<void> {
    await this.#store.refresh()
    await this.#view.recorded()
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    if (this.#isAll(folderId)) return (await this.#view.loaded()).changedSince(modSeq)
    return this.#store.changedSince(folderId, modSeq)
  }

  override async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    if (this.#isAll(folderId)) return (await this.#view.loaded()).vanishedSince(modSeq)
    return this.#store.vanishedSince(folderId, modSeq)
  }

  override async values(space: ValueSpace): Promise<Values> {
    const stored = this.#storedSpace(space)
    return stored ? this.#store.values(stored) : new Map()
  }

  override async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    const stored = this.#storedSpace(space)
    if (stored) await this.#store.changeValues(stored, change, origin)
  }

  watch(listener: (event: StoreEvent) => void, folders?: WatchedFolders): () => void {
    const isOne = typeof folders === 'string'
    if (isOne && this.#isAll(folders)) return this.#view.watchAll(listener)
    const unwatch = this.#store.watch((event) => listener(this.#shown(event)), folders)
    const unwatchAll = isOne ? () => {} : this.#view.watchAll(listener)
    return () => {
      unwatch()
      unwatchAll()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #isAll(folderId: string | undefined): boolean {
    return this.#view.isAll(folderId)
  }

  /** The view has no annotations and no rights of others. What is recent in it belongs to the account. */
  #storedSpace({ folderId, ...space }: ValueSpace): ValueSpace | undefined {
    if (!this.#isAll(folderId)) return { folderId, ...space }
    return space.kind === 'recent' ? { ...space, reader: this.#owner } : undefined
  }

  #shown(event: StoreEvent): StoreEvent {
    const folder = this.#view.show(event.folder)
    if (event.type !== 'folder-changed') return { ...event, folder }
    const previousName = folder.owner === this.#owner ? nameForClients(event.previousName) : event.previousName
    return { ...event, folder, previousName }
  }
}
