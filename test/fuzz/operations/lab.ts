import { Agent, request } from 'node:http'
import { operationNamed } from '../../../src/api/invoke.ts'
import { pathParameters, usesQuery } from '../../../src/api/openapi/parameters.ts'
import type { Operation } from '../../../src/api/operation.ts'
import { type Answer, basic, bearer, HttpLab } from '../../servers/http/client.ts'
import { SIGNING_REQUEST } from '../../servers/http/operation-cases.ts'
import type { FuzzCall } from './calls.ts'
import { Link } from './values.ts'

const [ci, watcher, one] = ['ci', 'watcher', 'one'].map((name) => `${name}-token`.repeat(4)) as [string, string, string]

const credentials: Readonly<Record<FuzzCall['caller'], Record<string, string>>> = {
  administrator: bearer(ci),
  reader: bearer(watcher),
  tenant: bearer(one),
  account: basic('bob', 'secret'),
  nobody: {},
}

/** Keys of answers whose values other calls can use, and the kind of link that each becomes. */
const kinds: Readonly<Record<string, string>> = {
  next: 'next',
  friendlyName: 'friendlyName',
  thumbprint: 'thumbprint',
  serial: 'serial',
  newsgroup: 'newsgroup',
  authority: 'authority',
  pem: 'pem',
}

/** No call takes longer, however busy the machine is: one that does hangs. */
const HANG_MS = 120_000

/** A call with its links filled in. */
export interface SentCall {
  readonly call: FuzzCall
  readonly input: Readonly<Record<string, unknown>>
  readonly answer: Answer
}

/** A lab that is fuzzed: makes calls, and remembers what their answers name. */
export class FuzzedLab implements AsyncDisposable {
  readonly http: HttpLab
  readonly #agent = new Agent({ keepAlive: true })
  readonly #known = new Map<string, string[]>()

  private constructor(http: HttpLab) {
    this.http = http
    this.#known.set('csr', [SIGNING_REQUEST])
  }

