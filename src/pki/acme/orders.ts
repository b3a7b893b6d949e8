import { randomBytes } from 'node:crypto'
import { AcmeProblem } from './response.ts'
import type { Authorization, Challenge, Identifier, Order } from './types.ts'

const DAY_MS = 86_400_000
/** Orders and authorizations kept; the oldest go first. */
const MAX_ORDERS = 10_000

const newId = (): string => randomBytes(12).toString('base64url')

/** The orders of one directory with their authorizations, in memory: a client that loses one makes another. RFC 8555 section 7.1.6. */
export class Orders {
  readonly #orders = new Map<string, Order>()
  readonly #authorizations = new Map<string, Authorization>()

  create(account: string, identifiers: readonly Identifier[], nowMs: number, replaces?: string): Order {
    const expires = new Date(nowMs + DAY_MS).toISOString()
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

  /** @throws AcmeProblem where it is not this account's */
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

  /** What state an order is in follows from its authorizations and its outcome. RFC 8555 section 7.1.6. */
  status(order: Order, nowMs: number): 'pending' | 'ready' | 'processing' | 'valid' | 'invalid' {
    if (order.outcome?.kind === 'issued') return 'valid'
    if (order.error) return 'invalid'
    if (order.outcome || order.finalizing) return 'processing'
    const states = order.authorizations.map((id) => this.#authorizations.get(id)?.status ?? 'invalid')
    if (Date.parse(order.expires) < nowMs || states.some((state) => state === 'invalid' || state === 'deactivated')) {
      return 'invalid'
    }
    return states.every((state) => state === 'valid') ? 'ready' : 'pending'
  }

  /** Whether the account has shown that it holds a name, not too long ago. */
  holds(account: string, identifier: Identifier, nowMs: number): boolean {
    return this.#held(account, identifier, nowMs) !== undefined
  }

  #held(account: string, { type, value }: Identifier, nowMs: number): Authorization | undefined {
    for (const one of this.#authorizations.values()) {
      if (one.account !== account || one.identifier.type !== type || one.identifier.value !== value) continue
      if (one.status === 'valid' && Date.parse(one.expires) > nowMs) return one
    }
    return undefined
  }

  /** A name that the account has shown to hold need not be shown again while that is fresh. RFC 8555 section 7.4. */
  #authorize(account: string, identifier: Identifier, expires: string, nowMs: number): Authorization {
    const known = this.#held(account, identifier, nowMs)
    if (known) return known
    const challenge: Challenge = {
      id: newId(),
      type: 'http-01',
      // 128 bits at the least. RFC 8555 section 8.3
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
  if (found.account !== account) throw new AcmeProblem('unauthorized', `the ${what} is another account's`)
  return found
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_ORDERS) return
    map.delete(oldest)
  }
}
