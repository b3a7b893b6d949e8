import { randomBytes, type X509Certificate } from 'node:crypto'
import type { Identifier } from './identifier.ts'
import { AcmeProblem } from './response.ts'

export interface Challenge {
  readonly id: string
  readonly type: 'http-01'
  readonly token: string
  status: 'pending' | 'processing' | 'valid' | 'invalid'
  validated?: string
  error?: Record<string, unknown>
}

/** Permission of an account to order certificates for an identifier. */
export interface Authorization {
  readonly id: string
  readonly account: string
  readonly identifier: Identifier
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
  /** The result of finalizing the order. Before that, its state follows from the authorizations. */
  outcome?: { readonly kind: 'issued'; readonly pem: string } | { readonly kind: 'queued'; readonly request: number }
  /** True while its request is being signed. */
  finalizing?: boolean
  error?: Record<string, unknown>
}

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'

const orderLifeMs = 86_400_000
/** Maximum number of orders, and of authorizations. The oldest are deleted first. */
const maxOrders = 10_000

const newId = (): string => randomBytes(12).toString('base64url')

/** The orders and authorizations of one directory. They are kept in memory: a client can repeat a lost order. */
export class Orders {
  readonly #orders = new Map<string, Order>()
  readonly #authorizations = new Map<string, Authorization>()

  create(account: string, identifiers: readonly Identifier[], nowMs: number, replaces?: string): Order {
    const expires = new Date(nowMs + orderLifeMs).toISOString()
    const authorizations = identifiers.map((identifier) => this.#authorize(account, identifier, expires, nowMs))
    const order: Order = {
      id: newId(),
      account,
      identifiers,
      authorizations: authorizations.map(({ id }) => id),
      expires,
      ...(replaces === undefined ? {} : { replaces }),
    }
    this.#orders.set(order.id, order)
    forgetOldest(this.#orders)
    forgetOldest(this.#authorizations)
    return order
  }

  /** Returns an order. @throws AcmeProblem if it does not belong to the account */
  order(id: string, account: string): Order {
    return own(this.#orders.get(id), account, 'order')
  }

  authorization(id: string, account: string): Authorization {
    return own(this.#authorizations.get(id), account, 'authorization')
  }

  challenge(id: string, account: string): { authorization: Authorization; challenge: Challenge } {
    for (const authorization of this.#authorizations.values()) {
      const challenge = authorization.challenges.find((one) => one.id === id)
      if (challenge) return { authorization: own(authorization, account, 'challenge'), challenge }
    }
    throw new AcmeProblem('malformed', 'no such challenge', { status: 404 })
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

  /** Returns whether the account has a valid authorization for an identifier. */
  isAuthorized(account: string, identifier: Identifier, nowMs: number): boolean {
    return this.#validAuthorization(account, identifier, nowMs) !== undefined
  }

  #validAuthorization(account: string, { type, value }: Identifier, nowMs: number): Authorization | undefined {
    for (const one of this.#authorizations.values()) {
      if (one.account !== account || one.identifier.type !== type || one.identifier.value !== value) continue
      if (one.status === 'valid' && Date.parse(one.expires) > nowMs) return one
    }
    return undefined
  }

  /** Returns a valid authorization of the account, or a new one with a challenge. RFC 8555 section 7.4. */
  #authorize(account: string, identifier: Identifier, expires: string, nowMs: number): Authorization {
    const known = this.#validAuthorization(account, identifier, nowMs)
    if (known) return known
    const challenge: Challenge = {
      id: newId(),
      type: 'http-01',
      // At least 128 bits. RFC 8555 section 8.3
      token: randomBytes(24).toString('base64url'),
      status: 'pending',
    }
    const authorization: Authorization = {
      id: newId(),
      account,
      identifier,
      expires,
      challenges: [challenge],
      status: 'pending',
    }
    this.#authorizations.set(authorization.id, authorization)
    return authorization
  }
}

function own<T extends { readonly account: string }>(found: T | undefined, account: string, what: string): T {
  if (!found) throw new AcmeProblem('malformed', `no such ${what}`, { status: 404 })
  if (found.account !== account) throw new AcmeProblem('unauthorized', `the ${what} belongs to another account`)
  return found
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= maxOrders) return
    map.delete(oldest)
  }
}
