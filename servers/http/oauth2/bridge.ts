import { type IncomingHttpHeaders, type IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { KoaContext, Provider } from 'oidc-provider'
import type { Connection } from '../../../src/net/connection.ts'

/** A request as oidc-provider, which is an application of Koa, shall see it. */
export interface BridgedRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer | undefined
  readonly isSecure: boolean
  readonly connection: Connection
  /** The code that the person has from a device, if the URL has it. */
  readonly userCode: string | undefined
}

/** The two sides of an exchange in the form of Node.js. Nothing is written to the client. */
interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

const requests = new WeakMap<IncomingMessage, BridgedRequest>()
/** Where the bridge finds what became of a request. */
const outcomes = new WeakMap<IncomingMessage, Outcome>()

interface Outcome {
  context?: KoaContext
  error?: unknown
}

/** Returns the request that a context of Koa answers. */
export const requestOf = (ctx: KoaContext): BridgedRequest => requests.get(ctx.req) as BridgedRequest

/** Returns an exchange for a request. */
export function exchangeFor(request: BridgedRequest): Exchange {
  const { method, target, headers, body, isSecure, connection } = request
  const stream = Readable.from(body && body.length > 0 ? [body] : [], { objectMode: false })
  const incoming = Object.assign(stream, {
    method,
    url: target,
    headers,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    socket: { encrypted: isSecure, remoteAddress: connection.remote.address },
  }) as unknown as IncomingMessage
  requests.set(incoming, request)
  return { incoming, outgoing: new ServerResponse(incoming) }
}

/** Lets a provider hand over its answers instead of writing them. */
export function bridge(provider: Provider): (request: BridgedRequest) => Promise<Response> {
  provider.use(async (ctx, next) => {
    ctx.respond = false
    const outcome = outcomes.get(ctx.req)
    if (!outcome) throw new Error('a request came past the bridge')
    outcome.context = ctx
    // Of pages that are not our own: the package adds the hash of its script, which sends a form (response_mode=form_post).
    ctx.res.setHeader(POLICY, PACKAGE_PAGE_POLICY)
    try {
      await next()
    } catch (error) {
      outcome.error = error
    }
  })
  const handle = provider.callback()
  return async (request) => {
    const { incoming, outgoing } = exchangeFor(request)
    const outcome: Outcome = {}
    outcomes.set(incoming, outcome)
    await handle(incoming, outgoing)
    if (outcome.error !== undefined) throw outcome.error
    return responseOf(outcome.context as KoaContext)
  }
}

const POLICY = 'Content-Security-Policy'
const PACKAGE_PAGE_POLICY = "default-src 'none'; script-src 'none'; base-uri 'none'; frame-ancestors 'none'"

function responseOf({ res, status, body }: KoaContext): Response {
  const headers = headersOf(res)
  const policy = headers.get(POLICY)
  // https://www.w3.org/TR/CSP3/#grammardef-serialized-source-list: `none` stands alone.
  if (policy?.includes("script-src 'none' ")) headers.set(POLICY, policy.replace("script-src 'none'", 'script-src'))
  if (body === null || body === undefined || body === '') return new Response(null, { status, headers })
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  return new Response(isRaw ? (body as string) : JSON.stringify(body), { status, headers })
}

/** The length is that of another form of the body. Pages of other sites may not call the lab (guard.ts), so CORS has no use. */
const DROPPED = /^(?:content-length|access-control-.*)$/i

function headersOf(outgoing: ServerResponse): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(outgoing.getHeaders())) {
    if (DROPPED.test(name)) continue
    for (const one of [value].flat()) if (one !== undefined) headers.append(name, `${one}`)
  }
  return headers
}
