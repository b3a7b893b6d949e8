import { randomUUID } from 'node:crypto'
import { Context } from 'hono'
import { isSameSecret } from '../../../src/accounts/directory/secrets.ts'
import type { Api } from '../../../src/api/api.ts'
import { problemOf } from '../../../src/api/problem-of.ts'
import { providerTitles } from '../../../src/core/config/schema/providers.ts'
import type { ServerContext } from '../../service.ts'
import { bodyOf } from '../body.ts'
import { contentAnswer } from '../content-answer.ts'
import type { Env } from '../env.ts'
import { adapters, type ProviderPlace } from './providers.ts'
import { type Answer, type BatchedRequest, type ErrorKind, type ProviderCall, ProviderError, RawJson } from './types.ts'

/** A message in base64, with what a request has besides. */
const bodyLimit = (messageOctets: number): number => 2 * messageOctets + 1024 * 1024
/** The part of a body that the transcript has. Long bodies are content of messages. */
const MAX_RECORDED = 8 * 1024

/** Answers a request to the API of a provider. */
export async function answerProvider(
  c: Context<Env>,
  api: Api,
  context: ServerContext,
  { config, tenant: tenantName, path }: ProviderPlace,
): Promise<Response> {
  const provider = await adapters[config.provider]()
  const { record } = c.get('connection')
  const { origin, pathname } = new URL(c.req.url)
  const base = `${origin}${pathname.endsWith(path) ? pathname.slice(0, -path.length) : ''}`
  try {
    const tenant = tenantName === undefined ? undefined : c.get('tenants').scope(tenantName)
    const body = await bodyOf(c, bodyLimit(context.config.limits.messageSize))
    if (body.length > 0) record.lines('in', body.toString('utf8', 0, MAX_RECORDED))
    const found = provider.routes.find((one) => one.method === c.req.method && one.path.test(path))
    const params = found?.path.exec(path)?.groups ?? {}
    const virtualServer = context.name
    const batched = (request: BatchedRequest) =>
      answerBatched(c, api, context, { config, tenant: tenantName, base }, request)
    const call = { api, context, c, provider, config, virtualServer, base, tenant, path, params, body, batched }
    // A provider knows the key before it knows the path.
    const identity = found?.isPublic ? { key: '' } : await identityOf(call)
    if (found) return respond(c, await found.run({ ...call, ...identity }))
    const what = `${c.req.method} ${path} of ${providerTitles[config.provider]}`
    throw new ProviderError('not-offered', `Sealpost does not offer ${what}; docs/providers.md lists what it offers`)
  } catch (cause) {
    const error = errorOf(cause)
    if (!error) throw cause
    record.refused(error.message)
    const { messages = 0, per = 60_000 } = context.config.limits.rate ?? {}
    const nowMs = context.clock.now()
    return respond(c, provider.errorOf(error, { limit: messages, nowMs, resetAtMs: nowMs + per }, { path, c }))
  }
}

/** Answers a request of a batch. */
async function answerBatched(
  c: Context<Env>,
  api: Api,
  context: ServerContext,
  { config, tenant, base }: Pick<ProviderPlace, 'config' | 'tenant'> & Pick<ProviderCall, 'base'>,
  { method, target, headers, body }: BatchedRequest,
) {
  const { record } = c.get('connection')
  const path = target.replace(/\?.*$/s, '')
  if (/\/\$?batch\b/i.test(path)) throw new ProviderError('invalid', 'A batch cannot be in a batch.')
  record.line('in', `${method} ${target}`)
  const { signal } = c.req.raw
  let request: Request
  try {
    request = new Request(base + target, { method, headers, signal, ...(body !== undefined && { body }) })
    const key = c.req.header('Authorization')
    if (key !== undefined && !request.headers.has('Authorization')) request.headers.set('Authorization', key)
  } catch (error) {
    throw new ProviderError('invalid', `${method} ${target}: ${(error as Error).message}`)
  }
  const one = new Context<Env>(request, { env: c.env })
  for (const name of ['connection', 'tenants', 'origin'] as const) one.set(name, c.get(name))
  const answer = await answerProvider(one, api, context, { config, tenant, path })
  record.line('out', `HTTP/1.1 ${answer.status}`)
  // The SDK of Microsoft Graph looks for `Content-Type` in this case.
  const titled = (name: string): string => name.replaceAll(/\b[a-z]/g, (first) => first.toUpperCase())
  const fields = Object.fromEntries(Array.from(answer.headers, ([name, value]) => [titled(name), value]))
  return { status: answer.status, headers: fields, octets: Buffer.from(await answer.arrayBuffer()) }
}

/** @throws ProviderError `bad-key`, or the refusal that the configuration has for the key */
async function identityOf(call: Omit<ProviderCall, 'key'>): Promise<Pick<ProviderCall, 'key' | 'account'>> {
  const { provider, config } = call
  const credential = await provider.credentialOf(call)
  if (!credential) throw new ProviderError('bad-key', 'the request has no key of the right form')
  const { id: given = '', shown, matches, account } = credential
  const key = shown.slice(-4)
  if (account || !config.keys) return { key, ...(account && { account }) }
  const own = config.keys.find(({ id = given, secret = '' }) => isSameSecret(id, given) && matches(secret))
  const { answer } = own ?? { answer: 'bad-key' as const }
  if (answer) throw new ProviderError(answer, `the configuration refuses the key that ends in ${key}: ${answer}`)
  return { key }
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  409: 'invalid',
  422: 'invalid',
  404: 'not-found',
  413: 'too-large',
  503: 'unavailable',
}

/** Returns the error for a problem of the lab itself; undefined for one that every client gets in the same form. */
function errorOf(cause: unknown): ProviderError | undefined {
  if (cause instanceof ProviderError) return cause
  const { status, message } = problemOf(cause)
  const kind = kinds[status]
  return kind && new ProviderError(kind, message)
}

function respond(c: Context<Env>, { status = 200, body = '', headers = {} }: Answer): Response {
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
  const octets = isJson ? jsonOf(body) : body
  const { 'Content-Type': type = isJson ? 'application/json' : 'text/plain; charset=utf-8', ...others } = headers
  if (octets.length === 0) return c.body(null, status as 200, others)
  c.get('connection').record.lines('out', octets.slice(0, MAX_RECORDED).toString())
  return contentAnswer(c, { type, octets, status, headers: others })
}

/** Returns JSON. What is JSON already, such as contents in base64, never is on the heap. */
function jsonOf(body: object): string | Buffer {
  const contents: Buffer[] = []
  const mark = randomUUID()
  const json = JSON.stringify(body, (_, value) => {
    if (!(value instanceof RawJson)) return value
    contents.push(value.octets)
    return mark
  })
  if (contents.length === 0) return json
  return Buffer.concat(
    json.split(`"${mark}"`).flatMap((piece, at) => [Buffer.from(piece), contents[at] ?? Buffer.alloc(0)]),
  )
}
