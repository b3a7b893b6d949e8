import type { Tenants } from '../../accounts/directory/tenants.ts'
import type { MemoryBudget } from '../../core/octets/memory-budget.ts'
import type { Folder } from '../../storage/store/folder.ts'
import { type Caller, seesFolder, seesMessage, viewKey } from '../caller.ts'
import { aheadOfTests, matcherOf, type RecipientsOf } from './matcher.ts'
import type { FactsReader } from './message-facts.ts'
import type { Choice, IndexedMessage, MessageIndex } from './message-index.ts'
import { MessageView } from './message-view.ts'
import { type Condition, hintsOf, isOfFolder, storedTests } from './search.ts'
import { recipientsFor, type Viewer } from './summary.ts'

/** Lists that are kept. Those that were not asked for longest are dropped first. */
const MAX_VIEWS = 32

interface KeptView {
  readonly view: MessageView
  /** The memory that is counted for it. */
  octets: number
}

/** The lists and searches that callers have asked for, kept by the events of the index: the same costs little again. */
export class MessageViews {
  readonly #index: MessageIndex
  readonly #reader: FactsReader
  readonly #tenants: Tenants
  readonly #directory: Viewer['api']['lab']['directory']
  readonly #memory: MemoryBudget
  /** The one asked for last is the last. */
  readonly #views = new Map<string, KeptView>()
  /** The services that all of them depend on besides the events. */
  #basis = ''

  constructor(
    index: MessageIndex,
    reader: FactsReader,
    { tenants, directory, memory }: { readonly tenants: Tenants; readonly memory: MemoryBudget } & Viewer['api']['lab'],
  ) {
    this.#index = index
    this.#reader = reader
    this.#tenants = tenants
    this.#directory = directory
    this.#memory = memory
    memory.addDroppable({ drop: (octets) => this.#drop(octets) })
    index.watch((event) => {
      for (const [key, { view }] of this.#views) if (!view.onEvent(event)) this.#delete(key)
    })
  }

  /** Returns the messages that a caller sees and that meet all conditions, the newest first: the same array while nothing changes. */
  async find(caller: Caller, conditions: readonly Condition[]): Promise<readonly IndexedMessage[]> {
    await this.#index.begin()
    const basis = `${this.#index.generation} ${this.#tenants.revision}`
    if (basis !== this.#basis) this.clear()
    this.#basis = basis
    const key = searchKey(caller, conditions)
    const kept = this.#views.get(key) ?? { view: this.#newView(caller, conditions), octets: 0 }
    this.#views.delete(key)
    this.#views.set(key, kept)
    if (this.#views.size > MAX_VIEWS) this.#dropOldest()
    try {
      return await kept.view.newestFirst()
    } catch (error) {
      // The change that could not be read would be missing.
      if (this.#views.get(key) === kept) this.#delete(key)
      throw error
    } finally {
      if (this.#views.get(key) === kept) this.#count(kept)
    }
  }

  /**
   * Returns an object that exists as long as the view that returned a list last, and counts memory that is kept for it.
   * Undefined if there is no such view any more.
   */
  viewOf(list: readonly IndexedMessage[], octets: number): object | undefined {
    for (const kept of this.#views.values()) {
      if (!kept.view.isLatest(list)) continue
      kept.view.attachedOctets = octets
      this.#count(kept)
      return kept.view
    }
    return undefined
  }

  clear(): void {
    for (const key of this.#views.keys()) this.#delete(key)
  }

  #newView(caller: Caller, conditions: readonly Condition[]): MessageView {
    const folders = new Map<string, boolean>()
    const sees = ({ folder, entry }: IndexedMessage): boolean => {
      const known = folders.get(folder.id) ?? seesFolder(caller, folder)
      folders.set(folder.id, known)
      return known && seesMessage(caller, folder, entry)
    }
    const viewer = { api: { lab: { directory: this.#directory } }, caller }
    const recipientsOf: RecipientsOf = ({ folder, entry }, facts) => recipientsFor(viewer, folder, entry, facts)
    return new MessageView(this.#index, {
      choice: choiceOf(conditions, (folder) => seesFolder(caller, folder)),
      sees,
      matches: matcherOf(this.#reader, conditions, { recipientsOf }),
      matchesInScan: matcherOf(this.#reader, conditions, { isScan: true, recipientsOf }),
      ahead: (messages) => aheadOfTests(this.#reader, conditions, messages),
    })
  }

  #count(kept: KeptView): void {
    const { octets } = kept.view
    const grown = octets - kept.octets
    kept.octets = octets
    // The memory may be so short that this drops the list itself.
    if (grown > 0) this.#memory.hold('caches', grown)
    else this.#memory.give('caches', -grown)
  }

  #drop(octets: number): void {
    let dropped = 0
    for (const { octets: held } of this.#views.values()) {
      if (dropped >= octets) return
      dropped += held
      this.#dropOldest()
    }
  }

  #dropOldest(): void {
    for (const key of this.#views.keys()) return this.#delete(key)
  }

  #delete(key: string): void {
    this.#memory.give('caches', this.#views.get(key)?.octets ?? 0)
    this.#views.delete(key)
  }
}

const searchKey = (caller: Caller, conditions: readonly Condition[]): string =>
  [viewKey(caller), ...conditions.map(({ key }) => key)].join(' ')

/** Returns where messages that meet conditions are looked for. */
const choiceOf = (conditions: readonly Condition[], sees: (folder: Folder) => boolean): Choice => ({
  folders: (folder) => sees(folder) && isOfFolder(conditions, folder),
  tests: [...storedTests(conditions), ...hintsOf(conditions)],
})
