import { z } from 'zod'
import { ApiProblem } from './problem.ts'

const MAX_LIMIT = 1_000

/** The parameters of every list. */
export const pageInput = {
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(50).describe('Longest page.'),
  cursor: z.string().optional().describe('`next` of the page before.'),
}

/** Returns the schema of a page. */
export const pageOf = (item: z.ZodType) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null on the last.'),
    total: z.number().int().describe('Length of the whole list.'),
  })

/** Encodes the place after which the next page begins. */
export const cursorOf = (place: object): string => Buffer.from(JSON.stringify(place)).toString('base64url')

/** Decodes a cursor. @throws ApiProblem `bad-request` */
export function placeOf<T extends z.ZodType>(cursor: string, schema: T): z.output<T> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw new ApiProblem('bad-request', 'cursor: is not the cursor of a page; take `next` of the page before')
  }
}

/** Returns a page of a list whose items have ids. */
export function pageById<T extends { readonly id: string }>(
  all: readonly T[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): { items: T[]; next: string | null; total: number } {
  const after =
    cursor === undefined ? -1 : all.findIndex(({ id }) => id === placeOf(cursor, z.object({ id: z.string() })).id)
  const items = all.slice(after + 1, after + 1 + limit)
  const last = items.at(-1)
  const next = last && after + 1 + limit < all.length ? cursorOf({ id: last.id }) : null
  return { items, next, total: all.length }
}
