import type { IncomingMessage } from 'node:http'
import { type Context, Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import type { Api } from '../../src/api/api.ts'
import { refresh } from '../../src/api/invoke.ts'
import type { NotReady } from '../../src/api/lab.ts'
import { operations } from '../../src/api/operations.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { problemOf } from '../../src/api/problem-of.ts'
import type { LikeTool } from '../../src/core/config/schema/like.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { ServerContext } from '../service.ts'
import { hasBody } from './body.ts'
import { cookieIn, cookieName } from './browser-sessions.ts'
import { accountCallerOf, assertMayUseTool, callerOf, PAGE_CHALLENGE, standingOf, TOOL_CALLER } from './caller.ts'
import { clientSetupRoutes, isClientSetup, setupNames } from './client-setup.ts'
import { Console, type FileRequest } from './console.ts'
import { contentAnswer, SAFE_HEADERS, STREAM_HEADERS } from './content-answer.ts'
import { callerIn, type Env } from './env.ts'
import { streamEvents } from './events.ts'
import { greenMailHealth, greenMailRoutes } from './greenmail/routes.ts'
import { checkHost, checkRequest } from './guard.ts'
import { isJmap, isUpload, jmapRoutes } from './jmap/routes.ts'
import { allowsPage, likePlace, pageFields, toOwnPage, toolOf } from './like.ts'
import { mailDevHealth, mailDevRoutes } from './maildev/routes.ts'
import { mailHogRoutes } from './mailhog/routes.ts'
import { mailpitRoutes } from './mailpit/routes.ts'
import { mcpHandler } from './mcp.ts'
import { metricsResponse } from './metrics.ts'
import { isPolicyPath, mtaStsRoutes, policyNames } from './mta-sts.ts'
import { NtlmChallenge, offersNtlm } from './ntlm.ts'
import { isOAuth2 } from './oauth2/paths.ts'
import { oauth2Routes } from './oauth2/routes.ts'
import { runOperation } from './operations.ts'
import { originOf } from './origin.ts'
import { problemResponse } from './problems.ts'
import { providerPlace } from './providers/providers.ts'
import { jsonResponse, mount } from './routes.ts'
import { smtp4devRoutes } from './smtp4dev/routes.ts'
import { isReportPath, tlsReportRoutes } from './tls-reports.ts'
import { isUnsubscribeLink, unsubscribeRoutes } from './unsubscribe.ts'

const BASE = '/api/v1'
const METRICS = '/metrics'
const OK = { type: 'text/plain; charset=UTF-8', text: 'ok' }
/** The document of the API, also where people look for it who know the paths of the operations. */
const OPENAPI = ['/api/openapi.json', `${BASE}/openapi.json`]
type Health = Readonly<Record<string, { readonly type: string; readonly text: string }>>
/** Paths that say whether the process answers, with their answers. */
const LIVENESS: Health = { '/livez': OK, '/mailpit/livez': OK, ...mailDevHealth }
/** Paths that say whether the lab takes clients, with their answers if it does. */
const READINESS: Health = { '/readyz': OK, '/mailpit/readyz': OK, ...greenMailHealth }
const HEALTH: Health = { ...LIVENESS, ...READINESS }
/** The other paths that can only be read. */
const READ_ONLY = [...Object.keys(HEALTH), METRICS, '/api/docs', ...OPENAPI]

/** A Response cannot have this status. */
const SWITCHING_PROTOCOLS = 101
/** Answers that the record of the session lists as refusals: of log-ons, rights, hosts, sizes and rates. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 413, 421, 429])
const STORE_REFUSALS: ReadonlySet<string> = new Set(['store-failed', 'out-of-memory'])

/** The path of the application for requests to providers. */
const PROVIDER = '/-/provider'

/** Creates the HTTP application of a virtual server. */
export function createApp(
  api: Api,
  context: ServerContext,
  connectionOf: (request: IncomingMessage) => Connection,
): Hono<Env> {
  const { like, providers } = context.config
  const ofProvider = (request: Request) => providerPlace(request.headers.get('Host') ?? '', getPath(request), providers)
  const app = new Hono<Env>({
    getPath: (request) => {
      const path = getPath(request)
      return ofProvider(request) ? PROVIDER : likePlace(path, like).path
    },
  })
  const files = new Console()
  app.use(async (c, next) => {
    const connection = connectionOf(c.env.incoming)
    c.set('connection', connection)
    const { method, url } = c.env.incoming
    connection.record.line('in', `${method} ${url}`)
    connection.asked(c.req.path in READINESS)
    await next()
    // Streams of MCP.
    const isStream = c.res.headers.get('Content-Type')?.startsWith('text/event-stream')
    const page = c.get('page')
    const added = {
      ...SAFE_HEADERS,
      ...(isStream ? STREAM_HEADERS : {}),
      ...(page === undefined ? {} : pageFields(page)),
    }
    for (const [name, value] of Object.entries(added)) if (!c.res.headers.has(name)) c.header(name, value)
    connection.record.line('out', `HTTP/1.1 ${c.get('isUpgraded') ? SWITCHING_PROTOCOLS : c.res.status}`)
  })
  app.onError((error, c) => {
    const problem = problemOf(error)
    const { record } = c.get('connection')
    if (problem.problem === 'internal') context.log.error({ session: record.id, err: error }, 'http: request failed')
    if (error instanceof NtlmChallenge) return problemResponse(c, error)
    if (REFUSALS.has(problem.status) || STORE_REFUSALS.has(problem.problem)) record.refused(problem.message)
    const isPage =
      c.req.header('Sealpost-Console') !== undefined || /(?:^|[; ]|__Host-)sealpost-/.test(c.req.header('Cookie') ?? '')
    return problemResponse(
      c,
      withToolMember(problem, c.req.path),
      problem.status === 401 && isPage ? PAGE_CHALLENGE : {},
    )
  })
  app.use((c, next) => {
    const connection = c.get('connection')
    const { forwarded } = context.latest().config
    const origin = originOf((name) => c.req.header(name), connection, forwarded?.from ?? [], authorityOf(c))
    c.set('origin', origin)
    const refusal = connection.serveForwarded(origin.client)
    if (refusal !== undefined) throw new ApiProblem('busy', refusal)
    return next()
  })
  // Orchestrators ask these by IP address and without credentials.
  for (const [path, { type, text }] of Object.entries(HEALTH))
    app.get(path, (c) => {
      const reasons = path in READINESS ? api.lab.notReady() : []
      if (reasons.length > 0) throw notReady(reasons)
      return c.body(text, 200, { 'Content-Type': type })
    })
  app.use(async (c, next) => {
    c.set('tenants', context.tenants)
    const place = likePlace(getPath(c.req.raw), like)
    c.set('isBelowOwn', place.isBelowOwn)
    c.set('isTool', place.like !== undefined)
    const header = (name: string): string | undefined => c.req.header(name)
    const { host, channel, isLocal } = c.get('origin')
    const authorization = header('Authorization')
    const latest = context.latest()
    const isSetup = isClientSetup(c.req.path)
    const ofOAuth2 = isOAuth2(c.req.path)
    const isPolicy = isPolicyPath(c.req.path)
    const provider = c.req.path === PROVIDER ? ofProvider(c.req.raw) : undefined
    const isUnsubscribe = isUnsubscribeLink(c.req.path)
    const origin = header('Origin')
    const isAllowedPage = origin !== undefined && place.like !== undefined && allowsPage(place.like, origin)
    const ofJmap = isJmap(c.req.path, latest)
    // Without credentials that a browser adds. https://fetch.spec.whatwg.org/#cors-protocol-and-credentials
    if (isAllowedPage || ofJmap) c.set('page', ofJmap ? '*' : origin)
    const hasToken = /^bearer\s/i.test(authorization ?? '')
    // The API of JMAP checks the type itself. A form of another site could upload by a log-on of the browser.
    const takesAnyType = ofJmap && (!isUpload(c.req.path) || origin === undefined || hasToken)
    const facts = {
      method: c.req.method,
      host,
      origin: isAllowedPage ? undefined : origin,
      isWebSocket: c.env.accept !== undefined,
      site: isAllowedPage ? undefined : header('Sec-Fetch-Site'),
      mode: header('Sec-Fetch-Mode'),
      destination: header('Sec-Fetch-Dest'),
      hasToken,
      contentType: header('Content-Type')?.split(';')[0]?.trim().toLowerCase(),
      // Each provider takes types of its own.
      hasBody: !provider && !takesAnyType && hasBody(c),
      takesForms: ofOAuth2,
      takesUntyped: isUnsubscribe || toolOf(c.req.path) !== undefined,
      takesForeign: ofJmap,
    }
    const names = [
      ...latest.labNames,
      ...(isSetup ? setupNames(latest) : []),
      ...(ofJmap ? [latest.directory.domain] : []),
      ...(isPolicy ? policyNames(latest) : []),
      ...(provider?.host === undefined ? [] : [provider.host]),
      ...(ofOAuth2 ? [new URL(latest.oauth2.settings.issuer).hostname] : []),
    ]
    checkRequest(facts, channel, { ...latest, labNames: names })
    // A preflight has no credentials.
    if ((isAllowedPage || ofJmap) && facts.method === 'OPTIONS') return c.body(null, 204)
    // The request before may have changed something on another node.
    await refresh(api)
    // Mail programs and mail servers have no credentials. The authorization server has its own.
    if (isSetup || ofOAuth2 || isPolicy || isUnsubscribe || isReportPath(c.req.path)) return next()
    // Each provider has keys of its own.
    if (provider) {
      await context.api()
      return (await import('./providers/answer.ts')).answerProvider(c, api, context, provider)
    }
    if (facts.method === 'GET' || facts.method === 'HEAD') {
      const wanted = fileRequest(c)
      const page = like && files.isPage(wanted) ? toOwnPage(getPath(c.req.raw), like) : undefined
      if (page !== undefined) return c.redirect(page + new URL(c.req.url).search)
      const file = files.answer(wanted)
      if (file) return file
    }
    // Monitors of many nodes ask only for these, and should cost none of them the memory for all messages.
    if (c.req.path !== METRICS) await context.api()
    if (place.like || toolOf(c.req.path)) await api.begin()
    const connection = c.get('connection')
    if (place.like && place.like.users === undefined) {
      // A page that points its own name at the lab can send X-Forwarded-Host, but not another Host.
      checkHost(authorityOf(c), latest)
      c.set('standing', async () => () => undefined)
      c.set('caller', { ...TOOL_CALLER, virtualServer: context.name, session: connection.record.id })
      return next()
    }
    if (ofJmap) {
      const callerFacts = { authorization, target: authorityOf(c), isLocal, channel }
      const caller = await accountCallerOf(callerFacts, connection, latest)
      const all = { ...callerFacts, cookie: undefined, offersNtlm: false }
      c.set('standing', () => standingOf(caller, all, latest))
      c.set('caller', { ...caller, virtualServer: context.name, session: connection.record.id })
      return next()
    }
    const cookie = cookieIn(header('Cookie'), cookieName(host, channel.secure))
    const target = authorityOf(c)
    const ntlm = offersNtlm(connection, c.env.incoming.headers, latest)
    const callerFacts = { authorization, cookie, target, isLocal, channel, offersNtlm: ntlm }
    const caller = await callerOf(callerFacts, connection, latest)
    if (place.like) assertMayUseTool(caller, place.like)
    c.set('standing', () => standingOf(caller, callerFacts, latest))
    c.set('caller', {
      ...(place.like ? TOOL_CALLER : caller),
      virtualServer: context.name,
      session: connection.record.id,
    })
    return next()
  })
  clientSetupRoutes(app, api, context)
  mtaStsRoutes(app, context)
  tlsReportRoutes(app, api, context)
  unsubscribeRoutes(app, api)
  oauth2Routes(app, api, context)
  jmapRoutes(app, api, context)
  for (const base of [BASE, `/t/:tenant${BASE}`]) {
    for (const operation of operations) {
      const path = base + operation.path.replaceAll(/\{(\w+)\}/g, ':$1')
      app.on(operation.method, path, (c) => runOperation(operation, api, callerIn(c), c, context))
    }
    app.get(`${base}/events`, (c) => streamEvents(api, callerIn(c), c))
  }
  for (const tenant of ['', '/t/:tenant']) {
    mount(app, `${tenant}/mailpit`, mailpitRoutes, { api, context })
    mount(app, `${tenant}/mailhog`, mailHogRoutes, { api, context })
    mount(app, `${tenant}/maildev`, mailDevRoutes, { api, context })
    mount(app, `${tenant}/smtp4dev`, smtp4devRoutes, { api, context })
    mount(app, `${tenant}/greenmail`, greenMailRoutes, { api, context })
    // At the root only what is not a path of the lab's own API.
    const own = mailHogRoutes.filter(({ path }) => path.startsWith('/api/v2/'))
    mount(app, tenant, own, { api, context })
  }
  const mcp = mcpHandler(api, context)
  for (const path of ['/mcp', '/t/:tenant/mcp']) app.all(path, (c) => mcp(callerIn(c), c))
  app.get(METRICS, (c) => metricsResponse(api, callerIn(c), c))
  app.get('/api/docs', async (c) => {
    const { docsPage, DOCS_POLICY } = await import('../../src/api/docs-page.ts')
    return contentAnswer(c, {
      type: 'text/html; charset=UTF-8',
      octets: docsPage(operations),
      headers: { 'Content-Security-Policy': DOCS_POLICY },
    })
  })
  const openApi = async (c: Context<Env>): Promise<Response> => {
    const [{ openApiDocument }, { loadExamples }] = await Promise.all([
      import('../../src/api/openapi/document.ts'),
      import('../../src/api/openapi/examples.ts'),
    ])
    return jsonResponse(c, openApiDocument(operations, await loadExamples()))
  }
  for (const path of OPENAPI) app.get(path, openApi)
  for (const [path, methods] of methodsByPath()) answerOtherMethods(app, path, methods)
  app.notFound((c) => {
    const { method, path } = c.req
    return problemResponse(
      c,
      new ApiProblem('not-found', `there is no ${method} ${path}; /api/openapi.json lists what there is`),
    )
  })
  return app
}

function notReady(reasons: readonly NotReady[]): ApiProblem {
  return new ApiProblem('not-ready', reasons.map(({ detail }) => detail).join('; '), { reasons })
}

function fileRequest(c: Context<Env>): FileRequest {
  return {
    path: c.req.path,
    accept: c.req.header('Accept') ?? '',
    acceptEncoding: c.req.header('Accept-Encoding') ?? '',
    ifNoneMatch: c.req.header('If-None-Match'),
  }
}

/** Returns what the client believes it talks to. @throws ApiProblem `bad-request` for two of them */
function authorityOf(c: Context<Env>): string | undefined {
  const { url = '', rawHeaders, httpVersion } = c.env.incoming
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  // RFC 9112 section 3.2
  if (hosts.length > 1) throw new ApiProblem('bad-request', 'the request has several Host fields; send one')
  if (hosts.length === 0 && httpVersion !== '1.0')
    throw new ApiProblem('bad-request', 'the request has no Host field; add it')
  // RFC 9112 section 3.2.2
  return url.startsWith('/') ? c.req.header('Host') : new URL(c.req.url).host
}

/** Returns the lab's own paths with their methods. `/queue/flush` comes before `/queue/:id`, which would match it. */
function methodsByPath(): Map<string, string[]> {
  const found = new Map<string, string[]>(READ_ONLY.map((path) => [path, ['GET']]))
  const own = [{ path: '/events', method: 'GET' }, ...operations]
  for (const base of [BASE, `/t/:tenant${BASE}`]) {
    for (const { path, method } of own) {
      const whole = base + path.replaceAll(/\{(\w+)\}/g, ':$1')
      found.set(whole, [...(found.get(whole) ?? []), method])
    }
  }
  const parameters = (path: string): number => path.split('/:').length
  return new Map([...found].sort(([a], [b]) => parameters(a) - parameters(b)))
}

/** RFC 9110 sections 9.3.7 and 15.5.6. */
function answerOtherMethods(app: Hono<Env>, path: string, methods: readonly string[]): void {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
  app.all(path, (c) => {
    if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow: allow })
    const why = `${c.req.path} has no ${c.req.method}; it has ${allow}`
    throw new ApiProblem('method-not-allowed', why, {}, { Allow: allow })
  })
}

/** The member of an error that says why, in the APIs of tools. */
const ERROR_MEMBERS: Partial<Readonly<Record<LikeTool, string>>> = {
  mailpit: 'Error',
  maildev: 'error',
  greenmail: 'message',
}

/** Returns a problem as the clients of a tool read it, too. */
function withToolMember(problem: ApiProblem, path: string): ApiProblem {
  const tool = toolOf(path)
  const member = tool && ERROR_MEMBERS[tool]
  if (member === undefined) return problem
  return new ApiProblem(
    problem.problem,
    problem.message,
    { [member]: problem.message, ...problem.more },
    problem.headers,
  )
}
