import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { problemOf } from '../../../../src/api/problem-of.ts'
import { headerBlockEnd, headerFields, headerValue } from '../../../../src/mail/format/headers.ts'
import { type Answer, type ProviderCall, ProviderError, type ProviderRoute } from '../types.ts'
import { type GmailCall, invalid } from './account.ts'

const MAX_REQUESTS = 100

/**
 * Returns the route of batches: requests of `application/http` in one multipart body, which run one after the other with the
 * token of the batch. https://developers.google.com/workspace/gmail/api/guides/batch
 */
export const batchRoute = (routes: readonly ProviderRoute[]): ProviderRoute => ({
  method: 'POST',
  path: /^\/batch(?:\/gmail\/v1)?$/,
  async run(call) {
    const type = call.c.req.header('Content-Type') ?? ''
    const [, boundary] = /^multipart\/mixed;.*\bboundary="?([^";]+)"?/is.exec(type) ?? []
    if (boundary === undefined) throw invalid('The batch is not multipart/mixed with a boundary')
    const parts = call.body.toString('latin1').split(`--${boundary}`).slice(1)
    const requests = parts.filter((part) => !part.startsWith('--')).map((part) => part.replace(/^\r?\n/, ''))
    if (requests.length > MAX_REQUESTS) throw invalid(`The batch has more than ${MAX_REQUESTS} requests`)
    const own = `batch_${randomUUID()}`
    let body = ''
    for (const request of requests)
      body += `--${own}\r\n${await answered(call, routes, Buffer.from(request, 'latin1'))}\r\n`
    return { body: `${body}--${own}--\r\n`, headers: { 'Content-Type': `multipart/mixed; boundary=${own}` } }
  },
})

/** Runs a request of a batch. Returns the part of the answer. */
async function answered(call: ProviderCall, routes: readonly ProviderRoute[], part: Buffer): Promise<string> {
  const id = headerValue(part, headerFields(part), 'content-id')?.trim().replace(/^</, '<response-')
  const http = part.subarray(headerBlockEnd(part))
  const { status = 200, body = '' } = await run(call, routes, http).catch((cause: unknown) => refused(call, cause))
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const lines = [
    'Content-Type: application/http',
    ...(id === undefined ? [] : [`Content-ID: ${id}`]),
    '',
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=UTF-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${text}`
}

async function run(call: ProviderCall, routes: readonly ProviderRoute[], http: Buffer): Promise<Answer> {
  const [, method, target = ''] = /^\s*([A-Z]+) (\/\S*)/.exec(http.toString('latin1', 0, 16_384)) ?? []
  const url = target !== '' && URL.canParse(target, call.base) ? new URL(target, call.base) : undefined
  if (!url) throw invalid('A request of the batch has no request line')
  const path = url.pathname.replaceAll(/\/{2,}/g, '/')
  const route = routes.find((one) => one.method === method && one.path.test(path) && !path.startsWith('/upload'))
  if (!route) throw new ProviderError('not-offered', `Sealpost does not offer ${method} ${path} in a batch`)
  const lineEnd = http.indexOf('\n', http.indexOf(`${method}`)) + 1
  const body = http.subarray(headerBlockEnd(http, lineEnd))
  const inner: GmailCall = { ...call, path, params: route.path.exec(path)?.groups ?? {}, body, query: url.searchParams }
  return route.run(inner)
}

function refused({ provider, path, c, context }: ProviderCall, cause: unknown): Answer {
  const { status, message } = cause instanceof ProviderError ? { status: 0, message: '' } : problemOf(cause)
  const kind = status === 404 ? 'not-found' : status < 500 ? 'invalid' : 'unavailable'
  const error = cause instanceof ProviderError ? cause : new ProviderError(kind, message)
  const nowMs = context.clock.now()
  return provider.errorOf(error, { limit: 0, nowMs, resetAtMs: nowMs }, { path, c })
}
