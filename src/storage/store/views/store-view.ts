import type { MessageStore } from '../types.ts'

type Arguments<
  Name extends Exclude<keyof MessageStore, symbol | 'isShared' | 'select' | 'scan' | 'setback' | 'bodiesFailure'>,
> = Parameters<MessageStore[Name]>

/** A view of a store that passes these calls on as they are. Subclasses override or add what the view changes. */
export abstract class StoreView {
  readonly #store: MessageStore

  constructor(store: MessageStore) {
    this.#store = store
  }

  room() {
    return this.#store.room()
  }

  createFolder(...args: Arguments<'createFolder'>) {
    return this.#store.createFolder(...args)
  }

  deleteFolder(...args: Arguments<'deleteFolder'>) {
    return this.#store.deleteFolder(...args)
  }

  renameFolder(...args: Arguments<'renameFolder'>) {
    return this.#store.renameFolder(...args)
  }

  updateFolder(...args: Arguments<'updateFolder'>) {
    return this.#store.updateFolder(...args)
  }

  findFolder(...args: Arguments<'findFolder'>) {
    return this.#store.findFolder(...args)
  }

  folderNamed(...args: Arguments<'folderNamed'>) {
    return this.#store.folderNamed(...args)
  }

  folderOf(...args: Arguments<'folderOf'>) {
    return this.#store.folderOf(...args)
  }

  listFolders(...args: Arguments<'listFolders'>) {
    return this.#store.listFolders(...args)
  }

  listOwners() {
    return this.#store.listOwners()
  }

  totals(...args: Arguments<'totals'>) {
    return this.#store.totals(...args)
  }

  subscriptions(...args: Arguments<'subscriptions'>) {
    return this.#store.subscriptions(...args)
  }

  setSubscribed(...args: Arguments<'setSubscribed'>) {
    return this.#store.setSubscribed(...args)
  }

  read(...args: Arguments<'read'>) {
    return this.#store.read(...args)
  }

  stream(...args: Arguments<'stream'>) {
    return this.#store.stream(...args)
  }

  overview(...args: Arguments<'overview'>) {
    return this.#store.overview(...args)
  }

  readAhead(...args: Arguments<'readAhead'>) {
    return this.#store.readAhead(...args)
  }

  expunge(...args: Arguments<'expunge'>) {
    return this.#store.expunge(...args)
  }

  vanishedSince(...args: Arguments<'vanishedSince'>) {
    return this.#store.vanishedSince(...args)
  }

  lockFolder(...args: Arguments<'lockFolder'>) {
    return this.#store.lockFolder(...args)
  }

  lockedFolders() {
    return this.#store.lockedFolders()
  }

  oldest(...args: Arguments<'oldest'>) {
    return this.#store.oldest(...args)
  }

  expungeUnlocked(...args: Arguments<'expungeUnlocked'>) {
    return this.#store.expungeUnlocked(...args)
  }

  locate(...args: Arguments<'locate'>) {
    return this.#store.locate(...args)
  }

  knows(...args: Arguments<'knows'>) {
    return this.#store.knows(...args)
  }

  remember(...args: Arguments<'remember'>) {
    return this.#store.remember(...args)
  }

  values(...args: Arguments<'values'>) {
    return this.#store.values(...args)
  }

  changeValues(...args: Arguments<'changeValues'>) {
    return this.#store.changeValues(...args)
  }

  getState(...args: Arguments<'getState'>) {
    return this.#store.getState(...args)
  }

  hasState(...args: Arguments<'hasState'>) {
    return this.#store.hasState(...args)
  }

  setState(...args: Arguments<'setState'>) {
    return this.#store.setState(...args)
  }

  clear() {
    return this.#store.clear()
  }
}
