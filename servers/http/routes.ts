import type { Context, Hono } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { type Access, assertAccess, type Caller } from '../../src/api/caller.ts'
import { Content, type Method } from '../../src/api/operation.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { ServerContext } from '../service.ts'
import { contentAnswer } from './content-answer.ts'
import { callerIn, type Env } from './env.ts'

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

/** Returns a part of the path. */
export const pathParameter = (c: Context<Env>, name: string): string => c.req.param(name) ?? ''

/** Answers with content, whose memory is counted until it is sent. */
export const contentResponse = (c: Context<Env>, content: Content): Response => contentAnswer(c, content)

export const jsonResponse = (c: Context<Env>, value: unknown): Response =>
  contentResponse(c, new Content('application/json', JSON.stringify(value)))
