import type { MemoryReservation } from '../../../src/core/octets/memory-budget.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { ResultChange, ResultContext, Updates } from '../changes.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import type { FetchItem } from '../wire/fetch-request.ts'
import type { SearchCriteria, SortKey } from '../wire/search-request.ts'
import { formatNumbers } from '../wire/sequence-set.ts'
import { quotedForm } from '../wire/text.ts'
import { findMessages } from './find.ts'
import { sortMessages } from './sort.ts'

/** Result lists that one session can have updated. RFC 5267 section 4.3.1 requires one. */
const MAX_CONTEXTS = 16
/** About the memory that a message takes in a result list. */
const OCTETS_PER_RESULT = 64

/** The parameters of a searching command. */
interface ContextRequest {
  readonly tag: string
  readonly byUid: boolean
  readonly criteria: SearchCriteria
  readonly items: readonly FetchItem[]
  /** Of SORT. */
  readonly sortKeys?: readonly SortKey[]
}

/** A place in a result list, counted from 1 (or 0: anywhere), and the numbers to insert there or to remove from there. */
interface Change {
  readonly position: number
  readonly numbers: number[]
}

/** The result of a SEARCH or SORT with RETURN (UPDATE). RFC 5267 section 4.3. */
class UpdateContext implements ResultContext {
  readonly #session: ImapSession
  readonly #selection: Selection
  readonly #request: ContextRequest
  readonly #memory: MemoryReservation
  readonly #members: Set<number>
  /** The uids in the requested order; undefined for SEARCH. */
  #order: number[] | undefined

  constructor(
    session: ImapSession,
    selection: Selection,
    request: ContextRequest,
    result: { readonly uids: readonly number[]; readonly memory: MemoryReservation },
  ) {
    this.#session = session
    this.#selection = selection
    this.#request = request
    this.#memory = result.memory
    this.#members = new Set(result.uids)
    this.#order = request.sortKeys ? [...result.uids] : undefined
  }

  get items(): readonly FetchItem[] {
    return this.#request.items
  }

  close(): void {
    this.#memory.release()
  }

  removeExpunged({ numbers, uids }: Updates['expunged']): string {
    const gone = uids.flatMap((uid, i) =>
      this.#members.has(uid) ? [{ uid, number: this.#request.byUid ? uid : (numbers.at(-1 - i) as number) }] : [],
    )
    return this.#response(this.#remove(gone), [])
  }

  async update(indexes: readonly number[]): Promise<ResultChange | undefined> {
    const { criteria, byUid } = this.#request
    const matching = new Set(await findMessages(this.#session, this.#selection, criteria, {}, indexes))
    const removed: Member[] = []
    const added: Member[] = []
    for (const index of indexes) {
      const { uid } = this.#selection.messages.at(index) as MessageEntry
      const member = { uid, number: byUid ? uid : index + 1 }
      if (matching.has(index) && !this.#members.has(uid)) added.push(member)
      else if (!matching.has(index) && this.#members.has(uid)) removed.push(member)
    }
    const needed = (this.#members.size + added.length) * OCTETS_PER_RESULT
    if (needed > this.#memory.octets && !this.#memory.tryGrow(needed - this.#memory.octets)) return undefined
    const removals = this.#remove(removed)
    const additions = await this.#add(added)
    return { response: this.#response(removals, additions), added: new Set(added.map(({ uid }) => uid)) }
  }

  #remove(members: readonly Member[]): Change[] {
    const changes: Change[] = []
    for (const { uid } of members) this.#members.delete(uid)
    if (!this.#order) {
      for (const { number } of members) addChange(changes, 0, number, 0)
      return changes
    }
    const numbers = new Map(members.map(({ uid, number }) => [uid, number]))
    const kept: number[] = []
    for (const uid of this.#order) {
      const number = numbers.get(uid)
      if (number === undefined) kept.push(uid)
      // Members that follow each other are removed at the same position.
      else addChange(changes, kept.length + 1, number, 0)
    }
    this.#order = kept
    return changes
  }

  async #add(members: readonly Member[]): Promise<Change[]> {
    const changes: Change[] = []
    for (const { uid, number } of members) {
      const at = this.#order ? await this.#placeOf(uid) : -1
      this.#order?.splice(at, 0, uid)
      this.#members.add(uid)
      addChange(changes, at + 1, number, 1)
    }
    return changes
  }

  /** Returns where a message belongs in the requested order, by a binary search. */
  async #placeOf(uid: number): Promise<number> {
    const { sortKeys = [] } = this.#request
    const selection = this.#selection
    const order = this.#order ?? []
    const own = selection.indexOf(uid)
    let [low, high] = [0, order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = selection.indexOf(order[middle] as number)
      const pair = own < other ? [own, other] : [other, own]
      const [first] = await sortMessages(this.#session, selection, pair, sortKeys)
      if (first === other) low = middle + 1
      else high = middle
    }
    return low
  }

  #response(removals: readonly Change[], additions: readonly Change[]): string {
    if (removals.length + additions.length === 0) return ''
    const { tag, byUid } = this.#request
    const parts = [
      `* ESEARCH (TAG ${quotedForm(tag)})${byUid ? ' UID' : ''}`,
      ...(removals.length > 0 ? [`REMOVEFROM ${changeList(removals)}`] : []),
      ...(additions.length > 0 ? [`ADDTO ${changeList(additions)}`] : []),
    ]
    return `${parts.join(' ')}\r\n`
  }
}

/**
 * Keeps a result up to date at the client from now on. Returns why not, if not: then the search itself is answered all the
 * same. RFC 5267 section 4.3.1.
 */
export function keepUpdated(
  session: ImapSession,
  selection: Selection,
  request: ContextRequest,
  indexes: readonly number[],
): string | undefined {
  if (selection.contexts.size >= MAX_CONTEXTS) return `At most ${MAX_CONTEXTS} results can be updated.`
  const uids = indexes.map((index) => (selection.messages.at(index) as MessageEntry).uid)
  const memory = session.connection.memory.reservation('messages')
  if (!memory.tryGrow(uids.length * OCTETS_PER_RESULT)) return NO_MEMORY
  selection.contexts.set(request.tag, new UpdateContext(session, selection, request, { uids, memory }))
  return undefined
}

/** Ends the updates of a result. */
export function cancelUpdate(selection: Selection, tag: string): void {
  selection.contexts.get(tag)?.close()
  selection.contexts.delete(tag)
  selection.trackChanges(false)
}

const NO_MEMORY = 'Not enough memory to update the result.'

/** Returns the response that refuses to update a result. RFC 5267 section 4.3.1. */
export const noUpdate = (tag: string, why = NO_MEMORY): string => `* NO [NOUPDATE ${quotedForm(tag)}] ${why}\r\n`

interface Member {
  readonly uid: number
  /** Its uid or its sequence number, as the client gets it. */
  readonly number: number
}

/** Adds a number to the last change if it belongs there. @param step how far the place moves with each number */
function addChange(changes: Change[], position: number, number: number, step: 0 | 1): void {
  const last = changes.at(-1)
  const continues = last && (position === 0 || position === last.position + step * last.numbers.length)
  if (continues) last.numbers.push(number)
  else changes.push({ position, numbers: [number] })
}

/** Returns `(0 2,4:5)`. RFC 5267 section 5, ret-data-addto. */
const changeList = (changes: readonly Change[]): string =>
  `(${changes.map(({ position, numbers }) => `${position} ${formatNumbers(numbers)}`).join(' ')})`
