import { z } from 'zod'
import { ApiProblem } from './problem.ts'

const MAX_LIMIT = 1_000

const limit = z.coerce.number().int().min(1).max(MAX_LIMIT)

/** The parameters of every list that can be long. */
export const pageInput = {
  limit: limit.default(50).describe('Largest number of items in the page.'),
  cursor: z.string().optional().describe('`next` of the previous page.'),
}

/** The parameters of lists that are answered as a whole unless the caller wants pages. */
export const wholeInput = {
  limit: limit.optional().describe('Largest number of items in the page. Default: all.'),
  cursor: pageInput.cursor,
}

/** The keys of an answer with a page besides its items. */
export const pageFields = {
  next: z.string().nullable().describe('Cursor of the next page; null on the last.'),
  total: z.number().int().describe('Number of items in the whole list.'),
}

/**
 * Checks that what selects items is not given twice: the items themselves, and others by a search or all of them. An action
 * would apply to more or fewer items than one of them says.
 * @throws ApiProblem `invalid`
 */
export function assertOneSelection(
  { ids, all }: { readonly ids?: readonly string[] | undefined; readonly all: boolean },
  search: Readonly<Record<string, unknown>>,
): void {
  if (ids === undefined) return
  const [other] = all ? ['all'] : Object.keys(search).filter((name) => search[name] !== undefined)
  if (other !== undefined)
    throw new ApiProblem('invalid', `ids and ${other} select different messages; send only one of them`)
}

/** Returns the schema of a page. */
export const pageSchema = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), ...pageFields })

const key = z.object({ key: z.string() })

/**
 * Returns a page of a short list, whose items are the same after a restart. The page continues after an item that was
 * there when the page before was read.
 * @param keyOf identifies an item
 * @throws ApiProblem `gone` if the item after which the page begins is no longer in the list
 */
export function pageOfWhole<T>(
  all: readonly T[],
  { limit: length = all.length, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
  keyOf: (item: T, index: number) => string,
): { items: readonly T[]; next: string | null; total: number } {
  const keys = numberDuplicates(all.map(keyOf))
  const after = cursor === undefined ? undefined : readCursor(cursor, key).key
  const start = after === undefined ? 0 : keys.indexOf(after) + 1
  if (after !== undefined && start === 0)
    throw lostCursor(`the lab has forgotten ${after}, after which this page begins`)
  const last = keys[start + length - 1]
  const next = start + length < all.length && last !== undefined ? cursorOf({ key: last }) : null
  return { items: all.slice(start, start + length), next, total: all.length }
}

/** Numbers equal keys, from the second on: a page that ends at one of them must not begin again at the first. */
function numberDuplicates(keys: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return keys.map((one) => {
    const before = seen.get(one) ?? 0
    seen.set(one, before + 1)
    return before === 0 ? one : JSON.stringify([one, before])
  })
}

/** Encodes the place after which the next page begins. */
export const cursorOf = (place: object): string => Buffer.from(JSON.stringify(place)).toString('base64url')

/** Decodes a cursor. @throws ApiProblem `bad-request` */
export function readCursor<T extends z.ZodType>(cursor: string, schema: T): z.output<T> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw new ApiProblem('bad-request', 'cursor: is not the cursor of a page; take `next` of the page before')
  }
}

const place = z.object({ epoch: z.string(), id: z.string() })

/**
 * Returns a page of a list whose items have ids.
 * @param matches selects items. The page continues after an item that it no longer selects.
 * @throws ApiProblem `gone` if the item after which the page begins is no longer in the list
 */
export function pageById<T extends { readonly id: string }>(
  all: readonly T[],
  {
    limit,
    cursor,
    epoch,
  }: {
    readonly limit: number
    readonly cursor?: string | undefined
    /** Differs for every start of the lab: the same id then means another item. */
    readonly epoch: string
  },
  matches: (item: T) => boolean = () => true,
): { items: T[]; next: string | null; total: number } {
  const rest = all.slice(cursor === undefined ? 0 : indexAfter(all, readCursor(cursor, place), epoch)).filter(matches)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const next = last && rest.length > limit ? cursorOf({ epoch, id: last.id }) : null
  return { items, next, total: all.filter(matches).length }
}

function indexAfter(
  all: readonly { readonly id: string }[],
  { epoch: given, id }: z.output<typeof place>,
  epoch: string,
): number {
  const index = given === epoch ? all.findIndex((one) => one.id === id) : -1
  if (index !== -1) return index + 1
  throw lostCursor(`the lab has forgotten ${id}, after which this page begins`)
}

/** Returns the problem of a cursor that leads nowhere. */
export const lostCursor = (why: string): ApiProblem =>
  new ApiProblem('gone', `cursor: ${why}; begin again without cursor`)
