import type { z } from 'zod'
import type { EntryTest } from '../../../../src/storage/store/types.ts'
import { type AccountMailbox, mailboxOf } from '../mailbox/mailbox.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { GraphError } from './errors.ts'

/** A request for the mail of an account. */
export interface GraphRequest {
  readonly call: ProviderCall
  readonly mailbox: AccountMailbox
  /** The parameters of the path. Ids need no encoding. */
  readonly params: Readonly<Partial<Record<string, string>>>
  readonly query: URLSearchParams
}

const USER = '/(?:me|users/(?<user>[^/]+))/'
/** A value in a path: `messages/ID` or `messages('ID')`. */
const VALUE = String.raw`(?:/|\(')(?<$1>[^/']+)(?:'\))?`

type Run = (request: GraphRequest) => Promise<Answer>

/** Returns a route. @param path below `me`, or after a `/` below the version, with values such as `messages{id}` */
export const route = (method: string, path: string, run: Run): ProviderRoute => ({
  method,
  path: new RegExp(`^/(?:v1\\.0|beta)${path.startsWith('/') ? '' : USER}${path.replaceAll(/\{(\w+)\}/g, VALUE)}$`, 'i'),
  run: async (call) =>
    run({ call, mailbox: await mailboxOf(call), params: call.params, query: new URL(call.c.req.url).searchParams }),
})

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
const FUNCTION = /^(?:contains|startswith|endswith)$/i
const OPERATOR = /^(?:eq|ne|[gl][te])$/i
export type Operator = keyof typeof OPERATORS
type Literal = string | number | boolean | null

/** A property of an entity. */
export interface Property<Item> {
  /** Its source: 0, the entry; 1, the facts; 2, the whole message. */
  readonly level: 0 | 1 | 2
  get(item: Item): unknown
  /** Dates are compared as moments. */
  readonly isDate?: true
  /** Whether it is answered only if $select names it. */
  readonly onSelect?: true
  /** The paths inside its value that a filter can name. */
  readonly inner?: readonly string[]
  /** Returns the test of a store that finds the same; undefined if no store can tell. */
  stored?(operator: Operator, value: Literal): EntryTest | undefined
}
export type Entity<Item> = Readonly<Record<string, Property<Item>>>

/** Returns a function that makes properties with a source. */
export const propertiesOf =
  <T>(level: Property<T>['level']) =>
  (get: Property<T>['get'], more: Partial<Property<T>> = {}): Property<T> => ({ level, get, ...more })

/** A part of a filter. */
export interface Clause<Item> {
  readonly level: number
  readonly paths: readonly string[]
  test(item: Item): boolean
  readonly stored?: EntryTest | undefined
  /** The parts that must all hold. */
  readonly all?: readonly Clause<Item>[]
}

const bad = (message: string): GraphError => new GraphError(400, 'BadRequest', message)

/** Returns a value as filters and orders compare it: Exchange ignores case. */
function comparable(value: unknown, isDate = false): string | number {
  if (isDate) return Date.parse(`${value}`)
  if (typeof value === 'object' && value)
    return comparable((value as { emailAddress?: { name?: string } }).emailAddress?.name)
  return typeof value === 'number' ? value : `${value ?? ''}`.toLowerCase()
}

/** Returns the property of a path such as `from/emailAddress/address`. @throws GraphError */
function propertyAt<Item>(entity: Entity<Item>, path: string): Property<Item> {
  const [name = '', ...inner] = path.split('/')
  const found = Object.hasOwn(entity, name) ? entity[name] : undefined
  if (!found || (inner.length > 0 && !found.inner?.includes(inner.join('/'))))
    throw bad(`Could not find a property named '${path.slice(0, 200)}' on type 'microsoft.graph'.`)
  return inner.length === 0 ? found : { ...found, get: (item) => inner.reduce(inside, found.get(item)) }
}

const inside = (value: unknown, name: string): unknown =>
  Array.isArray(value) ? value.map((one) => inside(one, name)) : (value as Record<string, unknown> | undefined)?.[name]

const MAX_DEPTH = 50
const TOKEN = /'(?:[^']|'')*'|-?\d[\w.:+-]*|[a-z_][\w/]*|\S/gi

/**
 * Parses a $filter. https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html section 5.1.1.
 * @throws GraphError that says where it is wrong
 */
