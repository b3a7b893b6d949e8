import { once } from 'node:events'
import { request } from 'node:https'
import { expect, it } from 'vitest'
import type { ProviderName } from '../../../../src/core/config/schema/providers.ts'
import { HttpLab } from '../client.ts'

// The requests of the documentation of each provider and of its SDKs, at the address of the provider, over TLS.

const refusals = ['unverified-sender', 'rate-limit', 'quota', 'too-large', 'suspended'] as const

/** Returns the keys of a provider: a good one, and one for each refusal. */
export const keysOf = (good: string, of: (answer: string) => string) => [
  { secret: good },
  ...refusals.map((answer) => ({ secret: of(answer), answer })),
]

const template = { subject: 'Hello {{name}}', text: 'Welcome, {{name}}' }
const shared = { senders: ['lab.test'], suppressed: ['gone@lab.test'], templates: { welcome: template, '1': template } }

type Fields = Readonly<Record<string, string>>

/** A request. */
interface Sent {
  readonly headers?: Fields
  readonly json?: unknown
  readonly text?: string
  readonly form?: Readonly<Record<string, string>> | FormData
}

/** A request, and the answer that the documentation has for it. */
type Row = readonly [name: string, target: string, sent: Sent, status: number, answer: unknown, headers?: object]

/** Starts a lab with a provider for the tests of a file. Returns the function that makes a test of each row. */
export function documented(
  provider: ProviderName,
  host: string,
  more: { readonly keys?: ReturnType<typeof keysOf> } = {},
) {
  const http = HttpLab.ofTests({
    certificates: 'memory',
    alternativeNames: [host],
    directory: { mode: 'open' },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', providers: [{ provider, ...shared, ...more }] }],
  })
  return (rows: readonly Row[]): void =>
    it.each(rows.map((row) => [...row] as const))('%s', async (_, target, sent, status, answer, headers = {}) => {
      const got = await ask(http, target, sent)
      expect(got).toEqual({ status, answer, headers: expect.objectContaining(headers) })
    })
}

/** Sends a request to the address of a provider, as an application behind a hosts entry does. */
async function ask({ lab }: HttpLab, target: string, { headers = {}, json, text: plain, form }: Sent) {
  const [method, address = ''] = target.split(' ')
  const { hostname, pathname, search } = new URL(address)
  const encoded =
    form === undefined ? undefined : new Response(form instanceof FormData ? form : new URLSearchParams(form))
  const type = json === undefined ? encoded?.headers.get('content-type') : 'application/json'
  const body = json === undefined ? (encoded ? Buffer.from(await encoded.arrayBuffer()) : plain) : JSON.stringify(json)
  const asked = request({
    host: '127.0.0.1',
    port: lab.server('http').tlsPort,
    servername: hostname,
    ca: lab.ca,
    method,
    path: pathname + search,
    headers: { host: hostname, ...(type ? { 'content-type': type } : {}), ...headers },
  })
  asked.end(body)
  const [response] = await once(asked, 'response')
  let received = ''
  for await (const chunk of response) received += chunk
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  return { status: response.statusCode, headers: response.headers, answer: isJson ? JSON.parse(received) : received }
}

export const UUID = expect.stringMatching(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/)
export const text = (form: RegExp) => expect.stringMatching(form)
export const number = text(/^\d+$/)