  static async start(options: Parameters<typeof HttpLab.start>[1]): Promise<FuzzedLab> {
    const http = await HttpLab.start(
      {
        directory: { accounts: ['alice', 'bob', 'one-eve'].map((user) => ({ user, password: 'secret' })) },
        access: {
          tokens: [
            { name: 'ci', token: ci },
            { name: 'watcher', role: 'reader', token: watcher },
            { name: 'one', role: 'tenant', token: one },
          ],
        },
        virtualServers: [
          { protocol: 'smtp' },
          { protocol: 'imap4' },
          { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
        ],
      },
      options,
    )
    return new FuzzedLab(http)
  }

  /** Gives the lab what calls need, and learns what it has. */
  async prepare(): Promise<void> {
    const { lab } = this.http
    const mail = { to: 'alice@lab.test', subject: 'Fuzz', text: 'x', html: '<b>x</b>' }
    for (const filename of ['a.txt', 'b"\r\n.html']) {
      await lab.deliver(
        { ...mail, attachments: [{ filename, content: '<script>' }] },
        { from: 'shop@lab.test', to: 'alice' },
      )
    }
    const certificate = { for: 'imap4', key: 'p256' }
    for (const [operation, input = {}] of [
      ['authorities.create', { name: 'queue', key: 'p256', type: 'standalone' }],
      ['requests.cancel', { for: 'imap4' }],
      ['certificates.issue', { ...certificate, authority: 'queue' }],
      ['authorities.requests'],
      ['requests.cancel', { for: 'imap4' }],
      ['certificates.issue', { ...certificate, friendlyName: 'prepared' }],
      ['certificates.export', { name: 'prepared', format: 'pem' }],
      ['certificates.unassign', { for: 'imap4' }],
      ['certificates.delete', { name: 'prepared' }],
      ['messages.list', { limit: 3 }],
      ['folders.list', { account: 'alice' }],
      ['sessions.list'],
      ['virtualServers.list'],
      ['authorities.list'],
      ['newsgroups.create', { name: 'lab.prepared' }],
    ] as const) {
      await this.#prepared(operation, input)
    }
    const { pem } = (await this.#prepared('requests.create', { for: 'imap4', key: 'p256' })).body
    await this.#prepared('authorities.sign', {}, { type: 'application/pkcs10', content: pem ?? '' })
  }

  async #prepared(operation: string, input: object, upload?: { type: string; content: string }): Promise<Answer> {
    const call = { operation, input: { ...input }, upload, caller: 'administrator', base: '', damage: 'none' } as const
    return (await this.send({ ...call, mode: 'valid' })).answer
  }

  /** Makes a call. Rejects if the lab closes the connection without an answer. */
  async send(call: FuzzCall): Promise<SentCall> {
    const { base, caller, damage } = call
    const operation = operationNamed(call.operation)
    const input = this.#filled(call.input) as Record<string, unknown>
    const inPath = pathParameters(operation.path)
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => encoded(input[name]))
    const others = Object.entries(input).filter(([name]) => !inPath.includes(name))
    const query = usesQuery(operation) ? others.map(([name, value]) => `${encoded(name)}=${encoded(value)}`) : []
    if (damage === 'twice' && query[0]) query.push(query[0])
    if (damage === 'parameter') query.push('unknwon=1')
    const body = this.#bodyOf(operation, call, Object.fromEntries(others))
    const type = damage === 'type' ? 'text/plain' : (call.upload?.type ?? 'application/json')
    const answer = await this.#exchange(`${base}/api/v1${path}${query.length > 0 ? `?${query.join('&')}` : ''}`, {
      method: operation.method,
      headers: { ...credentials[caller], ...(body === undefined ? {} : { 'content-type': type }) },
      body,
    })
    this.#learn(call.operation, answer.body)
    if (typeof answer.body === 'string' && answer.body.startsWith('-----BEGIN')) this.#remember('pem', answer.body)
    // A fault can strike the requests of this test.
    if (operation.name === 'faults.add') await this.http.lab.faults.clear()
    return { call, input, answer }
  }

  #bodyOf(operation: Operation, { upload, damage }: FuzzCall, input: object): string | undefined {
    if (upload) return this.#filled(upload.content) as string
    if (usesQuery(operation)) return undefined
    const json = JSON.stringify(input)
    return damage === 'body' ? json.slice(0, -1) : json
  }

  #filled(value: unknown): unknown {
    if (value instanceof Link) {
      const all = this.#known.get(value.kind) ?? []
      return all[value.at % Math.max(1, all.length)] ?? 'none'
    }
    if (Array.isArray(value)) return value.map((each) => this.#filled(each))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#filled(each)]))
  }

  /** Ids are those of the resource that the operation is about. */
  #learn(operation: string, body: Answer['body']): void {
    const tag = operation === 'wait' ? 'messages' : operation.split('.')[0]
    for (const { id } of [body, ...(Array.isArray(body?.items) ? body.items : [])]) {
      if (id !== undefined) this.#remember(`${tag}.id`, `${id}`)
    }
    this.#learnLinks(body)
  }

  #learnLinks(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    for (const [name, each] of Object.entries(value)) {
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
      if (kind !== undefined && typeof each === 'string') this.#remember(kind, each)
      else this.#learnLinks(each)
    }
  }

  /** Keeps the latest 50 of a kind. */
  #remember(kind: string, value: string): void {
    const all = this.#known.get(kind) ?? []
    if (all.includes(value)) return
    this.#known.set(kind, [...all, value].slice(-50))
  }

  /** Sends the path as it is: `fetch` would resolve `..`. */
  #exchange(
    path: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body: string | undefined },
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
      const { port } = this.http.lab.server('http')
      const signal = AbortSignal.timeout(HANG_MS)
      const options = { host: '127.0.0.1', port, path, method, agent: this.#agent, signal }
      const sent = request({ ...options, headers: { ...headers, ...length } }, async (response) => {
        const parts: Buffer[] = []
        for await (const part of response) parts.push(part)
        const text = Buffer.concat(parts).toString()
        const fields = Object.entries(response.headers).map(([name, value]): [string, string] => [name, `${value}`])
        const isJson = /json/.test(response.headers['content-type'] ?? '')
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers(fields),
          body: isJson ? JSON.parse(text) : text,
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.http[Symbol.asyncDispose]()
  }
}

/** Encodes a value for a URL. Lone surrogates become U+FFFD, as in browsers. */
const encoded = (value: unknown): string =>
  encodeURIComponent(Buffer.from(typeof value === 'object' ? JSON.stringify(value) : `${value}`).toString())
