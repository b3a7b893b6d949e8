import type { Box } from './boxes.ts'
import { isBoolean, isString, optional } from './checks.ts'
import { type Filters, orderOf, type Sorts, testOf } from './listed.ts'
import { invalid, type MethodCall, type Query } from './types.ts'

/** Returns the ids of the mailboxes that a query finds. RFC 8621 section 2.3. @throws MethodError */
export function mailboxIds(call: MethodCall, boxes: ReadonlyMap<string, Box>, { filter, sort }: Query): string[] {
  const [sortAsTree, filterAsTree] = ['sortAsTree', 'filterAsTree'].map((name) => optional(call, name, isBoolean))
  const isOne = testOf(filter, filters)
  const compare = orderOf([...sort, { property: 'name' }, { property: 'id' }], sorts)
  const above = (box: Box): Box | undefined => (box.parentId === null ? undefined : boxes.get(box.parentId))
  const isFound = (box: Box): boolean => {
    const parent = filterAsTree ? above(box) : undefined
    return isOne(box) && (!parent || isFound(parent))
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
const filters: Filters<Box> = {
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

const sorts: Sorts<Box> = {
  name: ({ name }) => name.toLowerCase(),
  sortOrder: ({ sortOrder }) => sortOrder,
  parentId: ({ parentId }) => parentId ?? '',
  id: ({ id }) => id,
}
