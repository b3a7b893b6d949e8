import { randomBytes } from 'node:crypto'
import { slug } from '../certificate-store/draft.ts'
import type { CertificateStore, StoreLog } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import type { Route, ServiceRequest, ServiceResponse } from '../service/routes.ts'
import { Accounts } from './accounts.ts'
import { account, keyChange, newAccount, orderList } from './handlers/accounts.ts'
import { certificate, renewalInfo, revokeCert } from './handlers/certificates.ts'
import { authorization, challenge, finalizeOrOrder, newOrder } from './handlers/orders.ts'
import { checkSignature, type Jwk, type Jws, parseJson, parseJws, readJwk } from './jws.ts'
import { Orders } from './orders.ts'
import { AcmeProblem, json, problemResponse } from './response.ts'
import type { Account } from './types.ts'

export interface AcmeOptions {
  /** Port of clients' http-01 listeners. */
  readonly httpPort: number
  /** kid → MAC key, base64url. Where there is one, an account needs one of them. RFC 8555 section 7.3.4. */
  readonly externalAccounts: Readonly<Record<string, string>>
}

/** What a handler works with: the directory, and the request whose signature has been verified. */
export interface AcmeRequest {
  readonly directory: AcmeDirectory
  readonly request: ServiceRequest
  /** What follows the resource's name in the path. */
  readonly id: string
  readonly jws: Jws
  readonly payload: Readonly<Record<string, unknown>>
  /** Empty payload. RFC 8555 section 6.3. */
  readonly asGet: boolean
  /** The account whose key signed; absent where the key itself is in the request (newAccount, revokeCert). */
  readonly account?: Account
  readonly jwk: Jwk
}

/** Which key a resource wants its request signed by: that of an account, one in the request, or either. */
export type SignedBy = 'account' | 'key' | 'either'

export interface AcmeHandler {
  readonly signedBy: SignedBy
  readonly run: (request: AcmeRequest) => ServiceResponse | Promise<ServiceResponse>
}

/** The path of an authority's ACME directory. */
export const acmePath = (authority: string): string => `/acme/${slug(authority)}`

/** One authority's ACME server. RFC 8555; RFC 8738 (addresses), RFC 9773 (renewal information). */
export class AcmeDirectory {
  readonly authority: string
  readonly store: CertificateStore
  readonly options: AcmeOptions
  readonly accounts: Accounts
  readonly orders = new Orders()
  readonly log: StoreLog
  readonly #nonces = new Nonces()

  constructor(authority: string, store: CertificateStore, options: AcmeOptions, log: StoreLog) {
    this.authority = authority
    this.store = store
    this.options = options
    this.log = log
    this.accounts = new Accounts(store)
  }

  get id(): string {
    return slug(this.authority)
  }

  /** The address of a resource, as the client called the service. */
  url(request: ServiceRequest, ...steps: readonly string[]): string {
    return [`${request.origin}${acmePath(this.authority)}`, ...steps].join('/')
  }

  routes(): Route[] {
    const base = `${acmePath(this.authority)}/`
    return [{ path: base, methods: ['GET', 'POST'], handle: (request) => this.#answer(request) }]
  }

  async #answer(request: ServiceRequest): Promise<ServiceResponse> {
    const response = await this.#respond(request)
    // RFC 8555 sections 6.5 and 7.1
    const headers = {
      'replay-nonce': this.#nonces.next(),
      'cache-control': 'no-store',
      link: `<${this.url(request, 'directory')}>;rel="index"`,
      ...response.headers,
    }
    return { ...response, headers }
  }

  async #respond(request: ServiceRequest): Promise<ServiceResponse> {
    try {
      const [name = '', ...rest] = request.rest.split('/')
      if (request.method === 'GET') return await this.#get(request, name, rest.join('/'))
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (!handler) throw new AcmeProblem('malformed', 'no such resource', { status: 404 })
      return await handler.run(this.#verified(request, handler.signedBy, rest.join('/')))
    } catch (error) {
      return problemResponse(this.#asProblem(error))
    }
  }

  /** Resources that need no signature. RFC 8555 sections 7.1.1 and 7.2; RFC 9773 section 4.1. */
  #get(request: ServiceRequest, name: string, id: string): ServiceResponse | Promise<ServiceResponse> {
    if (name === 'directory') return this.#directory(request)
    if (name === 'new-nonce') return { status: 204, type: 'text/plain', body: '' }
    if (name === 'renewal-info') return renewalInfo(this.store, this.authority, id)
    throw new AcmeProblem('malformed', 'resources are read by POST-as-GET (RFC 8555 section 6.3)', { status: 405 })
  }

  #directory(request: ServiceRequest): ServiceResponse {
    const body = {
      newNonce: this.url(request, 'new-nonce'),
      newAccount: this.url(request, 'new-account'),
      newOrder: this.url(request, 'new-order'),
      revokeCert: this.url(request, 'revoke-cert'),
      keyChange: this.url(request, 'key-change'),
      renewalInfo: this.url(request, 'renewal-info'),
      meta: { website: request.origin, externalAccountRequired: Object.keys(this.options.externalAccounts).length > 0 },
    }
    return json(body)
  }