function parseFilter<Item>(text: string, entity: Entity<Item>): Clause<Item> {
  const tokens = [...text.matchAll(TOKEN)]
  let next = 0
  const token = (): string => tokens[next]?.[0] ?? ''
  const fail = (): never => {
    const place = `at position ${tokens[next]?.index ?? text.length} in '${text.slice(0, 200)}'`
    throw bad(`Invalid filter clause: Syntax error ${place}.`)
  }
  const is = (word: string): boolean => token().toLowerCase() === word && ++next > 0
  const take = (word: string): void => {
    if (!is(word)) fail()
  }
  const matching = (form: RegExp): string => (form.test(token()) ? (tokens[next++]?.[0] as string) : fail())
  const path = (): string => matching(/^[a-z_]/i)
  const literal = (): Literal => {
    const found = matching(/^(?:'.*'|-?\d.*|true|false|null)$/s)
    if (found.startsWith("'")) return found.slice(1, -1).replaceAll("''", "'")
    return /^(?:-?\d+|true|false|null)$/.test(found)
      ? (JSON.parse(found.replace(/^(-?)0+(?=\d)/, '$1')) as Literal)
      : found
  }
  /** @param alias the name of the items of a list in `any`, and the path of the list */
  const comparison = (alias = '', list = ''): Clause<Item> => {
    const isFunction = FUNCTION.test(token())
    const name = isFunction ? path() : ''
    if (isFunction) take('(')
    const named = path()
    if (isFunction) take(',')
    const operator = (name || matching(OPERATOR)).toLowerCase() as Operator
    const value = literal()
    const place = named.split('/')[0] === alias ? list + named.slice(alias.length) : named
    const { level, isDate, get, stored } = propertyAt(entity, place)
    const wanted = comparable(value, isDate)
    if (Number.isNaN(wanted)) fail()
    if (isFunction) take(')')
    const holds = (one: unknown): boolean => OPERATORS[operator](comparable(one, isDate), wanted)
    const test = (item: Item): boolean => [get(item)].flat().some(holds)
    return { level, paths: [place], test, stored: stored?.(operator, value) }
  }
  const primary = (depth: number): Clause<Item> => {
    if (depth > MAX_DEPTH) fail()
    if (is('not')) {
      const { level, paths, test } = primary(depth + 1)
      return { level, paths, test: (item) => !test(item) }
    }
    const list = /^(.+)\/any$/.exec(token())?.[1]
    if (list === undefined && token() !== '(') return comparison()
    if (list !== undefined) next++
    take('(')
    const alias = list === undefined ? undefined : path()
    if (alias !== undefined) take(':')
    const clause = alias === undefined ? either(depth + 1) : comparison(alias, list)
    take(')')
    return clause
  }
  const series = (join: 'and' | 'or', part: (depth: number) => Clause<Item>) => (depth: number) => {
    const all = [part(depth)]
    while (is(join)) all.push(part(depth))
    const facts = { level: Math.max(...all.map(({ level }) => level)), paths: all.flatMap(({ paths }) => paths) }
    if (join === 'or' && all.length === 1) return all[0] as Clause<Item>
    const test = (item: Item): boolean => all[join === 'and' ? 'every' : 'some']((one) => one.test(item))
    return { ...facts, test, ...(join === 'and' && { all }) }
  }
  const either = series('or', series('and', primary))
  const clause = either(0)
  return next < tokens.length ? fail() : clause
}

/** The query options of a list. */
export interface ListQuery<Item> {
  /** The names of the properties that are answered. */
  readonly select: readonly string[]
  readonly top: number
  readonly skip: number
  /** The clauses that must all hold. */
  readonly filter: readonly Clause<Item>[]
  readonly order: readonly Property<Item>[]
  /** Returns the values by which an item is ordered. */
  valuesOf(item: Item): Values
  /** Compares two lists of values by the order, and then by the values after it, the greatest first. */
  compare(a: Values, b: Values): number
}

export type Values = readonly (string | number)[]

function whole({ query }: GraphRequest, name: string, fallback: number, least: number, most: number): number {
  const text = query.get(name) ?? `${fallback}`
  if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw bad(`Invalid value '${text.slice(0, 50)}' for ${name} query option found: write ${least} to ${most}.`)
}

const names = (text: string | null): string[] => text?.split(',').map((one) => one.trim()) ?? []

/** Returns the properties that a request selects. @throws GraphError for an unknown one */
export function selected<Item>({ query }: GraphRequest, entity: Entity<Item>): string[] {
  const wanted = names(query.get('$select'))
  for (const name of wanted) propertyAt(entity, name)
  return wanted.length > 0 ? wanted : Object.keys(entity).filter((name) => !entity[name]?.onSelect)
}

