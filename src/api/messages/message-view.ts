import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { MessageSource } from '../../storage/store/types.ts'
import type { Matcher } from './matcher.ts'
import type { IndexEvent, IndexedMessage, MessageIndex } from './message-index.ts'

/** Changes that a list remembers. One that nobody asks for is given up then. */
const MAX_CHANGES = 10_000
/** Memory of a message in a list, which exists in both orders. */
const ENTRY_OCTETS = 16
const CHANGE_OCTETS = 64

/** The part of an index that a list shows. */
interface Selection {
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
  /** The messages that have arrived or changed since the list was read, by their order; undefined before the first time. */
  #changed: Map<number, IndexedMessage> | undefined
  /** The orders of what was deleted since then. */
  #deleted = new Set<number>()
  /** Memory of what others keep as long as the view. */
  attachedOctets = 0
  #updating: Promise<void> | undefined

  constructor(index: MessageIndex, selection: Selection) {
    this.#index = index
    this.#selection = selection
  }

  /** About the memory that the list takes. */
  get octets(): number {
    return ENTRY_OCTETS * this.#found.length + CHANGE_OCTETS * this.#changes + this.attachedOctets
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
    if (this.#changed === undefined || !this.#selection.sees(message)) return true
    if (type === 'deleted') {
      this.#deleted.add(message.order)
      this.#changed.delete(message.order)
    } else this.#changed.set(message.order, message)
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
    const { sees, matches, matchesInScan, ahead } = this.#selection
    const isFirst = this.#changed === undefined
    const changed = isFirst ? [...this.#index.values()].filter(sees) : inOrder(this.#changed)
    this.#changed = new Map()
    using source = ahead(changed)
    for (const message of changed) {
      const isMatch = (isFirst ? matchesInScan : matches)(message, source)
      this.#put(message, typeof isMatch === 'boolean' ? isMatch : await isMatch)
      if (isSliceOver()) await nextSlice()
    }
    const before = this.#found.length
    const deleted = this.#deleted
    this.#deleted = new Set()
    if (deleted.size > 0) this.#found = this.#found.filter(({ order }) => !deleted.has(order))
    if (changed.length === 0 && this.#found.length === before) return
    this.#newestFirst = this.#found.toReversed()
  }

  /** Puts a message into the list or takes it out. */
  #put(message: IndexedMessage, isMatch: boolean): void {
    const found = this.#found
    const last = found.at(-1)
    if (!last || last.order < message.order) {
      if (isMatch) found.push(message)
      return
    }
    const at = placeOf(message.order, found)
    const isThere = found[at]?.order === message.order
    if (isMatch) found.splice(at, isThere ? 1 : 0, message)
    else if (isThere) found.splice(at, 1)
  }
}

const inOrder = (changed: ReadonlyMap<number, IndexedMessage> = new Map()): IndexedMessage[] =>
  [...changed.values()].sort((a, b) => a.order - b.order)

/** Returns where an order is, or belongs, in a list in order of arrival. */
function placeOf(order: number, found: readonly IndexedMessage[]): number {
  let [low, high] = [0, found.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((found[middle] as IndexedMessage).order < order) low = middle + 1
    else high = middle
  }
  return low
}
