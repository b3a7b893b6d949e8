import type { OperationName, OutputOf } from '../../api/operation-types.ts'
import type {
  ApiFinding,
  ApiMessage,
  ApiMessagePage,
  ApiMessageSummary,
  ApiPageQuery,
  ApiProblemDocument,
  ApiTenantFacts,
  ApiUnsubscribeAnswer,
  ApiWaitQuery,
} from './api-types.ts'

/** An operation that the lab refused, or a wait that timed out (`problem.arrived` lists what did arrive). */
export class SealpostApiError extends Error {
  override readonly name = 'SealpostApiError'
  readonly problem: ApiProblemDocument

  constructor(problem: ApiProblemDocument) {
    super(typeof problem.report === 'string' ? problem.report : problem.detail)
    this.problem = problem
  }

  get status(): number {
    return this.problem.status
  }
}

/** A tenant, and a client of the API that sees only this tenant. */
export interface ApiTenant extends ApiTenantFacts {
  readonly api: SealpostApi
}

/** Sent with every request. */
interface Options {
  readonly signal?: AbortSignal
}

interface RequestOptions extends Options {
  readonly method?: string
  readonly query?: object
  readonly json?: object
}

/** A client of a lab's HTTP API: what most tests need, and `request` for all other operations. */
export class SealpostApi {
  readonly #base: () => string
  readonly #origin: () => string
  readonly #token: string

  /**
   * @param url the HTTP virtual server, such as `http://localhost:8025`; a function if it can change
   * @param path the path of the API; a tenant's path is in its `baseUrl`
   */
  constructor(url: string | (() => string), token: string, path = '/api/v1') {
    this.#origin = typeof url === 'function' ? url : () => url
    this.#base = () => `${this.#origin().replace(/\/+$/, '')}${path}`
    this.#token = token
  }

  /**
   * Resolves with the first message that matches and that no earlier `wait` has returned. It may have arrived before.
   * @param filter a text is short for `{ to }`
   * @throws SealpostApiError after the time-out; it lists what did arrive
   */
  async wait(filter: ApiWaitQuery | string = {}, options: Options = {}): Promise<ApiMessageSummary> {
    const json = typeof filter === 'string' ? { to: filter } : filter
    return this.#call<'wait'>('/wait', { json, ...options })
  }

  /** Returns a page of the messages that match, the newest first. */
  async messages(query: ApiPageQuery = {}, options: Options = {}): Promise<ApiMessagePage> {
    return this.#call<'messages.list'>('/messages', { query, ...options })
  }

  /** Returns a message with its text, links, codes and attachments. @throws SealpostApiError if it does not exist */
  async message(id: string, options: Options = {}): Promise<ApiMessage> {
    return this.#call<'messages.get'>(`/messages/${encodeURIComponent(id)}`, options)
  }

  /** Returns what is wrong with a message, of all checks or of one. @throws SealpostApiError if it does not exist */
  async check(id: string, check?: ApiFinding['check'], options: Options = {}): Promise<readonly ApiFinding[]> {
    const path = `/messages/${encodeURIComponent(id)}/checks`
    return (await this.#call<'messages.checks'>(path, { query: { check }, ...options })).items
  }

  /** Unsubscribes the recipient of a message by one click (RFC 8058). @throws SealpostApiError if it has no one-click */
  async unsubscribe(id: string, options: Options = {}): Promise<ApiUnsubscribeAnswer> {
    const path = `/messages/${encodeURIComponent(id)}/unsubscribe`
    return this.#call<'messages.unsubscribe'>(path, { json: {}, ...options })
  }

  /**
   * Checks that no mail was sent since the start or the last reset, once no client is about to send.
   * @param filter a text is short for `{ to }`
   * @throws SealpostApiError that lists what was sent, or the clients that stay connected without sending
   */
  async assertNothingSent(filter: ApiWaitQuery | string = {}, options: Options = {}): Promise<void> {
    const json = typeof filter === 'string' ? { to: filter } : filter
    await this.request('/assert-nothing-sent', { json, ...options })
  }

  /** Deletes every message and session record, and restores the faults of the configuration. */
  async reset(options: Options = {}): Promise<void> {
    await this.request('/reset', { method: 'POST', json: {}, ...options })
  }

  /**
   * Creates a tenant with accounts of its own, so that tests share one lab without seeing each other.
   * @param tenant the names of the tenant and of its accounts (default: a new name, alice and bob)
   */
  async createTenant(
    tenant: { readonly name?: string; readonly accounts?: readonly string[] } = {},
    options: Options = {},
  ): Promise<ApiTenant> {
    const facts: ApiTenantFacts = await this.#call<'tenants.create'>('/tenants', { json: tenant, ...options })
    return { ...facts, api: new SealpostApi(this.#origin, facts.token, facts.baseUrl) }
  }

  /** Returns the root certificates in PEM. */
  async roots(options: Options = {}): Promise<string> {
    return (await this.request('/authorities/roots', options)) as string
  }

  /** Sends a request whose answer is that of an operation: its schema must have what the types for test authors promise. */
  #call<Name extends OperationName>(path: string, options: RequestOptions): Promise<OutputOf<Name>> {
    return this.request(path, options) as Promise<OutputOf<Name>>
  }

  /**
   * Sends a request to any operation of docs/api.md.
   * @param path below `/api/v1`, such as `/sessions`
   * @returns parsed JSON, text, or undefined if the answer has no content
   * @throws SealpostApiError if the lab refuses it
   */
  async request(path: string, { method, query = {}, json, signal }: RequestOptions = {}): Promise<unknown> {
    const url = new URL(`${this.#base()}${path}`)
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const response = await fetch(url, {
      method: method ?? (json === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: Error) => {
      if (signal?.aborted) throw error
      const { cause } = error as { cause?: Error }
      throw new Error(`${url.origin} cannot be reached: ${cause?.message || error.message}`, { cause: error })
    })
    return readAnswer(response, url)
  }
}

async function readAnswer(response: Response, url: URL): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  if (/^application\/problem\+json/.test(type))
    throw new SealpostApiError((await response.json()) as ApiProblemDocument)
  if (!response.ok)
    throw new Error(`${url.href} answers ${response.status} ${response.statusText}: is it a Sealpost lab?`)
  if (response.status === 204) return undefined
  return /^application\/json/.test(type) ? response.json() : response.text()
}
