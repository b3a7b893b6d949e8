import type { Condition, Known } from '../../../../src/api/messages/search.ts'
import type { EntryTest } from '../../../../src/storage/store/selection.ts'
import { bad, readExpression } from './expression.ts'

const OPERATORS = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  contains: (a, b) => `${a}`.includes(`${b}`),
  startswith: (a, b) => `${a}`.startsWith(`${b}`),
  endswith: (a, b) => `${a}`.endsWith(`${b}`),
} as const satisfies Record<string, (a: string | number, b: string | number) => boolean>
type Operator = keyof typeof OPERATORS
type Literal = string | number | boolean | null

/** An item of a list, of which as much is read as a property needs. */
export type Item<M> = Pick<Known<M>, 'message' | 'read'> & {
  readonly facts?: Pick<
    NonNullable<Known['facts']>,
    'subject' | 'from' | 'to' | 'cc' | 'bcc' | 'replyTo' | 'date' | 'messageId'
  >
  /** Whether bodies are shown as text. */
  readonly isText?: boolean
}

/** A property of an entity. */
export interface Property<M> {
  /** Its source: 0, the entry; 1, the facts; 2, the whole message. */
  readonly level: 0 | 1 | 2
  get(item: Item<M>): unknown
  /** Dates are compared as moments. */
  readonly isDate?: true
  /** Whether it is answered only if $select names it. */
  readonly onSelect?: true
  /** The paths inside its value that a filter can name. */
  readonly inner?: readonly string[]
  /** Returns the test of a store that finds the same; undefined if no store can tell. */
  stored?(operator: Operator, value: Literal): EntryTest | undefined
}
export type Entity<M> = Readonly<Record<string, Property<M>>>

/** Returns a function that makes properties with a source. */
export const propertiesOf =
  <M>(level: Property<M>['level']) =>
  (get: Property<M>['get'], more: Partial<Property<M>> = {}): Property<M> => ({ level, get, ...more })

/** Returns a function that makes properties of what is in memory. */
export const propertiesInMemory =
  <M>() =>
  (get: (one: M) => unknown, more: Partial<Property<M>> = {}): Property<M> => ({
    level: 0,
    get: ({ message }) => get(message),
    ...more,
  })

/** Returns the selected properties of an item. */
export const shaped = <M>(entity: Entity<M>, item: Item<M>, select: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(select.map((name) => [name, entity[name]?.get(item) ?? null]))

/** Returns the property of a path such as `from/emailAddress/address`. @throws GraphError */
export function propertyAt<M>(entity: Entity<M>, path: string): Property<M> {
  const [name = '', ...inner] = path.split('/')
  const found = Object.hasOwn(entity, name) ? entity[name] : undefined
  if (!found || (inner.length > 0 && !found.inner?.includes(inner.join('/'))))
    return bad(`Could not find a property named '${path.slice(0, 200)}' on type 'microsoft.graph'.`)
  return inner.length === 0 ? found : { ...found, get: (item) => inner.reduce(inside, found.get(item)) }
}

const inside = (value: unknown, name: string): unknown =>
  Array.isArray(value) ? value.map((one) => inside(one, name)) : (value as Record<string, unknown> | undefined)?.[name]

/** Returns a value as filters and orders compare it: Exchange ignores case. */
export function comparable(value: unknown, isDate = false): string | number {
  if (isDate) return Date.parse(`${value}`)
  if (typeof value === 'object' && value)
    return comparable((value as { emailAddress?: { name?: string } }).emailAddress?.name)
  return typeof value === 'number' ? value : `${value ?? ''}`.toLowerCase()
}

const SYNTAX = {
  token: /'(?:[^']|'')*'|-?\d[\w.:+-]*|[a-z_][\w/]*|\S/gi,
  or: /^or$/i,
  and: /^and$/i,
  not: /^not$/i,
  adjacent: /(?!)/,
}
const [PATH, FUNCTION, OPERATOR] = [/^[a-z_]/i, /^(?:contains|startswith|endswith)$/i, /^(?:eq|ne|[gl][te])$/i]

function literalOf(text: string): Literal {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  const isJson = /^(?:-?\d+(?:\.\d+)?|true|false|null)$/.test(text)
  return isJson ? (JSON.parse(text.replace(/^(-?)0+(?=\d)/, '$1')) as Literal) : text
}

/**
 * Reads a $filter. https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html section 5.1.1.
 * @param paths gets the paths of the properties in it
 * @throws GraphError
 */
export const readFilter = <M>(text: string, entity: Entity<M>, paths: string[]): Condition<M>[] =>
  readExpression(text, SYNTAX, (take, need) => {
    const list = take(/.\/any$/)?.slice(0, -4)
    const alias = list && need(/^\($/) && need(PATH)
    if (alias) need(/^:$/)
    const called = take(FUNCTION)
    if (called) need(/^\($/)
    const named = need(PATH)
    if (called) need(/^,$/)
    const operator = (called ?? need(OPERATOR)).toLowerCase() as Operator
    const value = literalOf(need(/^(?:'.*'|-?\d.*|true|false|null)$/s))
    if (called) need(/^\)$/)
    if (alias) need(/^\)$/)
    const path = alias && named.split('/')[0] === alias ? list + named.slice(alias.length) : named
    paths.push(path)
    return comparison(path, propertyAt(entity, path), operator, value)
  })

function comparison<M>(path: string, property: Property<M>, operator: Operator, value: Literal): Condition<M> {
  const { level, get, isDate, stored } = property
  const wanted = comparable(value, isDate)
  if (Number.isNaN(wanted)) bad(`Invalid filter clause: '${`${value}`.slice(0, 50)}' is not a date.`)
  const holds = (item: Item<M>): boolean =>
    [get(item)].flat().some((one) => OPERATORS[operator](comparable(one, isDate), wanted))
  const test = [{ ofEntry: (message: M) => holds({ message }) }, { ofFacts: holds }, { ofMessage: holds }][level]
  return {
    key: JSON.stringify(['$filter', path, operator, value]),
    negated: false,
    ...test,
    stored: stored?.(operator, value),
  }
}
