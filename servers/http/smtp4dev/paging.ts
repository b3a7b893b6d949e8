import { ApiProblem } from '../../../src/api/problem.ts'
import type { RouteCall } from '../routes.ts'

/** Returns a parameter. As in smtp4dev, the case of its name does not matter. Empty without it. */
export function parameterOf({ c }: RouteCall, name: string): string {
  const wanted = name.toLowerCase()
  return Object.entries(c.req.query()).find(([key]) => key.toLowerCase() === wanted)?.[1] ?? ''
}

/** Returns a parameter that is a number from 1. @throws ApiProblem `bad-request` */
export function numberIn(call: RouteCall, name: string, missing: number): number {
  const text = parameterOf(call, name)
  if (text === '') return missing
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new ApiProblem('bad-request', `${name}: ${text} is not a number from 1; write it as ${name}=${missing}`)
}

const DEFAULT_PAGE_SIZE = 5

/** Returns the page of a list that a request asks for. @param shapesOf makes what is sent of the page */
export async function pagedList<T>(
  call: RouteCall,
  all: readonly T[],
  shapesOf: (page: readonly T[]) => Promise<object[]> | object[],
) {
  const page = numberIn(call, 'page', 1)
  const pageSize = numberIn(call, 'pageSize', DEFAULT_PAGE_SIZE)
  const first = (page - 1) * pageSize
  return {
    results: await shapesOf(all.slice(first, first + pageSize)),
    currentPage: page,
    pageCount: Math.ceil(all.length / pageSize),
    pageSize,
    rowCount: all.length,
    firstRowOnPage: first + 1,
    lastRowOnPage: Math.min(page * pageSize, all.length),
  }
}
