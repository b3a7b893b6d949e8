import type { Context } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { assertAccess, type Caller } from '../../src/api/caller.ts'
import { parseInput } from '../../src/api/invoke.ts'
import { outputTypes } from '../../src/api/openapi/parameters.ts'
import { Content, type Operation, type Upload } from '../../src/api/operation.ts'
import { runAnywhere } from '../../src/api/other-nodes.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { isMapping } from '../../src/core/values/mapping.ts'
import type { ServerContext } from '../service.ts'
import { assertAcceptable } from './accept.ts'
import { bodyOf, hasBody, parseJson } from './body.ts'
import { browserSessions, cookieField, cookieIn, cookieName, newSecret } from './browser-sessions.ts'
import { credentialIn } from './caller.ts'
import { contentAnswer } from './content-answer.ts'
import type { Env } from './env.ts'
import { OWN } from './like.ts'

/** Longest JSON body, besides the messages in it, which have the limit of the virtual server. */
const MAX_JSON_OCTETS = 1024 * 1024
/** Longest JSON body of the APIs of other products, with messages. */
const MAX_MESSAGES_OCTETS = 32 * 1024 * 1024

/** Runs an operation for a request, and answers with its result. @throws ApiProblem, and the errors of the lab */
export async function runOperation(
  operation: Operation,
  api: Api,
  caller: Caller,
  c: Context<Env>,
  context: ServerContext,
): Promise<Response> {
  assertAccess(caller, operation.access)
  assertAcceptable(c.req.header('Accept'), outputTypes(operation))
  const upload = operation.upload && (await uploadOf(operation, c, context.config.limits.messageSize))
  // Attachments are in base64.
  const maxOctets =
    MAX_JSON_OCTETS + (operation.takesMessages ? Math.ceil((context.config.limits.messageSize * 4) / 3) : 0)
  const input = await inputOf(operation, c, { hasUpload: upload !== undefined, maxOctets })
  const call = { api, caller, input, signal: c.req.raw.signal, standing: c.get('standing'), ...(upload && { upload }) }
  const result = await runAnywhere(operation, call)
  if (operation.browserSession)
    c.header('Set-Cookie', await browserCookie(operation.browserSession, api, caller, c, context))
  if (result instanceof Content) return contentAnswer(c, result)
  if (operation.output === undefined) return c.body(null, 204)
  // A dry run creates nothing.
  const isDryRun = (input as { readonly dryRun?: boolean }).dryRun === true
  const location = isDryRun ? undefined : operation.location?.(result)
  if (location !== undefined) c.header('Location', basePath(c) + location)
  return contentAnswer(c, {
    type: 'application/json',
    octets: JSON.stringify(result),
    ...(operation.status && !isDryRun ? { status: operation.status } : {}),
    ...(operation.hasEtag ? { version: (result as { readonly etag: string }).etag } : {}),
  })
}

/** Returns the Set-Cookie field of a browser that logs on or off. */
async function browserCookie(
  change: 'starts' | 'ends',
  api: Api,
  caller: Caller,
  c: Context<Env>,
  context: ServerContext,
): Promise<string> {
  const { host, channel } = c.get('origin')
  const name = cookieName(host, channel.secure)
  const known = cookieIn(c.req.header('Cookie'), name)
  const sessions = browserSessions(api)
  if (known !== undefined && change === 'ends') await sessions.end(known)
  if (change === 'ends') return cookieField(name, undefined, channel.secure)
  const value = newSecret()
  const credential = await credentialIn(c.req.header('Authorization'), caller, value, context)
  if (!credential) return cookieField(name, known, channel.secure)
  await sessions.start(value, credential)
  return cookieField(name, value, channel.secure)
}

/** Returns the path of the API that a request uses: `/api/v1`, or that of a tenant. */
function basePath(c: Context<Env>): string {
  const own = c.get('isBelowOwn') ? OWN : ''
  return own + (/^.*?\/api\/v1(?=\/)/.exec(c.req.path)?.[0] ?? '')
}

/** Reads the body of an upload. @throws ApiProblem `unsupported-type`, `too-large` */
async function uploadOf(
  { upload: types = [], uploadOctets }: Operation,
  c: Context<Env>,
  messageOctets: number,
): Promise<Upload> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!types.includes(type))
    throw new ApiProblem('unsupported-type', `send ${types.join(' or ')}, not ${type || 'nothing'}`)
  return { type, octets: await bodyOf(c, uploadOctets?.[type] ?? messageOctets) }
}

/** Returns the validated input: path parameters, and those of the query or the JSON body. @throws ApiProblem */
async function inputOf(
  operation: Operation,
  c: Context<Env>,
  { hasUpload, maxOctets }: { readonly hasUpload: boolean; readonly maxOctets: number },
): Promise<unknown> {
  const { tenant: _, ...params } = c.req.param() as Record<string, string>
  const inQuery = hasUpload || operation.method === 'GET' || operation.method === 'DELETE'
  if (!inQuery) assertJson(c)
  const given = inQuery ? queryOf(operation, c) : await jsonOf(c, maxOctets)
  const ifMatch = 'ifMatch' in operation.input.shape ? c.req.header('If-Match') : undefined
  const conditions = ifMatch === undefined ? {} : { ifMatch }
  return parseInput(operation, { ...given, ...conditions, ...params }, inQuery ? 'parameters' : 'json')
}

const JSON_TYPES = ['application/json', 'application/merge-patch+json']

/** @throws ApiProblem `unsupported-type` for a body of another type */
function assertJson(c: Context<Env>): void {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type === undefined || JSON_TYPES.includes(type) || !hasBody(c)) return
  throw new ApiProblem('unsupported-type', `send ${JSON_TYPES[0]}, not ${type}`)
}

function queryOf(operation: Operation, c: Context<Env>): Record<string, string> {
  const given: Record<string, string> = {}
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length > 1) throw new ApiProblem('bad-request', `${name}: is given ${values.length} times; give it once`)
    given[name] = values[0] ?? ''
  }
  for (const name of Object.keys(c.req.param())) {
    if (name in given && name !== 'tenant')
      throw new ApiProblem('bad-request', `${name}: is a part of the path of ${operation.path}`)
  }
  return given
}

/** Returns the JSON object in the body; an empty one without a body. @throws ApiProblem `bad-request`, `invalid`, `too-large` */
export async function jsonOf(c: Context<Env>, maxOctets = MAX_MESSAGES_OCTETS): Promise<Record<string, unknown>> {
  const octets = await bodyOf(c, maxOctets)
  if (octets.every((octet) => octet === 0x20 || (octet >= 0x09 && octet <= 0x0d))) return {}
  const value = parseJson(octets)
  if (isMapping(value)) return value
  throw new ApiProblem('invalid', 'the body must be a JSON object, such as { "subject": "Hello" }')
}
