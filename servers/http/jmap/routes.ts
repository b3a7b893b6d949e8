import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import type { Api } from '../../../src/api/api.ts'
import { contentDisposition } from '../../../src/api/messages/content-disposition.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { jmapLimits } from '../../../src/core/config/schema/jmap.ts'
import type { ServerContext } from '../../service.ts'
import { answerBody, bodyOf } from '../body.ts'
import { contentAnswer, SAFE_HEADERS } from '../content-answer.ts'
import { callerIn, type Env } from '../env.ts'
import { accountOf } from './account.ts'
import { octetsOfBlob } from './blobs.ts'
import { Concurrency } from './concurrency.ts'
import { type JmapCall, parseRequest, problemDetails, requestErrorOf, respond } from './endpoint.ts'
import { answerEventSource } from './event-source.ts'
import { leadPush } from './push-subscription.ts'
import { RequestError } from './request.ts'
import { sessionObject } from './session-object.ts'
import { keepUpload } from './uploads.ts'
import { answerWebSocket } from './web-socket.ts'

const WELL_KNOWN = '/.well-known/jmap'
const PATHS = /^(?:\/t\/[^/]+)?(?:\/\.well-known\/jmap|\/jmap\/.*)$/

/** Returns whether a path is one of JMAP, on a virtual server that offers it. */
export const isJmap = (path: string, { config }: Pick<ServerContext, 'config'>): boolean =>
  config.jmap !== 'off' && PATHS.test(path)

/** Returns whether a path takes files of every type. */
export const isUpload = (path: string): boolean => /\/jmap\/upload\/[^/]*$/.test(path)

/** Adds the paths of JMAP. The caller is an account. */
export function jmapRoutes(app: Hono<Env>, api: Api, context: ServerContext): void {
  leadPush(api, context)
  const requests = new Concurrency('maxConcurrentRequests')
  const uploads = new Concurrency('maxConcurrentUpload')
  const route =
    (answer: (call: JmapCall) => Promise<Response> | Response) =>
    async (c: Context<Env>): Promise<Response> => {
      const { config } = context.latest()
      const limits = jmapLimits(config.jmap)
      if (!limits) return c.notFound() as Response
      const account = await accountOf(api, callerIn(c))
      try {
        const connection = c.get('connection')
        const { record } = connection
        const facts = { account, limits, messageSize: config.limits.messageSize, sieve: context.latest().sieve }
        return await answer({ api, context, c, connection, record, ...facts })
      } catch (error) {
        if (error instanceof RequestError) return refusal(c, error)
        throw error
      }
    }
  for (const tenant of ['', '/t/:tenant']) {
    const session = route((call) => json(call, sessionObject(call, baseOf(call.c))))
    for (const path of [WELL_KNOWN, '/jmap/session']) app.get(tenant + path, session)
    const answer = route((call) => requests.run(call.account.id, call.limits, () => answerRequest(call)))
    app.post(`${tenant}/jmap/api`, answer)
    const upload = route((call) => uploads.run(call.account.id, call.limits, () => answerUpload(call)))
    app.post(`${tenant}/jmap/upload/:accountId`, upload)
    app.get(`${tenant}/jmap/eventsource`, route(answerEventSource))
    app.get(
      `${tenant}/jmap/ws`,
      route((call) => answerWebSocket(call, requests)),
    )
    // Clients such as meli leave the name empty.
    for (const name of [':name', ''])
      app.get(`${tenant}/jmap/download/:accountId/:blobId/${name}`, route(answerDownload))
  }
}

/** Answers a request to the API. RFC 8620 section 3.3. @throws RequestError */
async function answerRequest(call: JmapCall): Promise<Response> {
  const { c, limits } = call
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw new RequestError('notJSON', 'the request is not of the type application/json')
  const octets = await bodyOf(c, limits.maxSizeRequest).catch((error: unknown) => {
    throw requestErrorOf(error)
  })
  let isCut = false
  const cut = (): void => {
    isCut = true
  }
  const value = await respond({ ...call, signal: c.req.raw.signal, cut }, parseRequest(octets))
  return isCut ? answerHalf(c, JSON.stringify(value)) : json(call, value)
}

/** Sends the first half of a response, and closes the connection. */
function answerHalf(c: Context<Env>, text: string): Response {
  const { outgoing: response } = c.env
  const octets = Buffer.from(text)
  response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': 'application/json', 'Content-Length': octets.length })
  response.write(octets.subarray(0, octets.length / 2), () => response.destroy())
  return RESPONSE_ALREADY_SENT
}

/** @throws ApiProblem `not-found` */
function assertOwn({ c, account }: JmapCall): void {
  if (c.req.param('accountId') !== account.id)
    throw new ApiProblem('not-found', `the session has no account ${c.req.param('accountId')}`)
}

/** RFC 8620 section 6.1. @throws RequestError, ApiProblem, StoreError */
async function answerUpload(call: JmapCall): Promise<Response> {
  const { c, limits, account } = call
  assertOwn(call)
  const octets = await bodyOf(c, limits.maxSizeUpload).catch((error: unknown) => {
    throw requestErrorOf(error, 'maxSizeUpload')
  })
  const type = c.req.header('Content-Type') ?? 'application/octet-stream'
  const blobId = await keepUpload(call, octets)
  return json(call, { accountId: account.id, blobId, type, size: octets.length }, 201)
}

/** Longest type of a download; its characters are those of media types with parameters. RFC 9110 section 8.3.1. */
const TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:; ?[\w-]{1,50}=(?:[\w.-]{1,100}|"[ !#-[\]-~]{1,100}"))*$/

/** RFC 8620 section 6.2. @throws ApiProblem `not-found` */
async function answerDownload(call: JmapCall): Promise<Response> {
  const { c } = call
  assertOwn(call)
  const octets = await octetsOfBlob(call, c.req.param('blobId') ?? '')
  if (!octets) throw new ApiProblem('not-found', `there is no blob ${c.req.param('blobId')}`)
  const type = c.req.query('type') ?? ''
  // A blob never changes. Its HTML must not run as a page of the lab.
  return c.body(answerBody(octets, c) as never, 200, {
    'Content-Type': TYPE.test(type) ? type : 'application/octet-stream',
    'Content-Disposition': contentDisposition(c.req.param('name') ?? ''),
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cache-Control': 'private, immutable, max-age=31536000',
  })
}

/** Answers with a problem document. RFC 8620 section 3.6.1. */
function refusal(c: Context<Env>, error: RequestError): Response {
  c.get('connection').record.refused(error.message)
  return c.body(JSON.stringify(problemDetails(error)), 400, { 'Content-Type': 'application/problem+json' })
}

const json = ({ c }: JmapCall, value: object, status = 200): Response =>
  contentAnswer(c, { type: 'application/json', octets: JSON.stringify(value), status })

/** Returns the URL before the paths of JMAP, as the client has written it. */
function baseOf(c: Context<Env>): string {
  const { host = 'localhost', channel } = c.get('origin')
  const tenant = c.req.param('tenant')
  const path = getPath(c.req.raw)
  const before = path.endsWith(c.req.path) ? path.slice(0, -c.req.path.length) : ''
  return `${channel.secure ? 'https' : 'http'}://${host}${before}${tenant === undefined ? '' : `/t/${tenant}`}`
}
