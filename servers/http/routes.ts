import type { Context, Hono } from 'hono'
import type { z } from 'zod'
import type { Api } from '../../src/api/api.ts'
import { type Access, assertAccess, type Caller } from '../../src/api/caller.ts'
import { Content, type Method } from '../../src/api/operation.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { ServerContext } from '../service.ts'
import { contentAnswer } from './content-answer.ts'
import { callerIn, type Env } from './env.ts'
import { jsonOf } from './operations.ts'

/** A request to an API of another product. */
export interface RouteCall {
  readonly api: Api
  readonly context: ServerContext
  readonly caller: Caller
  readonly c: Context<Env>
}

/** A path of an API of another product. */
export interface Route {
  readonly method: Method
  /** Below the base of the API, with parameters as `:id`. */
  readonly path: string
  readonly access: Access
  run(call: RouteCall): Promise<Response> | Response
}

type Run = Route['run']

/** Creates a route for those who may read. */
export const reads = (path: string, run: Run): Route => ({ method: 'GET', path, access: 'read', run })

/** Creates a route for those who may change mail. */
export const changes = (method: Method, path: string, run: Run): Route => ({ method, path, access: 'change', run })

/** Creates a route for administrators. */
export const administers = (method: Method, path: string, run: Run): Route => ({
  method,
  path,
  access: 'administer',
  run,
})

/** Adds routes below a base. The rights of the caller are checked first. */
export function mount(
  app: Hono<Env>,
  base: string,
  routes: readonly Route[],
  shared: Pick<RouteCall, 'api' | 'context'>,
): void {
  for (const { method, path, access, run } of routes) {
    app.on(method, base + path, (c) => {
      const caller = callerIn(c)
      assertAccess(caller, access)
      return run({ ...shared, caller, c })
    })
  }
}

/** Creates routes that answer 501 and say why. */
export const notOffered = (method: Method, paths: readonly string[], why: string): Route[] =>
  paths.map((path) => ({
    method,
    path,
    access: 'read',
    run() {
      throw new ApiProblem('not-offered', why)
    },
  }))

/** Returns a parameter that counts something. @throws ApiProblem `bad-request` */
export function countParameter(c: Context<Env>, name: string, missing: number): number {
  const text = c.req.query(name) ?? ''
  if (text === '') return missing
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ApiProblem('bad-request', `${name}: ${text} is not a number; write it as ${name}=${missing}`)
}

/** Keys whose values keep their own keys: the names of header fields. */
const VERBATIM = 'headers'

/**
 * Reads a JSON body as Mailpit does: the case of keys does not matter, `null` is a missing value, and unknown keys have no
 * effect. The keys of `schema` are in lower case.
 * @throws ApiProblem `bad-request`
 */
export async function bodyOf<T extends z.ZodType>({ c }: RouteCall, schema: T): Promise<z.output<T>> {
  const parsed = schema.safeParse(lowerKeys(await jsonOf(c)))
  if (parsed.success) return parsed.data
  const detail = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  throw new ApiProblem('bad-request', detail)
}

function lowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== null)
  return Object.fromEntries(
    entries.map(([key, one]) => {
      const lower = key.toLowerCase()
      return [lower, lower === VERBATIM ? one : lowerKeys(one)]
    }),
  )
}

/** Returns a part of the path. */
export const pathParameter = (c: Context<Env>, name: string): string => c.req.param(name) ?? ''

/** Answers with content, whose memory is counted until it is sent. */
export const contentResponse = (c: Context<Env>, content: Content): Response => contentAnswer(c, content)

export const jsonResponse = (c: Context<Env>, value: unknown): Response =>
  contentResponse(c, new Content('application/json', JSON.stringify(value)))
