import { z } from 'zod'
import { type Answer, Base64, type ProviderCall, type ProviderRoute, RawJson } from '../types.ts'
import { jsonBody } from '../values.ts'
import { bad } from './expression.ts'

/** https://learn.microsoft.com/en-us/graph/json-batching */
const part = z.object({
  id: z.string().min(1),
  url: z.string().min(1),
  body: z.unknown().optional(),
  method: z.stringFormat('method', /^(?:GET|POST|PUT|PATCH|DELETE)$/i),
  headers: z.record(z.string(), z.string()).default({}),
  dependsOn: z.array(z.string()).default([]),
})
const input = z.object({ requests: z.array(part).min(1).max(20) })
type Part = z.output<typeof part>

/** Texts of another type than text are octets in base64. */
function bodyIn({ body, headers }: Part): { readonly body?: string | Buffer } {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (typeof body !== 'string') return body === undefined ? {} : { body: JSON.stringify(body) }
  return { body: type.startsWith('text/') ? body : Buffer.from(body, 'base64') }
}

async function batch(call: ProviderCall): Promise<Answer> {
  const { requests } = jsonBody(call, input)
  if (new Set(requests.map(({ id }) => id.toLowerCase())).size < requests.length) bad('Two requests have the same id.')
  const statuses = new Map<string, number>()
  const responses: object[] = []
  while (responses.length < requests.length) {
    const one =
      requests.find(({ id, dependsOn }) => !statuses.has(id) && dependsOn.every((other) => statuses.has(other))) ??
      bad('dependsOn: a request waits for itself, or for one that is not in the batch.')
    const { id, method, url, headers, dependsOn } = one
    const target = call.path.replace('$batch', () => url.replace(/^\//, ''))
    const isFree = dependsOn.every((other) => Number(statuses.get(other)) < 400)
    const answer = isFree
      ? await call.batched({ method: method.toUpperCase(), target, headers, ...bodyIn(one) })
      : { status: 424, headers: JSON_TYPE, octets: Buffer.from(JSON.stringify(FAILED)) }
    statuses.set(id, answer.status)
    const isJson = /json/.test(answer.headers['Content-Type'] ?? '')
    const body = isJson ? new RawJson(answer.octets) : new Base64(answer.octets, 'base64')
    responses.push({ id, status: answer.status, headers: answer.headers, ...(answer.octets.length > 0 && { body }) })
  }
  return { body: { responses } }
}

const JSON_TYPE: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' }
const FAILED = { error: { code: 'FailedDependency', message: 'A request that this one depends on failed.' } }

export const batchRoutes: readonly ProviderRoute[] = [
  { method: 'POST', path: /^\/(?:v1\.0|beta)\/\$batch$/, run: batch },
]
