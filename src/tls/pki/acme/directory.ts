import { randomBytes } from 'node:crypto'
import { slug } from '../certificate-store/draft.ts'
import type { Records } from '../certificate-store/records.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import type { Route, ServiceRequest, ServiceResponse } from '../service/routes.ts'
import type { StoreLog } from '../types.ts'
import { Accounts, type AcmeAccount } from './accounts.ts'
import { account, keyChange, newAccount, orderList } from './handlers/accounts.ts'
import { authorization, challenge } from './handlers/authorizations.ts'
import { certificate, revokeCert } from './handlers/certificates.ts'
import type { AcmeDirectory, AcmeHandler, AcmeRequest, SignedBy } from './handlers/handler.ts'
import { newOrder, order } from './handlers/orders.ts'
import { renewalInfo } from './handlers/renewal-info.ts'
import { checkSignature, type Jwk, type Jws, parseJson, parseJws, readJwk } from './jws.ts'
import type { AcmeOptions } from './options.ts'
import { type OrderFacts, orderFacts } from './order-facts.ts'
import { Orders } from './orders.ts'
import { AcmeProblem, json, problemResponse } from './response.ts'
import { Strictness } from './strictness.ts'
import { challengesFor } from './validation/validate.ts'

/** The ACME directories of a store's authorities. */
export class AcmeDirectories {
  readonly #store: CertificateStore
  readonly #options: AcmeOptions
  readonly #log: StoreLog
  readonly #directories = new Map<string, AcmeServer>()

  constructor(store: CertificateStore, options: AcmeOptions, log: StoreLog) {
    this.#store = store
    this.#options = options
    this.#log = log
  }

  /** Returns the routes of the directories: one for each authority, and one for that which issues for `certificate: auto`. */
  routes(): readonly Route[] {
    const { authorities, defaultAuthority } = this.#store.index
    return authorities
      .filter(({ certificate }) => certificate !== undefined)
      .flatMap(({ name }) => {
        const directory = this.#directory(name)
        return name === defaultAuthority ? [...directory.routes(), directory.defaultRoute()] : directory.routes()
      })
  }

  /** Returns the path of the directory of an authority. */
  path(authority: string): string {
    return `${acmePath(authority)}/directory`
  }

  /** Returns the orders at an authority, the newest first. */
  orders(authority: string): Promise<OrderFacts[]> {
    return this.#directory(authority).orderFacts()
  }

  #directory(name: string): AcmeServer {
    const directory = this.#directories.get(name) ?? new AcmeServer(name, this.#store, this.#options, this.#log)
    this.#directories.set(name, directory)
    return directory
  }
}

/** Returns the path of an authority's ACME directory. */
export const acmePath = (authority: string): string => `/acme/${slug(authority)}`

/** Path of the ACME directory of the authority that issues for `certificate: auto`, whichever that is. */
export const DEFAULT_ACME_DIRECTORY = '/acme/directory'

/** Resources that take POST requests, by the first part of their path. */
const handlers: Readonly<Record<string, AcmeHandler>> = {
  'new-account': newAccount,
  'new-order': newOrder,
  'key-change': keyChange,
  'revoke-cert': revokeCert,
  account,
  orders: orderList,
  order,
  authorization,
  challenge,
  certificate,
}

/** The ACME server of one authority. RFC 8555, RFC 8738 (IP addresses), RFC 9773 (renewal information). */
class AcmeServer implements AcmeDirectory {
  readonly authority: string
  readonly store: CertificateStore
  readonly options: AcmeOptions
  readonly accounts: Accounts
  readonly orders: Orders
  readonly strictness: Strictness
  readonly log: StoreLog
  readonly #nonces: Nonces

  constructor(authority: string, store: CertificateStore, options: AcmeOptions, log: StoreLog) {
    this.authority = authority
    this.store = store
    this.options = options
    this.log = log
    this.accounts = new Accounts(store)
    this.strictness = new Strictness(options.strictness)
    this.#nonces = new Nonces(store.files.records(`acme/${this.id}/nonces`, MAX_NONCES))
    this.orders = new Orders(store.files, this.id, this.strictness, (identifier, wildcard) =>
      challengesFor(identifier, wildcard, options),
    )
  }

  get id(): string {
    return slug(this.authority)
  }

  async orderFacts(): Promise<OrderFacts[]> {
    const nowMs = this.store.clock.now()
    await this.orders.load(nowMs)
    return orderFacts(this.orders, this.accounts, this.id, nowMs)
  }

  url(request: ServiceRequest, ...path: readonly string[]): string {
    return [`${request.origin}${acmePath(this.authority)}`, ...path].join('/')
  }

