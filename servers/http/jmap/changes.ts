import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { AccountHistory, Step } from '../../../src/storage/store/views/account-history.ts'
import { type EmailChange, emailChange, readableEmail } from './mails.ts'
import type { Changes } from './types.ts'

type ChangeType = EmailChange['type']

/** A change of an Email or of a mailbox. */
export interface Item {
  /** The state after it. */
  readonly state: string
  /** The Email that was changed. */
  readonly email?: EmailChange & { readonly id: string; readonly threadId: string | undefined }
  /** The mailbox that was itself changed. */
  readonly folder?: Step['folder']
}

/** Changes that are calculated at most. */
const MAX_ITEMS = 100_000

/**
 * Returns the changes after a state, the oldest first; undefined if they are not known. The state of Email, Thread and
 * Mailbox is the number of the last step of the history: `17`. `17-3` is the state after three items of step 18.
 */
export async function itemsSince(history: AccountHistory, state: string): Promise<readonly Item[] | undefined> {
  const [, number = '', done = '0'] = /^(\d{1,15})(?:-(\d{1,4}))?$/.exec(state) ?? []
  await history.settled()
  if (number === '' || !history.keeps(Number(number))) return undefined
  const found: Item[] = []
  for await (const [at, step] of history.stepsAfter(Number(number))) {
    if (!step || found.length > MAX_ITEMS) return undefined
    const items = itemsIn(history, step)
    const states = items.map((_, index) => (index + 1 === items.length ? `${at}` : `${at - 1}-${index + 1}`))
    const skipped = at === Number(number) + 1 ? Number(done) : 0
    for (const [index, item] of items.entries())
      if (index >= skipped) found.push({ ...item, state: `${states[index]}` })
    if (isSliceOver()) await nextSlice()
  }
  return found
}

function itemsIn({ mails }: AccountHistory, { changes, folder }: Step): Omit<Item, 'state'>[] {
  const emails = changes.flatMap((change) => {
    const { id, threadId = mails.get(id)?.threadId } = change
    const email = emailChange(change)
    return email ? [{ email: { ...email, id, threadId } }] : []
  })
  return [...emails, ...(folder ? [{ folder }] : [])]
}

interface Counted {
  /** The ids of objects that an item changes. */
  readonly idsOf: (item: Item) => Iterable<readonly [id: string, type: ChangeType]>
  /** Returns whether an object existed before the items, and whether it does after them. Default: as its items say. */
  readonly existed?: (id: string) => boolean
  readonly exists?: (id: string) => boolean
  readonly max: number
}

/** Returns the objects that items change, and the state after that. Undefined if one item changes too many. RFC 8620 section 5.2. */
export function changesIn(
  { last }: AccountHistory,
  items: readonly Item[],
  { idsOf, existed, exists, max }: Counted,
): Changes | undefined {
  const types = new Map<string, { readonly first: ChangeType; last: ChangeType }>()
  let newState: string | undefined
  for (const item of items) {
    const ids = [...idsOf(item)]
    const isNew = ids.filter(([id]) => !types.has(id)).length
    if (types.size + isNew > max) {
      if (newState === undefined) return undefined
      return { ...sorted(), newState, hasMoreChanges: true }
    }
    for (const [id, type] of ids) types.set(id, { first: types.get(id)?.first ?? type, last: type })
    newState = item.state
  }
  return { ...sorted(), newState: `${last}` }

  function sorted(): Pick<Changes, ChangeType> {
    const lists: Record<ChangeType, string[]> = { created: [], updated: [], destroyed: [] }
    for (const [id, type] of types) {
      const [before, after] = [existed?.(id) ?? type.first !== 'created', exists?.(id) ?? type.last !== 'destroyed']
      if (before) lists[after ? 'updated' : 'destroyed'].push(id)
      else if (after) lists.created.push(id)
    }
    return lists
  }
}

/** Email/changes. RFC 8621 section 4.3. */
export async function emailChanges(history: AccountHistory, since: string, max: number): Promise<Changes | undefined> {
  const items = await itemsSince(history, since)
  const idsOf = ({ email }: Item) => (email ? [[email.id, email.type] as const] : [])
  // Nodes see the copies of a message that moves in different orders: to one of them it may have had none for a moment.
  const exists = (id: string): boolean => readableEmail(history.mails.get(id)) !== undefined
  return items && changesIn(history, items, { idsOf, exists, max })
}
