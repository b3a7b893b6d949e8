import { randomBytes, type X509Certificate } from 'node:crypto'
import type { StoreFiles } from '../certificate-store/files.ts'
import type { Identifier } from './identifier.ts'
import { RecordFiles } from './order-files.ts'
import { AcmeProblem } from './response.ts'
import type { Strictness } from './strictness.ts'
import type { ChallengeType } from './validation/validate.ts'

export interface Challenge {
  readonly id: string
  readonly type: ChallengeType
  readonly token: string
  status: 'pending' | 'processing' | 'valid' | 'invalid'
  validated?: string
  error?: Record<string, unknown>
}

/** Permission of an account to order certificates for an identifier. RFC 8555 section 7.1.4. */
export interface Authorization {
  readonly id: string
  readonly account: string
  /** Without the `*.` of a wildcard. */
  readonly identifier: Identifier
  readonly wildcard?: true
  readonly expires: string
  readonly challenges: readonly Challenge[]
  status: 'pending' | 'valid' | 'invalid' | 'deactivated'
}

export interface Order {
  readonly id: string
  readonly account: string
  readonly identifiers: readonly Identifier[]
  readonly authorizations: readonly string[]
  readonly expires: string
  /** The certificate that this order replaces. RFC 9773 section 5. */
  readonly replaces?: string
  /** The kind of certificate. draft-aaron-acme-profiles. */
  readonly profile?: string
  /** What finalizing led to. Before that, the state follows from the authorizations. */
  outcome?: { readonly kind: 'issued'; readonly pem: string } | { readonly kind: 'queued'; readonly request: number }
  /** True while its request is being signed. Not kept. */
  finalizing?: boolean
  error?: Record<string, unknown>
}

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'

export type NewOrder = Pick<Order, 'account' | 'identifiers' | 'replaces' | 'profile'>

/** Maximum number of orders, and of authorizations. The oldest are deleted first. */
const MAX_ORDERS = 10_000
/** How long an order is kept after it has expired, so that its certificate can be fetched again. */
const KEPT_MS = 30 * 86_400_000

const newId = (): string => randomBytes(12).toString('base64url')

/** The orders and authorizations of one directory. They are kept in files, so that clients continue after a restart. */
export class Orders {
  readonly #orders = new Map<string, Order>()
  readonly #authorizations = new Map<string, Authorization>()
  readonly #orderFiles: RecordFiles<Order>
  readonly #authorizationFiles: RecordFiles<Authorization>
  readonly #strictness: Strictness
  readonly #challengesFor: (identifier: Identifier, wildcard: boolean) => readonly ChallengeType[]
  #loaded: Promise<void> | undefined

  /** @param directory identifies the directory among those of the store */
  constructor(
    files: StoreFiles,
    directory: string,
    strictness: Strictness,
    challengesFor: (identifier: Identifier, wildcard: boolean) => readonly ChallengeType[],
  ) {
    this.#orderFiles = new RecordFiles(files, `acme/${directory}/orders`)
    this.#authorizationFiles = new RecordFiles(files, `acme/${directory}/authorizations`)
    this.#strictness = strictness
    this.#challengesFor = challengesFor
  }

  /** Reads what an earlier process has kept. The other methods may be called after it. */
  load(nowMs: number): Promise<void> {
    this.#loaded ??= this.#load(nowMs)
    return this.#loaded
  }