/** Reads the query options of a list. https://learn.microsoft.com/en-us/graph/query-parameters @throws GraphError */
export function listQuery<Item>(request: GraphRequest, entity: Entity<Item>): ListQuery<Item> {
  const text = request.query.get('$filter')
  const filter = text === null ? undefined : parseFilter(text, entity)
  const order = names(request.query.get('$orderby') ?? request.query.get('$orderBy')).map((one) => {
    const [, path = '', way = 'asc'] = /^([\w/]+)(?:\s+(asc|desc))?$/i.exec(one) ?? []
    return { path, property: propertyAt(entity, path), isDescending: way.toLowerCase() === 'desc' }
  })
  // https://learn.microsoft.com/en-us/graph/api/user-list-messages
  if (filter && order.some(({ path }, at) => filter.paths[at] !== path))
    throw new GraphError(400, 'InefficientFilter', 'The restriction or sort order is too complex for this operation.')
  const select = selected(request, entity)
  const size = /maxpagesize\s*=\s*(\d+)/i.exec(preferences(request))?.[1]
  const top = Math.min(Number(size ?? 1000), whole(request, '$top', Number(size ?? 10), 1, 1000))
  const skip = whole(request, '$skip', 0, 0, 999_999_999)
  const compare = (a: Values, b: Values): number => {
    const at = a.findIndex((value, index) => value !== b[index])
    if (at === -1) return 0
    return (a[at] as string) < (b[at] as string) === (order[at]?.isDescending ?? true) ? 1 : -1
  }
  return {
    ...{ select, top, skip, compare, filter: filter ? (filter.all ?? [filter]) : [] },
    order: order.map(({ property }) => property),
    valuesOf: (item) => order.map(({ property: { get, isDate } }) => comparable(get(item), isDate)),
  }
}

/** Returns the selected properties of an item. */
export const shaped = <Item>(entity: Entity<Item>, item: Item, select: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(select.map((name) => [name, entity[name]?.get(item) ?? null]))

/** Returns the URL of a request with other query options. Those that are undefined are left out. */
export function linkTo({ call, query }: GraphRequest, options: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams(query)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) params.delete(name)
    else params.set(name, `${value}`)
  }
  return `${call.base}${call.path}?${`${params}`.replaceAll('%24', '$')}`
}

/** Returns a state as a token in a URL. */
export const tokenOf = (state: object): string => Buffer.from(JSON.stringify(state)).toString('base64url')

/** Reads a token. Undefined if the lab did not make it. */
export function readToken<T extends z.ZodType>(token: string, form: T): z.output<T> | undefined {
  try {
    return form.safeParse(JSON.parse(Buffer.from(token, 'base64url').toString())).data
  } catch {
    return undefined
  }
}

/** A delta in a path. */
export const DELTA = String.raw`(?:microsoft\.graph\.)?delta(?:\(\))?`

/** Returns the link with which a client continues a delta: to its next page, or to later changes. */
export function deltaLink(request: GraphRequest, state: object, isWhole = true): object {
  const [name, used, other] = isWhole ? ['delta', '$deltatoken', '$skiptoken'] : ['next', '$skiptoken', '$deltatoken']
  return { [`@odata.${name}Link`]: linkTo(request, { [other]: undefined, [used]: tokenOf(state) }) }
}

/** Returns what a delta says of an item that is gone. */
export const removed = (id: string): object => ({ id, '@removed': { reason: 'deleted' } })
/** @throws GraphError for a state that the lab does not know */
export function lost(): never {
  throw new GraphError(410, 'syncStateNotFound', 'The sync state is not found; begin again without a token.')
}

const PREFERENCE =
  /outlook\.body-content-type\s*=\s*"?(?:text|html)"?|IdType\s*=\s*"?ImmutableId"?|odata\.maxpagesize\s*=\s*[1-9]\d{0,2}(?!\d)/gi

/** Returns the preferences of a request that the lab knows, as a list with commas. RFC 7240 section 2. */
export const preferences = ({ call }: GraphRequest): string =>
  (call.c.req.header('Prefer')?.match(PREFERENCE) ?? []).join(', ')

/** Answers with JSON. @param what the path of what it has, below the account */
export function answer(request: GraphRequest, what: string, json: object, status = 200): Answer {
  const { call, mailbox } = request
  const context = `${call.base}/v1.0/$metadata#users('${encodeURIComponent(mailbox.address)}')/${what}`
  const applied = preferences(request)
  // RFC 7240 section 3
  const headers = applied ? { 'Preference-Applied': applied } : {}
  return { status, headers, body: { '@odata.context': context, ...json } }
}

/** Answers with a page of items that are in memory. */
export function answerList<Item>(
  request: GraphRequest,
  entity: Entity<Item>,
  all: readonly Item[],
  what: string,
): Answer {
  const { filter, valuesOf, compare, skip, top, select } = listQuery(request, entity)
  const found = all.filter((item) => filter.every(({ test }) => test(item)))
  found.sort((a, b) => compare(valuesOf(a), valuesOf(b)))
  const value = found.slice(skip, skip + top).map((item) => shaped(entity, item, select))
  const more = found.length > skip + top ? { '@odata.nextLink': linkTo(request, { $skip: skip + top }) } : {}
  return answer(request, what, { ...countOf(request, found.length), value, ...more })
}

/** Returns the count of a list, if the request wants it. */
export const countOf = ({ query }: GraphRequest, count: number) =>
  query.get('$count') === 'true' ? { '@odata.count': count } : {}