  routes(): Route[] {
    const base = `${acmePath(this.authority)}/`
    return [{ path: base, methods: ['GET', 'POST'], handle: (request) => this.#answer(request) }]
  }

  /** Returns the route of the directory for the default authority. It points to the resources of this authority. */
  defaultRoute(): Route {
    const handle = (request: ServiceRequest): Promise<ServiceResponse> =>
      this.#answer({ ...request, rest: 'directory' })
    return { path: DEFAULT_ACME_DIRECTORY, methods: ['GET'], handle }
  }

  async #answer(request: ServiceRequest): Promise<ServiceResponse> {
    const response = await this.#respond(request)
    const nonce = await this.#nonces.next().catch((error: unknown) => {
      // The answer to the request stands. The client asks for another nonce.
      this.#asProblem(error)
      return undefined
    })
    // RFC 8555 sections 6.5 and 7.1
    const headers = {
      ...(nonce === undefined ? {} : { 'replay-nonce': nonce }),
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
      // The client may have come from another node of the lab.
      await this.store.refresh()
      await this.orders.load(this.store.clock.now())
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (!handler) throw new AcmeProblem('malformed', 'no such resource', { status: 404 })
      return await handler.run(await this.#verified(request, handler.signedBy, rest.join('/')))
    } catch (error) {
      return problemResponse(this.#asProblem(error))
    }
  }

  /** Returns resources that need no signature. RFC 8555 sections 7.1.1 and 7.2, RFC 9773 section 4.1. */
  #get(request: ServiceRequest, name: string, id: string): ServiceResponse | Promise<ServiceResponse> {
    if (name === 'directory') return this.#directory(request)
    if (name === 'new-nonce') return { status: 204, type: 'text/plain', body: '' }
    if (name === 'renewal-info') return renewalInfo(this, id)
    throw new AcmeProblem('malformed', 'resources are read by POST-as-GET (RFC 8555 section 6.3)', { status: 405 })
  }

  #directory(request: ServiceRequest): ServiceResponse {
    const { externalAccounts, caaIdentities, profiles = {} } = this.options
    // draft-aaron-acme-profiles section 3
    const kinds = Object.entries(profiles).map(([name, { description }]) => [name, description])
    const body = {
      newNonce: this.url(request, 'new-nonce'),
      newAccount: this.url(request, 'new-account'),
      newOrder: this.url(request, 'new-order'),
      revokeCert: this.url(request, 'revoke-cert'),
      keyChange: this.url(request, 'key-change'),
      renewalInfo: this.url(request, 'renewal-info'),
      meta: {
        website: request.origin,
        caaIdentities,
        externalAccountRequired: Object.keys(externalAccounts).length > 0,
        ...(kinds.length > 0 ? { profiles: Object.fromEntries(kinds) } : {}),
      },
    }
    return json(body)
  }

  /** Verifies what RFC 8555 section 6 requires of every request. @throws AcmeProblem */
  async #verified(request: ServiceRequest, signedBy: SignedBy, id: string): Promise<AcmeRequest> {
    if (!String(request.headers['content-type'] ?? '').startsWith('application/jose+json')) {
      throw new AcmeProblem('malformed', 'the content type is not application/jose+json', { status: 415 })
    }
    const jws = parseJws(parseJson(request.body, 'the body'))
    const { header } = jws
    if (!(await this.#nonces.use(header.nonce))) {
      throw new AcmeProblem('badNonce', 'the nonce is unknown or has been used before')
    }
    if (this.strictness.rejectsNonce()) {
      throw new AcmeProblem('badNonce', 'the nonce is good, but strictness.rejectNonces rejects some')
    }
    // RFC 8555 section 6.4
    const url = `${request.origin}${request.path}`
    if (header.url !== url) {
      throw new AcmeProblem('unauthorized', `the request is signed for ${header.url}, not for ${url}`)
    }
    const signer = this.#signer(request, jws, signedBy)
    checkSignature(jws, signer.jwk)
    const asGet = jws.payload.length === 0
    const payload = asGet ? {} : parseJson(jws.payload, 'the payload')
    return { directory: this, http: request, id, jws, payload, asGet, ...signer }
  }

  #signer(request: ServiceRequest, { header }: Jws, signedBy: SignedBy): { account?: AcmeAccount; jwk: Jwk } {
    if ((header.jwk === undefined) === (header.kid === undefined)) {
      throw new AcmeProblem('malformed', 'the protected header must contain either jwk or kid')
    }
    if (header.jwk !== undefined) {
      if (signedBy === 'account') {
        throw new AcmeProblem('malformed', 'this resource needs kid (the account) in the header')
      }
      return { jwk: readJwk(header.jwk) }
    }
    if (signedBy === 'key') throw new AcmeProblem('malformed', 'this resource needs jwk (the key) in the header')
    const prefix = this.url(request, 'account', '')
    const id = header.kid?.startsWith(prefix) ? header.kid.slice(prefix.length) : ''
    const found = this.accounts.find(this.id, id)
    if (!found) throw new AcmeProblem('accountDoesNotExist', `no account ${header.kid}`)
    if (found.status !== 'valid') throw new AcmeProblem('unauthorized', `the account is ${found.status}`)
    return { account: found, jwk: found.jwk }
  }

  #asProblem(error: unknown): AcmeProblem {
    if (error instanceof AcmeProblem) return error
    if (error instanceof PkiError && error.code !== 'store') return new AcmeProblem('malformed', error.message)
    this.log.error({ err: error as Error, authority: this.authority }, 'an ACME request failed')
    // The database is lost, or the disk is full.
    if (error instanceof PkiError) return new AcmeProblem('serverInternal', error.message, { status: 503 })
    return new AcmeProblem('serverInternal', 'internal error')
  }
}

/** Maximum number of unused nonces. The oldest are deleted first. */
const MAX_NONCES = 10_000
const NONCE_LIFE_MS = 3_600_000

/** Protects against replay: each nonce can be used once, at any node of the lab. RFC 8555 section 6.5. */
class Nonces {
  readonly #unused: Records

  constructor(unused: Records) {
    this.#unused = unused
  }

  async next(): Promise<string> {
    const nonce = randomBytes(16).toString('base64url')
    await this.#unused.put(nonce, { text: '', lifeMs: NONCE_LIFE_MS })
    return nonce
  }

  /** Uses a nonce up. Returns whether it was unused. */
  async use(nonce: string | undefined): Promise<boolean> {
    return nonce !== undefined && (await this.#unused.remove(nonce))
  }
}
