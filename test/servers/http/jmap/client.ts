import type { Answer, HttpLab } from '../client.ts'

/** All capabilities that requests of tests use by default. */
const USING = ['core', 'mail', 'submission', 'vacationresponse', 'quota', 'blob', 'sieve', 'mdn', 'smimeverify']

/** A response of a method. */
// biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
export type MethodResponse = [name: string, args: any, callId: string]

/** An account that uses JMAP. */
export class JmapClient {
  readonly #http: HttpLab
  readonly user: string
  #capabilities?: Promise<object>

  constructor(http: HttpLab, user = 'alice') {
    this.#http = http
    this.user = user
  }

  get headers(): Record<string, string> {
    return { authorization: `Basic ${Buffer.from(`${this.user}:secret`).toString('base64')}` }
  }

  async session() {
    return (await this.#http.request('/.well-known/jmap', { headers: this.headers })).body
  }

  /** Sends any request to the API. */
  post(json: unknown): Promise<Answer> {
    return this.#http.request('/jmap/api', { json, headers: this.headers })
  }

  /** Calls methods with the account's id added, and returns their responses. The first session decides which capabilities exist. */
  async call(...calls: readonly (readonly [name: string, args?: object | undefined])[]): Promise<MethodResponse[]> {
    this.#capabilities ??= this.session().then(({ capabilities }) => capabilities)
    const capabilities = await this.#capabilities
    const using = USING.map((name) => `urn:ietf:params:jmap:${name}`).filter((name) => name in capabilities)
    const methodCalls = calls.map(([name, args], at) => [name, { accountId: this.user, ...args }, `c${at}`])
    const { status, body } = await this.post({ using, methodCalls })
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
    return body.methodResponses
  }

  /** Calls one method, and returns the arguments of its response. */
  async ask(name: string, args?: object) {
    const [[, result] = []] = await this.call([name, args])
    return result
  }
}