  /** Everything that RFC 8555 section 6 asks of a request before its meaning matters. @throws AcmeProblem */
  #verified(request: ServiceRequest, signedBy: SignedBy, id: string): AcmeRequest {
    if (!String(request.headers['content-type'] ?? '').startsWith('application/jose+json')) {
      throw new AcmeProblem('malformed', 'the content type is not application/jose+json', { status: 415 })
    }
    const jws = parseJws(parseJson(request.body, 'the body'))
    const { header } = jws
    if (!this.#nonces.use(header.nonce))
      throw new AcmeProblem('badNonce', 'the nonce was used before, or never given out')
    // RFC 8555 section 6.4
    if (header.url !== `${request.origin}${request.path}`) {
      throw new AcmeProblem(
        'unauthorized',
        `the request is signed for ${header.url}, not for ${request.origin}${request.path}`,
      )
    }
    const { account, jwk } = this.#signer(request, jws, signedBy)
    checkSignature(jws, jwk)
    const asGet = jws.payload.length === 0
    const payload = asGet ? {} : parseJson(jws.payload, 'the payload')
    return { directory: this, request, id, jws, payload, asGet, jwk, ...(account ? { account } : {}) }
  }

  #signer(request: ServiceRequest, { header }: Jws, signedBy: SignedBy): { account?: Account; jwk: Jwk } {
    if ((header.jwk === undefined) === (header.kid === undefined)) {
      throw new AcmeProblem('malformed', 'the protected header must have either jwk or kid')
    }
    if (header.jwk !== undefined) {
      if (signedBy === 'account')
        throw new AcmeProblem('malformed', 'this resource wants kid, the account, in the header')
      return { jwk: readJwk(header.jwk) }
    }
    if (signedBy === 'key') throw new AcmeProblem('malformed', 'this resource wants jwk, the key, in the header')
    const prefix = this.url(request, 'account', '')
    const id = header.kid?.startsWith(prefix) ? header.kid.slice(prefix.length) : ''
    const account = this.accounts.find(this.id, id)
    if (!account) throw new AcmeProblem('accountDoesNotExist', `no account ${header.kid}`)
    if (account.status !== 'valid') throw new AcmeProblem('unauthorized', `the account is ${account.status}`)
    return { account, jwk: account.jwk }
  }

  #asProblem(error: unknown): AcmeProblem {
    if (error instanceof AcmeProblem) return error
    if (error instanceof PkiError) return new AcmeProblem('malformed', error.message)
    this.log.error({ err: error as Error, authority: this.authority }, 'an ACME request failed')
    return new AcmeProblem('serverInternal', 'internal error')
  }
}

/** Nonces not used yet; the oldest go first. */
const MAX_NONCES = 10_000

/** Numbers used once, against replay. RFC 8555 section 6.5. */
export class Nonces {
  readonly #fresh = new Set<string>()

  next(): string {
    const nonce = randomBytes(16).toString('base64url')
    this.#fresh.add(nonce)
    if (this.#fresh.size > MAX_NONCES) {
      const oldest = this.#fresh.values().next()
      if (!oldest.done) this.#fresh.delete(oldest.value)
    }
    return nonce
  }

  /** Whether it was given out and not used yet; it is used now. */
  use(nonce: string | undefined): boolean {
    return nonce !== undefined && this.#fresh.delete(nonce)
  }
}

/** The ACME directories of a store's authorities, one each; made when an authority is first asked for. */
export function acmeRoutes(store: CertificateStore, options: AcmeOptions, log: StoreLog): () => readonly Route[] {
  const directories = new Map<string, AcmeDirectory>()
  return () =>
    store.index.authorities
      .filter(({ certificate }) => certificate !== undefined)
      .flatMap(({ name }) => {
        const directory = directories.get(name) ?? new AcmeDirectory(name, store, options, log)
        directories.set(name, directory)
        return directory.routes()
      })
}

/** Every resource that is posted to, by the first step of its path; one file each. */
export const handlers: Readonly<Record<string, AcmeHandler>> = {
  'new-account': newAccount,
  'new-order': newOrder,
  'key-change': keyChange,
  'revoke-cert': revokeCert,
  account,
  orders: orderList,
  order: finalizeOrOrder,
  authorization,
  challenge,
  certificate,
}
