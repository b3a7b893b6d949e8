import { urlOf } from '../base.ts'
import { type InputOf, type OperationName, type OutputOf, routes } from './operations.ts'
import { Problem, problemIn } from './problem.ts'

export type { InputOf, OutputOf, Schemas } from './operations.ts'

/** The options of a call besides its input. */
interface CallOptions {
  readonly signal?: AbortSignal
  /** The content of an operation that takes an upload. */
  readonly body?: Blob | string
  /** Media type of the content. */
  readonly type?: string
  /** An Authorization field: only to log on. */
  readonly authorization?: string
  /** Lets the request outlive the page. */
  readonly keepalive?: boolean
}

/** Called with each problem that means that nobody is logged on. */
let onLoggedOff = (): void => {}
export const whenLoggedOff = (listener: () => void): void => {
  onLoggedOff = listener
}

/**
 * Calls an operation of the API by its name: `call('messages.list', { query: 'is:unread' })`.
 * Parameters of the path, of the query and of the JSON body are all in `input`.
 * @throws Problem
 */
export async function call<Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
  options: CallOptions = {},
): Promise<OutputOf<Name>> {
  const response = await send(name, input as Record<string, unknown>, options)
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 204) return undefined as OutputOf<Name>
  if (type.startsWith('application/json')) return (await response.json()) as OutputOf<Name>
  return (type.startsWith('text/') ? await response.text() : await response.blob()) as OutputOf<Name>
}

async function send(name: OperationName, input: Record<string, unknown>, options: CallOptions): Promise<Response> {
  const [method] = routes[name]
  const isQuery = method === 'GET' || method === 'DELETE' || options.body !== undefined
  const { signal, keepalive, authorization, body, type } = options
  const sent = body ?? (isQuery ? undefined : JSON.stringify(withoutPath(name, input)))
  const response = await fetch(urlTo(name, isQuery ? input : pathOnly(name, input)), {
    method,
    headers: {
      // The lab then asks for no dialog of the browser.
      'Sealpost-Console': '1',
      ...(sent === undefined ? {} : { 'Content-Type': type ?? 'application/json' }),
      ...(authorization ? { Authorization: authorization } : {}),
    },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal ? { signal } : {}),
    ...(keepalive ? { keepalive } : {}),
  }).catch((error: Error) => {
    if (error.name === 'AbortError') throw error
    throw new Problem({ status: 0, kind: 'unreachable', title: 'The lab does not answer', detail: error.message })
  })
  if (response.ok) return response
  const problem = await problemIn(response)
  if (problem.status === 401 && !authorization) onLoggedOff()
  throw problem
}

const parametersIn = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

const withoutPath = (name: OperationName, input: Record<string, unknown>): Record<string, unknown> => {
  const inPath = parametersIn(routes[name][1])
  return Object.fromEntries(Object.entries(input).filter(([key]) => !inPath.includes(key)))
}

const pathOnly = (name: OperationName, input: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(parametersIn(routes[name][1]).map((key) => [key, input[key]]))

/** Returns the URL of an operation, for frames, images, downloads and links to the API. */
export function urlTo<Name extends OperationName>(name: Name, input: InputOf<Name> | Record<string, unknown>): string {
  const given = input as Record<string, unknown>
  const [, path] = routes[name]
  const inPath = parametersIn(path)
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(given)) {
    if (value !== undefined && !inPath.includes(key)) query.set(key, String(value))
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(given[key])))
  return urlOf(filled) + (query.size > 0 ? `?${query}` : '')
}
