import { meetsAll } from '../../../src/api/messages/search.ts'
import type { Box } from './boxes.ts'
import { filterConditions, whenever } from './filters.ts'
import { isBoolean, isString, optional } from './standard.ts'
import { invalid, type JsonObject, type MethodCall, MethodError, type Query } from './types.ts'

/** Returns the ids of the mailboxes that a query finds. RFC 8621 section 2.3. @throws MethodError */
export function mailboxIds(call: MethodCall, boxes: ReadonlyMap<string, Box>, { filter, sort }: Query): string[] {
  const [sortAsTree, filterAsTree] = ['sortAsTree', 'filterAsTree'].map((name) => optional(call, name, isBoolean))
  const conditions = filterConditions<Box>(filter, (name, value) => {
    const filterOf = Object.hasOwn(filters, name) ? filters[name] : undefined
    return filterOf && whenever(filterOf(value))
  })
  const compare = comparison(sort)
  const above = (box: Box): Box | undefined => (box.parentId === null ? undefined : boxes.get(box.parentId))
  const isFound = (box: Box): boolean => {
    const parent = filterAsTree ? above(box) : undefined
    return meetsAll(conditions, { message: box }) && (!parent || isFound(parent))
  }
  /** The levels above a mailbox and itself. */
  const path = (box: Box): Box[] => {
    const parent = above(box)
    return [...(parent ? path(parent) : []), box]
  }
  const found = [...boxes.values()].filter(isFound).map((box) => (sortAsTree ? path(box) : [box]))
  return found.sort((a, b) => comparePaths(a, b, compare)).flatMap((levels) => levels.at(-1)?.id ?? [])
}

/** A parent comes before the mailboxes below it. */
function comparePaths(a: readonly Box[], b: readonly Box[], compare: (a: Box, b: Box) => number): number {
  for (const [level, one] of a.entries()) {
    const other = b[level]
    if (!other) return 1
    if (one !== other) return compare(one, other)
  }
  return a.length - b.length
}

const orNull = (value: unknown): string | null => {
  if (value === null || isString(value)) return value
  throw invalid('a value of the filter is neither a text nor null')
}
const boolean = (value: unknown): boolean => {
  if (isBoolean(value)) return value
  throw invalid('a value of the filter is neither true nor false')
}

/** The filters: each checks its value, and returns the test. */
const filters: Readonly<Record<string, (value: unknown) => (box: Box) => boolean>> = {
  parentId: (value) => ofValue(orNull(value), ({ parentId }) => parentId),
  role: (value) => ofValue(orNull(value), ({ role }) => role),
  hasAnyRole: (value) => ofValue(boolean(value), ({ role }) => role !== null),
  isSubscribed: (value) => ofValue(boolean(value), ({ isSubscribed }) => isSubscribed),
  name: (value) => {
    const part = (orNull(value) ?? '').toLowerCase()
    return ({ name }) => name.toLowerCase().includes(part)
  },
}

function ofValue<T>(value: T, of: (box: Box) => T): (box: Box) => boolean {
  return (box) => of(box) === value
}

const sorts: Readonly<Record<string, (box: Box) => string | number>> = {
  name: ({ name }) => name.toLowerCase(),
  sortOrder: ({ sortOrder }) => sortOrder,
  parentId: ({ parentId }) => parentId ?? '',
}

/** RFC 8621 section 2.3. Mailboxes that are equal are compared by name and id. @throws MethodError `unsupportedSort` */
function comparison(sort: readonly JsonObject[]): (a: Box, b: Box) => number {
  const keys = [...sort, { property: 'name' }].map(({ property, isAscending = true, collation = '' }) => {
    const of = isString(property) && Object.hasOwn(sorts, property) ? sorts[property] : undefined
    if (of && isBoolean(isAscending) && ['', 'i;ascii-casemap', 'i;unicode-casemap'].some((one) => one === collation))
      return { of, isAscending }
    throw new MethodError('unsupportedSort', 'Mailboxes are sorted by name, sortOrder or parentId, in any case')
  })
  return (a, b) => {
    for (const { of, isAscending } of keys) {
      const [left, right] = [of(a), of(b)]
      if (left !== right) return left < right === isAscending ? -1 : 1
    }
    return a.id < b.id ? -1 : Number(a.id > b.id)
  }
}
