import type { z } from 'zod'
import { meetsAll } from '../../../../src/api/messages/search.ts'
import { type AccountMailbox, mailboxOf } from '../mailbox/mailbox.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { comparable, type Entity, type Item, propertyAt, readFilter, shaped } from './entity.ts'
import { GraphError } from './errors.ts'
import { bad } from './expression.ts'

/** A request for the mail of an account. */
export interface GraphRequest {
  readonly call: ProviderCall
  readonly mailbox: AccountMailbox
  /** The parameters of the path. Ids need no encoding. */
  readonly params: Readonly<Partial<Record<string, string>>>
  readonly query: URLSearchParams
}

const USER = '/(?:me|users/(?<user>[^/]+))'
/** A value in a path: `messages/ID` or `messages('ID')`. */
const VALUE = String.raw`(?:/|\(')(?<$1>[^/']+)(?:'\))?`

/** The folders above one, which its id alone names. */
const PARENTS = `(?:${VALUE.replace('?<$1>', '?:')}/childFolders)*{folder}`

/** Returns a route. @param path below the version or the user, with values such as `{user}/messages{id}` */
export function route(method: string, path: string, run: (request: GraphRequest) => Promise<Answer>): ProviderRoute {
  const form = path
    .replace('{user}', USER)
    .replace('{folder}', PARENTS)
    .replaceAll(/\{(\w+)\}/g, VALUE)
  return {
    method,
    path: new RegExp(`^/(?:v1\\.0|beta)${form}$`, 'i'),
    run: async (call) =>
      run({ call, mailbox: await mailboxOf(call), params: call.params, query: new URL(call.c.req.url).searchParams }),
  }
}

function whole({ query }: GraphRequest, name: string, fallback: number, least: number, most: number): number {
  const text = query.get(name) ?? `${fallback}`
  if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  return bad(`Invalid value '${text.slice(0, 50)}' for ${name} query option found: write ${least} to ${most}.`)
}

const names = (text: string | null): string[] => text?.split(',').map((one) => one.trim()) ?? []

/** Returns the properties that a request selects. @throws GraphError for an unknown one */
export function selected<M>({ query }: GraphRequest, entity: Entity<M>): string[] {
  const wanted = names(query.get('$select'))
  for (const name of wanted) propertyAt(entity, name)
  return wanted.length > 0 ? wanted : Object.keys(entity).filter((name) => !entity[name]?.onSelect)
}

/** Reads the query options of a list. https://learn.microsoft.com/en-us/graph/query-parameters @throws GraphError */
export function listQuery<M>(request: GraphRequest, entity: Entity<M>) {
  const { query } = request
  const [text, paths] = [query.get('$filter'), [] as string[]]
  const filter = text === null ? [] : readFilter(text, entity, paths)
  const order = names(query.get('$orderby') ?? query.get('$orderBy')).map((one) => {
    const [, path = '', way = 'asc'] = /^([\w/]+)(?:\s+(asc|desc))?$/i.exec(one) ?? []
    return { ...propertyAt(entity, path), path, isDescending: way.toLowerCase() === 'desc' }
  })
  // https://learn.microsoft.com/en-us/graph/api/user-list-messages
  if (text !== null && order.some(({ path }, at) => paths[at] !== path))
    throw new GraphError(400, 'InefficientFilter', 'The restriction or sort order is too complex for this operation.')
  const size = /maxpagesize\s*=\s*(\d+)/i.exec(preferences(request))?.[1]
  return {
    /** The conditions that must all hold. */
    filter,
    order,
    select: selected(request, entity),
    top: Math.min(Number(size ?? 1000), whole(request, '$top', Number(size ?? 10), 1, 1000)),
    skip: whole(request, '$skip', 0, 0, 999_999_999),
    /** Returns the values by which an item is ordered. */
    valuesOf: (item: Item<M>): (string | number)[] => order.map(({ get, isDate }) => comparable(get(item), isDate)),
    /** Compares two lists of values by the order, and then by the values after it, the greatest first. */
    compare(a: readonly unknown[], b: readonly unknown[]): number {
      const at = a.findIndex((value, index) => value !== b[index])
      if (at === -1) return 0
      return (a[at] as string) < (b[at] as string) === (order[at]?.isDescending ?? true) ? 1 : -1
    },
  }
}

/** Returns a link to a request with other query options. States become tokens; those that are undefined are left out. */
export function linkTo(
  { call, query }: GraphRequest,
  name: 'next' | 'delta',
  options: Readonly<Record<string, unknown>>,
) {
  const params = new URLSearchParams(query)
  for (const [option, value] of Object.entries(options)) {
    const text = typeof value === 'object' ? Buffer.from(JSON.stringify(value)).toString('base64url') : `${value}`
    if (value === undefined) params.delete(option)
    else params.set(option, text)
  }
  return { [`@odata.${name}Link`]: `${call.base}${call.path}?${`${params}`.replaceAll('%24', '$')}` }
}

/** Reads a token of a link. Undefined if the lab did not make it. */
export function readToken<T extends z.ZodType>(token: string, form: T): z.output<T> | undefined {
  try {
    return form.safeParse(JSON.parse(Buffer.from(token, 'base64url').toString())).data
  } catch {
    return undefined
  }
}

/** A delta in a path. */
export const DELTA = String.raw`(?:microsoft\.graph\.)?delta(?:\(\))?`
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

/** Answers with a page of a list. @param next the query options of the next page */
export function answerPage(
  request: GraphRequest,
  what: string,
  {
    value,
    total,
    next,
  }: { readonly value: readonly object[]; readonly total: number; readonly next?: object | undefined },
): Answer {
  const count = request.query.get('$count') === 'true' ? { '@odata.count': total } : {}
  return answer(request, what, { ...count, value, ...(next && linkTo(request, 'next', { ...next })) })
}

/** Answers with a page of items that are in memory. */
export function answerList<M>(request: GraphRequest, entity: Entity<M>, all: readonly M[], what: string): Answer {
  const { filter, valuesOf, compare, skip, top, select } = listQuery(request, entity)
  const found = all.map((message) => ({ message })).filter((item) => meetsAll(filter, item))
  found.sort((a, b) => compare(valuesOf(a), valuesOf(b)))
  const value = found.slice(skip, skip + top).map((item) => shaped(entity, item, select))
  const next = found.length > skip + top ? { $skip: skip + top } : undefined
  return answerPage(request, what, { value, total: found.length, next })
}
