import type { Context } from 'hono'
import { sameSecret } from '../../../src/accounts/directory/secrets.ts'
import type { Account } from '../../../src/accounts/directory/types.ts'
import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { providerTitles } from '../../../src/core/config/schema/providers.ts'
import type { ServerContext } from '../../service.ts'
import { accountOfToken } from '../access-tokens.ts'
import { bodyOf } from '../body.ts'
import { contentAnswer } from '../content-answer.ts'
import type { Env } from '../env.ts'
import { placeOfProvider } from './places.ts'
import { errorOfProblem } from './send.ts'
import { providerNamed } from './table.ts'
import { type Answer, type LimitFacts, type ProviderCall, ProviderError } from './types.ts'

/** A message in base64, with what a request has besides. */
const bodyLimit = (messageOctets: number): number => 2 * messageOctets + 1024 * 1024
/** The part of a body that the transcript has. */
const MAX_RECORDED = 8 * 1024

/** Answers a request to the API of a provider. */
export async function answerProvider(c: Context<Env>, api: Api, context: ServerContext): Promise<Response> {
  const place = placeOfProvider(c.req.path)
  const config = context.config.providers.find(({ provider }) => provider === place?.name)
  if (!place || !config) throw new ApiProblem('not-found', `there is no ${c.req.path}`)
  const provider = await providerNamed(config.provider)
  const { record } = c.get('connection')
  try {
    const tenant = place.tenant === undefined ? undefined : c.get('tenants').scope(place.tenant)
    const body = await bodyOf(c, bodyLimit(context.config.limits.messageSize))
    if (body.length > 0) record.lines('in', shownBody(body))
    const found = provider.routes.find(({ method, path }) => method === c.req.method && path.test(place.path))
    const params = found?.path.exec(place.path)?.groups ?? {}
    const call = { api, context, c, provider, config, tenant, path: place.path, params, body }
    // A provider knows the key before it knows the path.
    const identity = found?.isPublic ? { key: '' } : await identityOf(call)
    if (!found) {
      const what = `${c.req.method} ${place.path} of ${providerTitles[config.provider]}`
      throw new ProviderError('not-offered', `Sealpost does not offer ${what}; docs/providers.md lists what it offers`)
    }
    return respond(c, await found.run({ ...call, ...identity }))
  } catch (cause) {
    const error = errorOfProblem(cause)
    if (!error) throw cause
    record.refused(error.message)
    return respond(c, provider.errorOf(error, limitFacts(context), { path: place.path, c }))
  }
}

/** Returns the beginning of a body as text. Long bodies are content of messages. */
const shownBody = (body: Buffer): string =>
  body.length > MAX_RECORDED
    ? `${body.toString('utf8', 0, MAX_RECORDED)}… (${body.length} octets)`
    : body.toString('utf8')

/** @throws ProviderError `bad-key`, or the refusal that the configuration has for the key */
async function identityOf(call: Omit<ProviderCall, 'key'>): Promise<Pick<ProviderCall, 'key' | 'account'>> {
  const { provider, config, context, c } = call
  if (!provider.credentialOf) return tokenOf(c.req.header('Authorization') ?? '', context)
  const credential = provider.credentialOf(call)
  if (!credential) throw new ProviderError('bad-key', 'the request has no key of the right form')
  const key = credential.shown.slice(-4)
  if (!config.keys) return { key }
  const own = config.keys.find(
    ({ id, secret = '' }) => (id === undefined || sameSecret(id, credential.id ?? '')) && credential.matches(secret),
  )
  if (!own) throw new ProviderError('bad-key', `the key that ends in ${key} is not one of this lab`)
  if (own.answer)
    throw new ProviderError(own.answer, `the configuration refuses the key that ends in ${key}: ${own.answer}`)
  return { key }
}

/** Returns the account of an access token of the lab. */
async function tokenOf(
  authorization: string,
  context: ServerContext,
): Promise<{ readonly key: string; readonly account: Account }> {
  const [, token = ''] = /^bearer\s+(\S+)$/i.exec(authorization) ?? []
  const found = await accountOfToken(token, context)
  if (!found) throw new ProviderError('bad-key', 'the request has no access token of this lab')
  if (!('user' in found)) throw new ProviderError('bad-key', found.why)
  return { key: token.slice(-4), account: found }
}

function limitFacts({ config, clock }: ServerContext): LimitFacts {
  const { messages = 0, per = 60_000 } = config.limits.rate ?? {}
  const nowMs = clock.now()
  return { limit: messages, nowMs, resetAtMs: nowMs + per }
}

function respond(c: Context<Env>, { status = 200, body, headers = {} }: Answer): Response {
  const octets = typeof body === 'object' ? JSON.stringify(body) : (body ?? '')
  const type = typeof body === 'object' ? 'application/json' : 'text/plain; charset=utf-8'
  if (octets !== '') c.get('connection').record.lines('out', octets)
  const { 'Content-Type': own = type, ...others } = headers
  if (octets === '') return c.body(null, status as 200, others)
  return contentAnswer(c, { type: own, octets, status, headers: others })
}
