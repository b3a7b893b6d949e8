import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { MessageSource } from '../../storage/store/types.ts'
import type { Matcher } from './matcher.ts'
import {
  type Choice,
  compareArrival,
  type IndexEvent,
  type IndexedMessage,
  type MessageIndex,
  placeIn,
} from './message-index.ts'

/** Changes that a list remembers. One that nobody asks for is given up then. */
const MAX_CHANGES = 10_000
/** Memory of a message in a list, which exists in both orders, and of one that only the list holds. */
const ENTRY_OCTETS = { held: 16, stored: 800 }
const CHANGE_OCTETS = 64

/** The part of an index that a list shows. */
interface Selection {
  /** The part of the index that contains it. */
  readonly choice: Choice
  readonly sees: (message: IndexedMessage) => boolean
  readonly matches: Matcher
  /** The same as `matches`, for the first time, when all messages are tested in turn. */
  readonly matchesInScan: Matcher
  /** Returns a source for messages that are tested one after the other. */
  readonly ahead: (messages: Iterable<IndexedMessage>) => MessageSource
}

/** The messages of an index that one kind of caller sees and that meet some conditions. Reads only what has changed. */
export class MessageView {
  readonly #index: MessageIndex
  readonly #selection: Selection
  /** In the order of arrival. */
  #found: IndexedMessage[] = []
  #newestFirst: readonly IndexedMessage[] = []
  /** The messages that have arrived or changed since the list was read, by their ids; undefined before the first time. */
  #changed: Map<string, IndexedMessage> | undefined
  /** The ids of what was deleted since then. */
  #deleted = new Set<string>()
  /** Memory of what others keep as long as the view. */
  attachedOctets = 0
  #updating: Promise<void> | undefined

  constructor(index: MessageIndex, selection: Selection) {
    this.#index = index
    this.#selection = selection
  }

  /** About the memory that the list takes. */
  get octets(): number {
    const each = this.#index.isHeld ? ENTRY_OCTETS.held : ENTRY_OCTETS.stored
    return each * this.#found.length + CHANGE_OCTETS * this.#changes + this.attachedOctets
  }

  /** How many changes are remembered. */
  get #changes(): number {
    return (this.#changed?.size ?? 0) + this.#deleted.size
  }

  /** Returns whether a list is the one that `newestFirst` returned last. */
  isLatest(list: readonly IndexedMessage[]): boolean {
    return list === this.#newestFirst
  }

  /** Takes a change of the index. Returns false if the list remembers too many. */
  onEvent({ type, message }: IndexEvent): boolean {
    const { id, folder, entry } = message
    if (this.#changed === undefined || (entry && !this.#selection.sees({ id, folder, entry, order: 0 }))) return true
    if (type === 'deleted') {
      this.#deleted.add(id)
      this.#changed.delete(id)
    } else this.#changed.set(id, message)
    return this.#changes <= MAX_CHANGES
  }

  /** Returns all messages of the list, the newest first: the same array while nothing changes. Lets others run meanwhile. */
  async newestFirst(): Promise<readonly IndexedMessage[]> {
    // An update that began earlier may have missed the latest change.
    if (this.#updating) await this.#updating
    if (this.#changed !== undefined && this.#changes === 0) return this.#newestFirst
    this.#updating ??= this.#update().finally(() => {
      this.#updating = undefined
    })
    await this.#updating
    return this.#newestFirst
  }

  async #update(): Promise<void> {
    const { choice, sees, matches, matchesInScan, ahead } = this.#selection
    const isFirst = this.#changed === undefined
    const changed = [...(this.#changed?.values() ?? [])].sort(compareArrival)
    this.#changed = new Map()
    for await (const batch of isFirst ? this.#index.batches(choice) : [changed]) {
      const seen = batch.filter(sees)
      using source = ahead(seen)
      for (const message of seen) {
        const isMatch = (isFirst ? matchesInScan : matches)(message, source)
        this.#put(message, typeof isMatch === 'boolean' ? isMatch : await isMatch)
        if (isSliceOver()) await nextSlice()
      }
    }
    const before = this.#found.length
    const deleted = this.#deleted
    this.#deleted = new Set()
    if (deleted.size > 0) this.#found = this.#found.filter(({ id }) => !deleted.has(id))
    if (!isFirst && changed.length === 0 && this.#found.length === before) return
    this.#newestFirst = this.#found.toReversed()
  }

  /** Puts a message into the list or takes it out. */
  #put(message: IndexedMessage, isMatch: boolean): void {
    const found = this.#found
    const last = found.at(-1)
    if (!last || compareArrival(last, message) < 0) {
      if (isMatch) found.push(message)
      return
    }
    const at = placeIn(found, message)
    const isThere = found[at]?.id === message.id
    if (isMatch) found.splice(at, isThere ? 1 : 0, message)
    else if (isThere) found.splice(at, 1)
  }
}
