import { byName, folderName, renamed } from './mailboxes.ts'
import { type Folder, type FolderSettings, type Owner, StoreError } from './types.ts'

/** A folder and whatever the store keeps with it. */
export interface FolderState {
  folder: Folder
}

export interface Renaming {
  readonly folder: Folder
  readonly previousName: string
}

/** The folders of a store by id, and by owner and name. */
export class FolderRegistry<State extends FolderState> {
  readonly #byId = new Map<string, State>()
  readonly #byOwner = new Map<Owner, Map<string, State>>()
  /** Lists in name order, until a folder of that owner changes. */
  readonly #sorted = new Map<Owner, readonly Folder[]>()

  get all(): Iterable<State> {
    return this.#byId.values()
  }

  get owners(): readonly Owner[] {
    return [...this.#byOwner.keys()].sort()
  }

  find(owner: Owner, name: string): State | undefined {
    return this.#byOwner.get(owner)?.get(folderName(owner, name))
  }

  get(folderId: string): State | undefined {
    return this.#byId.get(folderId)
  }

  /** @throws StoreError `not-found` */
  need(folderId: string): State {
    return this.#byId.get(folderId) ?? notFound(folderId)
  }

  list(owner: Owner): readonly Folder[] {
    const known = this.#sorted.get(owner)
    if (known) return known
    const folders = Array.from(this.#byOwner.get(owner)?.values() ?? [], ({ folder }) => folder).sort(byName)
    this.#sorted.set(owner, folders)
    return folders
  }

  /** @throws StoreError `exists` */
  checkFree(owner: Owner, name: string): void {
    if (this.find(owner, name)) throw new StoreError('exists', `there is a folder ${name} already`)
  }

  add(state: State): void {
    this.#byId.set(state.folder.id, state)
    this.#name(state)
  }

  remove({ folder }: State): void {
    this.#byId.delete(folder.id)
    this.#unname(folder)
  }

  /** What renaming a folder makes of it and of every folder below it. @throws StoreError `exists` */
  planRename(folderId: string, name: string): readonly Renaming[] {
    const { owner, name: from } = this.need(folderId).folder
    const to = folderName(owner, name)
    const plan: Renaming[] = []
    for (const state of this.#byOwner.get(owner)?.values() ?? []) {
      const next = renamed(state.folder.name, from, to)
      if (next === undefined) continue
      plan.push({ folder: { ...state.folder, name: next }, previousName: state.folder.name })
    }
    const moving = new Set(plan.map(({ previousName }) => previousName))
    for (const { folder } of plan) if (!moving.has(folder.name)) this.checkFree(owner, folder.name)
    return plan.sort((a, b) => byName(a.folder, b.folder))
  }

  /** Puts folders in the place of those with the same id, whose names may be others. */
  replace(folders: readonly Folder[]): void {
    const states = folders.map((folder) => this.need(folder.id))
    for (const { folder } of states) this.#unname(folder)
    folders.forEach((folder, i) => {
      const state = states[i] as State
      state.folder = folder
      this.#name(state)
    })
  }

  clear(): void {
    this.#byId.clear()
    this.#byOwner.clear()
    this.#sorted.clear()
  }

  #name(state: State): void {
    const { owner, name } = state.folder
    const names = this.#byOwner.get(owner) ?? new Map<string, State>()
    this.#byOwner.set(owner, names.set(name, state))
    this.#sorted.delete(owner)
  }

  #unname(folder: Folder): void {
    const names = this.#byOwner.get(folder.owner)
    // Of several renamed one after another, the next may have taken the name already.
    if (names?.get(folder.name)?.folder.id === folder.id) names.delete(folder.name)
    if (names?.size === 0) this.#byOwner.delete(folder.owner)
    this.#sorted.delete(folder.owner)
  }
}

/** The folder under new settings: what they do not name is taken away. */
export function withSettings(folder: Folder, settings: FolderSettings): Folder {
  const { specialUse, newsgroup, ...rest } = folder
  return { ...rest, ...settings }
}

export function notFound(folderId: string): never {
  throw new StoreError('not-found', `there is no folder ${folderId}`)
}

/** A UIDVALIDITY above every earlier one: the time in seconds, where that is. RFC 9051 section 2.3.1.1. */
export function nextUidValidity(last: number, now: number): number {
  const seconds = Math.floor(now / 1000)
  return seconds > last && seconds < 0xffff_ffff ? seconds : last + 1
}
