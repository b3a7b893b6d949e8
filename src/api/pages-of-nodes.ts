import { z } from 'zod'
import { cursorOf, placeOf } from './lists.ts'
import type { Call } from './operation.ts'
import { askNode } from './other-nodes.ts'
import { ApiProblem } from './problem.ts'

/** An item with its place in the list of all nodes: the first has the greatest `at`. */
interface Item {
  readonly id: string
  readonly at: string
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

const isBefore = (a: Item, b: Item): boolean => a.at > b.at || (a.at === b.at && a.id > b.id)

/**
 * Returns a page of a list whose items lie on the nodes that have them, the newest first, and the nodes that did not answer.
 * @param name the operation, which the other nodes run for their own items
 * @param own the items of this node
 * @param itemOf returns the place of an item
 * @throws ApiProblem `bad-request` for a wrong cursor
 */
export async function pageOfNodes<T extends object, Input extends PageInput>(
  call: Call<Input>,
  name: string,
  own: readonly T[],
  itemOf: (item: T) => Item,
): Promise<Page<T> & { readonly missing?: readonly string[] }> {
  const { api, input, isForwarded } = call
  const page = pageOf(own, input, itemOf)
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
  const all = pages.flatMap(({ items }) => items)
  const { items, next } = pageOf(all, { limit: input.limit }, itemOf)
  const isMore = next !== null || pages.some((one) => one.next !== null)
  const last = items.at(-1)
  return {
    items,
    next: isMore && last ? cursorOf(placeIn(itemOf(last))) : null,
    total: pages.reduce((sum, { total }) => sum + total, 0),
    ...(missing.length > 0 && { missing: missing.sort() }),
  }
}

const placeIn = ({ at, id }: Item): Item => ({ at, id })

function pageOf<T>(all: readonly T[], { limit, cursor }: PageInput, itemOf: (item: T) => Item): Page<T> {
  const sorted = all.toSorted((a, b) => (isBefore(itemOf(a), itemOf(b)) ? -1 : 1))
  const after = cursor === undefined ? undefined : placeOf(cursor, place)
  const rest = after ? sorted.filter((one) => isBefore(after, itemOf(one))) : sorted
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last && rest.length > limit ? cursorOf(placeIn(itemOf(last))) : null, total: all.length }
}
