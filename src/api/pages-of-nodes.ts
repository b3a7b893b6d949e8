import { z } from 'zod'
import { timeText } from '../core/time/time-text.ts'
import { cursorOf, pageSchema, readCursor } from './lists.ts'
import type { Call } from './operation.ts'
import { askNode } from './other-nodes.ts'
import { ApiProblem } from './problem.ts'

/** A place in the list of all nodes: the first has the greatest `at`, and of several with the same, the greatest number in its id. */
interface Place {
  readonly id: string
  readonly at: string
}

/** An item of this node. */
interface Own<T> {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Returns the item as callers see it. */
  show(): T
}

interface Entry<T> extends Place {
  show(): T
}

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
  readonly total: number
}

interface PageInput {
  readonly limit: number
  readonly cursor?: string | undefined
}

const place = z.object({ at: z.string(), id: z.string() })

const { compare } = new Intl.Collator('en', { numeric: true })

const isBefore = (a: Place, b: Place): boolean => a.at > b.at || (a.at === b.at && compare(a.id, b.id) > 0)

/** The answer of a list whose items lie on several nodes. */
export const pageOfNodesOf = <Item extends z.ZodType>(item: Item) =>
  pageSchema(item).extend({
    missing: z
      .array(z.string())
      .optional()
      .describe('Nodes of the lab that did not answer in time, so that the list lacks what they have.'),
  })

/**
 * Returns a page of a list whose items lie on the nodes that have them, the newest first, and the nodes that did not answer.
 * @param name the operation, which the other nodes run for their own items
 * @param own the items of this node
 * @param timeKey the key of an item with its time
 * @throws ApiProblem `bad-request` for a wrong cursor
 */
export async function pageOfNodes<T extends { readonly id?: unknown }, Input extends PageInput>(
  call: Call<Input>,
  name: string,
  own: Iterable<Own<T>>,
  timeKey: keyof T,
): Promise<Page<T> & { readonly missing?: readonly string[] }> {
  const { api, input, isForwarded } = call
  const entries = Array.from(own, ({ id, at, show }) => ({ id, at: timeText(at), show }))
  const page = pageIn(entries, input)
  if (isForwarded) return page
  const missing: string[] = []
  const pages = [page]
  await Promise.all(
    (await api.lab.cluster.others()).map(async (node) => {
      try {
        pages.push((await askNode(node, name, call)) as Page<T>)
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error
        missing.push(node)
      }
    }),
  )
  const placeOfItem = (item: T): Place => ({ id: String(item.id), at: String(item[timeKey]) })
  const all = pages.flatMap(({ items }) => items.map((item) => ({ ...placeOfItem(item), show: () => item })))
  const { items, next } = pageIn(all, { limit: input.limit })
  const isMore = next !== null || pages.some((one) => one.next !== null)
  const last = items.at(-1)
  return {
    items,
    next: isMore && last ? cursorOf(placeOfItem(last)) : null,
    total: pages.reduce((sum, { total }) => sum + total, 0),
    ...(missing.length > 0 && { missing: missing.sort() }),
  }
}

function pageIn<T>(all: readonly Entry<T>[], { limit, cursor }: PageInput): Page<T> {
  const sorted = all.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  const after = cursor === undefined ? undefined : readCursor(cursor, place)
  const rest = after ? sorted.filter((one) => isBefore(after, one)) : sorted
  const shown = rest.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map((one) => one.show()),
    next: last && rest.length > limit ? cursorOf({ at: last.at, id: last.id }) : null,
    total: all.length,
  }
}
