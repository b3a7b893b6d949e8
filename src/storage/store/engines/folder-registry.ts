import { StoreError } from '../errors.ts'
import { type Folder, type FolderSettings, OUTGOING_OWNER, type Owner } from '../folder.ts'
import { folderName } from '../mailboxes.ts'

/** A folder and the data that a store keeps with it. */
export interface FolderState {
  folder: Folder
}

interface Renaming {
  readonly folder: Folder
  readonly previousName: string
}

/** The folders of a store, by id and by owner and name. */
export class FolderRegistry<State extends FolderState> {
  readonly #byId = new Map<string, State>()
  readonly #byOwner = new Map<Owner, Map<string, State>>()
  /** Each owner's folders as they were last listed. */
  readonly #listed = new Map<Owner, Listed>()

  get all(): Iterable<State> {
    return this.#byId.values()
  }

  /** All owners that have a folder, sorted, except the queue of outgoing mail. */
  get owners(): readonly Owner[] {
    return [...this.#byOwner.keys()].filter((owner) => owner !== OUTGOING_OWNER).sort()
  }

  find(owner: Owner, name: string): State | undefined {
    return this.#byOwner.get(owner)?.get(folderName(owner, name))
  }

  get(folderId: string): State | undefined {
    return this.#byId.get(folderId)
  }

  /** Returns the state of a folder. @throws StoreError `not-found` */
  need(folderId: string): State {
    const state = this.#byId.get(folderId)
    if (!state) throw new StoreError('not-found', `folder ${folderId} does not exist`)
    return state
  }

  /** Returns an owner's folders in name order. */
  list(owner: Owner): readonly Folder[] {
    const names = this.#byOwner.get(owner)
    if (!names) return []
    const { folders, changed } = this.#listed.get(owner) ?? { folders: [], changed: undefined }
    if (changed?.size === 0) return folders
    const added = [...(changed ?? names.keys())].flatMap((name) => names.get(name)?.folder ?? []).sort(compareNames)
    const kept = folders.filter(({ name }) => !changed?.has(name))
    const now = mergeByName(kept, added)
    this.#listed.set(owner, { folders: now, changed: new Set() })
    return now
  }

  /** Checks that no folder has this name. @throws StoreError `exists` */
  checkFree(owner: Owner, name: string): void {
    if (this.find(owner, name)) throw new StoreError('exists', `folder ${name} already exists`)
  }

  /** Checks that there are no folders. @throws StoreError `exists` */
  checkEmpty(): void {
    if (this.#byId.size > 0) throw new StoreError('exists', 'the store is not empty; choose an empty one')
  }

  add(state: State): void {
    this.#byId.set(state.folder.id, state)
    this.#addName(state)
  }

  remove({ folder }: State): void {
    this.#byId.delete(folder.id)
    this.#removeName(folder)
  }

  /**
   * Returns the folders that a rename changes, in name order: the folder and those below it.
   * @throws StoreError `not-found`, `exists`
   */
  planRename(folderId: string, name: string): readonly Renaming[] {
    const { owner, name: from } = this.need(folderId).folder
    const to = folderName(owner, name)
    if (to === from) return []
    const plan: Renaming[] = []
    for (const folder of this.list(owner)) {
      if (folder.name !== from && !folder.name.startsWith(`${from}/`)) continue
      plan.push({ folder: { ...folder, name: to + folder.name.slice(from.length) }, previousName: folder.name })
    }
    const moving = new Set(plan.map(({ previousName }) => previousName))
    for (const { folder } of plan) if (!moving.has(folder.name)) this.checkFree(owner, folder.name)
    return plan
  }

  /** Replaces folders with new versions that have the same ids. Names may change. */
  replace(folders: readonly Folder[]): void {
    const states = folders.map((folder) => this.need(folder.id))
    for (const { folder } of states) this.#removeName(folder)
    folders.forEach((folder, i) => {
      const state = states[i] as State
      state.folder = folder
      this.#addName(state)
    })
  }

  clear(): void {
    this.#byId.clear()
    this.#byOwner.clear()
    this.#listed.clear()
  }

  #addName(state: State): void {
    const { owner, name } = state.folder
    const names = this.#byOwner.get(owner) ?? new Map<string, State>()
    this.#byOwner.set(owner, names.set(name, state))
    this.#nameChanged(owner, name)
  }

  #removeName(folder: Folder): void {
    const names = this.#byOwner.get(folder.owner)
    // In a rename of several folders, another folder may have taken the name already.
    if (names?.get(folder.name)?.folder.id === folder.id) names.delete(folder.name)
    this.#nameChanged(folder.owner, folder.name)
    if (names?.size !== 0) return
    this.#byOwner.delete(folder.owner)
    this.#listed.delete(folder.owner)
  }

  #nameChanged(owner: Owner, name: string): void {
    const listed = this.#listed.get(owner)
    if (!listed) return
    listed.changed.add(name)
    // From this number on, sorting all is as fast.
    if (listed.changed.size > listed.folders.length) this.#listed.delete(owner)
  }
}

/** An owner's folders in name order, and the names that were added, removed or replaced since: few are sorted in again. */
interface Listed {
  readonly folders: readonly Folder[]
  readonly changed: Set<string>
}

/** Compares folders of one owner, which all have different names. */
const compareNames = (a: Folder, b: Folder): number => (a.name < b.name ? -1 : 1)

/** Returns the folders of two lists in name order, which both are. */
function mergeByName(a: readonly Folder[], b: readonly Folder[]): readonly Folder[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a
  const all: Folder[] = []
  let at = 0
  for (const folder of a) {
    for (let next = b[at]; next && compareNames(next, folder) < 0; next = b[++at]) all.push(next)
    all.push(folder)
  }
  for (const folder of b.slice(at)) all.push(folder)
  return all
}

/** The counters from which a store takes the id and the UIDVALIDITY of a new folder. */
export interface FolderNumbering {
  /** Distinguishes the store from all others. */
  readonly tag: string
  readonly number: number
  readonly lastUidValidity: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Returns a new folder. Its UIDVALIDITY is the time in seconds if that is greater than every earlier one. */
export function newFolder(
  owner: Owner,
  name: string,
  settings: FolderSettings,
  { tag, number, lastUidValidity, now }: FolderNumbering,
): Folder {
  return {
    id: `F${tag}-${number.toString(36)}`,
    owner,
    name: folderName(owner, name),
    uidValidity: nextUidValidity(lastUidValidity, now),
    ...settings,
  }
}

/** Returns a UIDVALIDITY in 32 bits, greater than those of earlier folders of the same name. RFC 9051 section 2.3.1.1. */
export function nextUidValidity(last: number, now: number): number {
  const seconds = Math.floor(now / 1000)
  return seconds > last && seconds < 0xffff_ffff ? seconds : last + 1
}

/** Returns the folder with its settings replaced. Settings that are not given are removed. */
export function withSettings(folder: Folder, settings: FolderSettings): Folder {
  const { specialUse, newsgroup, sortOrder, ...rest } = folder
  return { ...rest, ...settings }
}