  async #load(nowMs: number): Promise<void> {
    await loadInto(this.#orders, this.#orderFiles, nowMs)
    await loadInto(this.#authorizations, this.#authorizationFiles, nowMs)
  }

  async create(wanted: NewOrder, nowMs: number): Promise<Order> {
    const expires = new Date(nowMs + this.#strictness.orderLifetimeMs()).toISOString()
    const authorizations: Authorization[] = []
    for (const identifier of wanted.identifiers) {
      authorizations.push(await this.#authorize(wanted.account, identifier, expires, nowMs))
    }
    const order: Order = { id: newId(), ...wanted, authorizations: authorizations.map(({ id }) => id), expires }
    this.#orders.set(order.id, order)
    await this.saveOrder(order)
    await forgetOldest(this.#orders, this.#orderFiles)
    await forgetOldest(this.#authorizations, this.#authorizationFiles)
    return order
  }

  saveOrder({ finalizing: _, ...order }: Order): Promise<void> {
    return this.#orderFiles.save(order)
  }

  saveAuthorization(authorization: Authorization): Promise<void> {
    return this.#authorizationFiles.save(authorization)
  }

  /** Returns an order. @throws AcmeProblem if it does not belong to the account */
  order(id: string, account: string): Order {
    return own(this.#orders.get(id), account, 'order')
  }

  /** Returns an authorization. @throws AcmeProblem if it does not belong to the account */
  authorization(id: string, account: string): Authorization {
    return own(this.#authorizations.get(id), account, 'authorization')
  }

  /** Returns a challenge and its authorization. @throws AcmeProblem if they do not belong to the account */
  challenge(id: string, account: string): { authorization: Authorization; challenge: Challenge } {
    for (const authorization of this.#authorizations.values()) {
      const challenge = authorization.challenges.find((one) => one.id === id)
      if (challenge) return { authorization: own(authorization, account, 'challenge'), challenge }
    }
    throw new AcmeProblem('malformed', 'no such challenge', { status: 404 })
  }

  /** Returns all orders, the oldest first. */
  all(): Order[] {
    return [...this.#orders.values()]
  }

  /** Returns the authorizations of an order that are still kept. */
  authorizationsOf({ authorizations }: Order): Authorization[] {
    return authorizations.flatMap((id) => this.#authorizations.get(id) ?? [])
  }

  ofAccount(account: string): Order[] {
    return [...this.#orders.values()].filter((order) => order.account === account)
  }

  /** Returns whether an order that can still succeed replaces a certificate. RFC 9773 section 5. */
  replacing(id: string, nowMs: number): boolean {
    return [...this.#orders.values()].some((one) => one.replaces === id && this.status(one, nowMs) !== 'invalid')
  }

  /** Returns the order that a certificate was issued for. */
  ofCertificate(certificate: X509Certificate): Order | undefined {
    const pem = certificate.toString().replaceAll('\r', '').trim()
    return [...this.#orders.values()].find(({ outcome }) => outcome?.kind === 'issued' && outcome.pem.startsWith(pem))
  }

  /** Returns the state of an order, which follows from its authorizations and its outcome. RFC 8555 section 7.1.6. */
  status(order: Order, nowMs: number): OrderStatus {
    if (order.outcome?.kind === 'issued') return 'valid'
    if (order.error) return 'invalid'
    if (order.outcome || order.finalizing) return 'processing'
    const states = order.authorizations.map((id) => this.#authorizations.get(id)?.status ?? 'invalid')
    if (Date.parse(order.expires) < nowMs || states.some((state) => state === 'invalid' || state === 'deactivated')) {
      return 'invalid'
    }
    return states.every((state) => state === 'valid') ? 'ready' : 'pending'
  }

  /** Returns whether the account has a valid authorization for an identifier, which may be a wildcard. */
  isAuthorized(account: string, identifier: Identifier, nowMs: number): boolean {
    return this.#validAuthorization(account, withoutWildcard(identifier), nowMs) !== undefined
  }

  #validAuthorization(
    account: string,
    { identifier: { type, value }, wildcard }: AuthorizedName,
    nowMs: number,
  ): Authorization | undefined {
    for (const one of this.#authorizations.values()) {
      if (one.account !== account || one.identifier.type !== type || one.identifier.value !== value) continue
      if ((one.wildcard ?? false) !== wildcard) continue
      if (one.status === 'valid' && Date.parse(one.expires) > nowMs) return one
    }
    return undefined
  }

  /** Returns a valid authorization of the account, or a new one with its challenges. RFC 8555 section 7.4. */
  async #authorize(account: string, ordered: Identifier, expires: string, nowMs: number): Promise<Authorization> {
    const name = withoutWildcard(ordered)
    const known = this.#validAuthorization(account, name, nowMs)
    if (known && this.#strictness.reusesAuthorization()) return known
    const { identifier, wildcard } = name
    const challenges = this.#challengesFor(identifier, wildcard).map(
      (type): Challenge => ({
        id: newId(),
        type,
        // At least 128 bits. RFC 8555 section 8.3
        token: randomBytes(24).toString('base64url'),
        status: 'pending',
      }),
    )
    const authorization: Authorization = {
      id: newId(),
      account,
      identifier,
      ...(wildcard ? { wildcard } : {}),
      expires,
      challenges,
      status: 'pending',
    }
    this.#authorizations.set(authorization.id, authorization)
    await this.saveAuthorization(authorization)
    return authorization
  }
}

interface AuthorizedName {
  readonly identifier: Identifier
  readonly wildcard: boolean
}

const withoutWildcard = ({ type, value }: Identifier): AuthorizedName =>
  value.startsWith('*.')
    ? { identifier: { type, value: value.slice(2) }, wildcard: true }
    : { identifier: { type, value }, wildcard: false }

function own<T extends { readonly account: string }>(found: T | undefined, account: string, what: string): T {
  if (!found) throw new AcmeProblem('malformed', `no such ${what}`, { status: 404 })
  if (found.account !== account) throw new AcmeProblem('unauthorized', `the ${what} belongs to another account`)
  return found
}

/** Loads records, the oldest first, and deletes those that expired long ago. */
async function loadInto<T extends { readonly id: string; readonly expires: string }>(
  map: Map<string, T>,
  files: RecordFiles<T>,
  nowMs: number,
): Promise<void> {
  const records = (await files.load()).sort((a, b) => a.expires.localeCompare(b.expires))
  for (const record of records) {
    if (Date.parse(record.expires) + KEPT_MS < nowMs) await files.remove(record.id)
    else map.set(record.id, record)
  }
}

async function forgetOldest<T extends { readonly id: string }>(
  map: Map<string, T>,
  files: RecordFiles<T>,
): Promise<void> {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_ORDERS) return
    map.delete(oldest)
    await files.remove(oldest)
  }
}
