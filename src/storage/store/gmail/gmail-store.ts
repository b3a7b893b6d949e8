import { storesInFront } from '../store-in-front.ts'
import { type MessageStore, type Owner, StoreError, type StoreEvent } from '../types.ts'
import type { ValueSpace } from '../value-types.ts'
import { GmailView } from './gmail-view.ts'
import { ALL_MAIL_NAME, shownName } from './names.ts'

/** What stays the same. */
const Same = storesInFront([
  'room',
  'listOwners',
  'totals',
  'lockFolder',
  'lockedFolders',
  'oldest',
  'expungeUnlocked',
  'locate',
  'knows',
  'remember',
  'getState',
  'hasState',
  'setState',
  'clear',
])

const notDeletable = (): StoreError => new StoreError('read-only', 'The mailbox of all messages cannot be changed.')

/**
 * Returns the store as Gmail shows it to an account: its mailboxes have Gmail's names, and there is a view of all its
 * messages. What is stored stays the same.
 * @param store the store as the account sees it otherwise
 * @param shared the store that all sessions share
 */
export function gmailStore(store: MessageStore, shared: MessageStore, owner: Owner): MessageStore {
  const view = new GmailView(store, shared, owner)
  const isAll = (folderId: string | undefined): boolean => view.isAll(folderId)
  /** The view has no annotations and no rights of others. What is recent in it belongs to the account. */
  const storedSpace = ({ folderId, ...space }: ValueSpace): ValueSpace | undefined => {
    if (!isAll(folderId)) return { folderId, ...space }
    return space.kind === 'recent' ? { ...space, reader: owner } : undefined
  }
  const showEvent = (event: StoreEvent): StoreEvent => {
    const folder = view.show(event.folder)
    if (event.type !== 'folder-changed') return { ...event, folder }
    return {
      ...event,
      folder,
      previousName: folder.owner === owner ? shownName(event.previousName) : event.previousName,
    }
  }
  const changed: Omit<MessageStore, keyof InstanceType<typeof Same>> = {
    createFolder: async (of, name, settings) =>
      view.show(await store.createFolder(of, view.newName(of, name), settings)),
    async deleteFolder(folderId, options) {
      if (isAll(folderId)) throw notDeletable()
      await store.deleteFolder(folderId, options)
    },
    async renameFolder(folderId, name) {
      if (isAll(folderId)) throw notDeletable()
      return view.show(await store.renameFolder(folderId, view.newName(owner, name)))
    },
    async updateFolder(folderId, settings) {
      if (isAll(folderId)) throw notDeletable()
      return view.show(await store.updateFolder(folderId, settings))
    },
    async findFolder(of, name) {
      if (of === owner && name === ALL_MAIL_NAME) return view.opened()
      const stored = view.stored(of, name)
      const folder = stored === undefined ? undefined : await store.findFolder(of, stored)
      return folder && view.show(folder)
    },
    folderNamed(of, name) {
      const stored = of === owner && name === ALL_MAIL_NAME ? undefined : view.stored(of, name)
      const folder = stored === undefined ? undefined : store.folderNamed(of, stored)
      return folder && view.show(folder)
    },
    folderOf(folderId) {
      if (isAll(folderId)) return view.folder
      const folder = store.folderOf(folderId)
      return folder && view.show(folder)
    },
    async listFolders(of) {
      const folders = await store.listFolders(of)
      if (of !== owner) return folders
      return [...folders.map((folder) => view.show(folder)), await view.opened()].sort((a, b) =>
        a.name < b.name ? -1 : 1,
      )
    },
    status: async (folderId) => (isAll(folderId) ? (await view.current()).snapshot() : store.status(folderId)),
    snapshot: async (folderId) => (isAll(folderId) ? (await view.current()).snapshot() : store.snapshot(folderId)),
    async subscriptions(of) {
      const names = await store.subscriptions(of)
      return of === owner ? [...names.map(shownName), ALL_MAIL_NAME] : names
    },
    async setSubscribed(of, name, subscribed) {
      const stored = view.stored(of, name)
      if (stored !== undefined && (of !== owner || name !== ALL_MAIL_NAME)) {
        await store.setSubscribed(of, stored, subscribed)
      }
    },
    append: (batch, origin) => view.append(batch, origin),
    list: async (folderId, range) =>
      isAll(folderId) ? (await view.loaded()).list(range) : store.list(folderId, range),
    entry: async (folderId, uid) => (isAll(folderId) ? (await view.loaded()).entry(uid) : store.entry(folderId, uid)),
    async read(folderId, uid, start, end) {
      const place = await view.place(folderId, uid)
      return place && store.read(place.folderId, place.uid, start, end)
    },
    async *stream(folderId, uid, start, end) {
      const place = await view.place(folderId, uid)
      if (!place) throw new StoreError('not-found', 'The message does not exist.')
      yield* store.stream(place.folderId, place.uid, start, end)
    },
    async overview(folderId, uid) {
      const place = await view.place(folderId, uid)
      return place && store.overview(place.folderId, place.uid)
    },
    readAhead(expected, part) {
      const source = store.readAhead(view.places(expected), part)
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
    },
    setFlags: (folderId, uids, change, origin) =>
      isAll(folderId) ? view.setFlags(uids, change, origin) : store.setFlags(folderId, uids, change, origin),
    copy: (from, uids, to, origin) =>
      isAll(from) || isAll(to) ? view.copy(from, uids, to, origin) : store.copy(from, uids, to, origin),
    move: (from, uids, to, origin) =>
      isAll(from) || isAll(to) ? view.move(from, uids, to, origin) : store.move(from, uids, to, origin),
    expunge: (folderId, uids, origin) =>
      isAll(folderId) ? view.expunge(uids, origin) : store.expunge(folderId, uids, origin),
    async refresh(folderId) {
      if (isAll(folderId)) await view.current()
      else await store.refresh(folderId)
    },
    changedSince: async (folderId, modSeq) =>
      isAll(folderId) ? (await view.loaded()).changedSince(modSeq) : store.changedSince(folderId, modSeq),
    vanishedSince: async (folderId, modSeq) =>
      isAll(folderId) ? (await view.loaded()).vanishedSince(modSeq) : store.vanishedSince(folderId, modSeq),
    async values(space) {
      const stored = storedSpace(space)
      return stored ? store.values(stored) : new Map()
    },
    async changeValues(space, change, origin) {
      const stored = storedSpace(space)
      if (stored) await store.changeValues(stored, change, origin)
    },
    watch(listener, folders) {
      const isOne = typeof folders === 'string'
      if (isOne && isAll(folders)) return view.watchAll(listener)
      const unwatch = store.watch((event) => listener(showEvent(event)), folders)
      const unwatchAll = isOne ? () => {} : view.watchAll(listener)
      return () => {
        unwatch()
        unwatchAll()
      }
    },
    async [Symbol.asyncDispose]() {},
  }
  return Object.assign(new Same(store), changed)
}
