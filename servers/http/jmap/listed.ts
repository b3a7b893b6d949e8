import { createHash } from 'node:crypto'
import { type Condition, meetsAll } from '../../../src/api/messages/search.ts'
import { isBoolean, rowOf } from './checks.ts'
import { filterConditions, whenever } from './filters.ts'
import { type DataType, type JsonObject, type MethodCall, MethodError, type Query, shownValue } from './types.ts'

/** The filters of a query: each checks its value, and returns the test. */
export type Filters<T> = Readonly<Record<string, (value: unknown) => (one: T) => boolean>>
/** The properties of a sort: each returns what is compared. */
export type Sorts<T> = Readonly<Record<string, (one: T) => string | number | boolean>>

/** Returns the test of a filter. @throws MethodError `unsupportedFilter`, `invalidArguments` */
export function testOf<T>(filter: JsonObject | null, filters: Filters<T>): (one: T) => boolean {
  const conditions: readonly Condition<T>[] = filterConditions<T>(filter, (name, value) => {
    const compile = rowOf(filters, name)
    return compile && whenever(compile(value))
  })
  return (message) => meetsAll(conditions, { message })
}

/** Returns the comparison of a sort. @throws MethodError `unsupportedSort` */
export function orderOf<T>(sort: readonly JsonObject[], sorts: Sorts<T>): (a: T, b: T) => number {
  const keys = sort.map(({ property, isAscending = true, collation = '' }) => {
    const of = rowOf(sorts, property)
    if (of && isBoolean(isAscending) && ['', 'i;ascii-casemap', 'i;unicode-casemap'].some((one) => one === collation))
      return { of, isAscending }
    throw new MethodError('unsupportedSort', `${shownValue(property)}: sort by ${Object.keys(sorts).join(', ')}`)
  })
  return (a, b) => {
    for (const { of, isAscending } of keys) {
      const [left, right] = [of(a), of(b)]
      if (left !== right) return left < right === isAscending ? -1 : 1
    }
    return 0
  }
}

/** Returns the objects that a query finds, in its order. @throws MethodError */
export const findObjects = <T>(
  objects: Iterable<T>,
  { filter, sort }: Query,
  filters: Filters<T>,
  sorts: Sorts<T>,
): T[] => [...objects].filter(testOf(filter, filters)).sort(orderOf(sort, sorts))

/** Returns `get` and `state` of a data type whose objects are few, and whose state is a digest of them. */
export const listed = (
  list: (call: MethodCall) => Promise<readonly JsonObject[]>,
): Pick<DataType, 'get' | 'state'> => ({
  get: async (call, ids) => (await list(call)).filter(({ id }) => ids?.includes(id as string) ?? true),
  state: async (call) => digestOf(JSON.stringify(await list(call))),
})

/** Returns a short digest of a text, as a state. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)
