import { afterAll, beforeAll } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'

/** The answer to a request, its body parsed if it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
  readonly body: any
}

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
}

/** A lab with SMTP, IMAP4 and HTTP, and a client of its API. */
export class HttpLab implements AsyncDisposable {
  #lab: TestLab | undefined

  private constructor(lab?: TestLab) {
    this.#lab = lab
  }

  /** Starts a lab with the configuration of a file. */
  static async ofFile(file: string): Promise<HttpLab> {
    return new HttpLab(await startLab(file))
  }

  static async start(input: LabInput = {}, options: Parameters<typeof startLab>[1] = {}): Promise<HttpLab> {
    return new HttpLab(await started(input, options))
  }

  /** Returns a lab that runs while the tests of the file do. */
  static ofTests(input: LabInput = {}): HttpLab {
    const http = new HttpLab()
    beforeAll(async () => {
      http.#lab = await started(input)
    })
    afterAll(() => http[Symbol.asyncDispose]())
    return http
  }

  get lab(): TestLab {
    if (this.#lab) return this.#lab
    throw new Error('the lab starts before the first test')
  }

  get base(): string {
    return `http://127.0.0.1:${this.lab.server('http').port}`
  }

  /** Sends a request. Paths without a leading `/` are below `/api/v1`. */
  async request(path: string, { method, headers = {}, json, body, signal }: RequestOptions = {}): Promise<Answer> {
    const url = `${this.base}${path.startsWith('/') ? path : `/api/v1/${path}`}`
    const response = await fetch(url, {
      method: method ?? (json === undefined && body === undefined ? 'GET' : 'POST'),
      headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab?.stop()
  }
}

const started = (input: LabInput, options: Parameters<typeof startLab>[1] = {}): Promise<TestLab> =>
  startLab({ virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http' }], ...input }, options)

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
export const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
