import { X509Certificate } from 'node:crypto'
import type { Accounts } from './accounts.ts'
import type { Authorization, Order, OrderStatus, Orders } from './orders.ts'

/** An ACME order for people. */
export interface OrderFacts {
  readonly id: string
  readonly status: OrderStatus
  /** Host names and IP addresses. */
  readonly names: readonly string[]
  /** Contact of the account, or its id. */
  readonly account: string
  readonly expires: string
  readonly profile?: string
  /** Serial number of the certificate that was issued. */
  readonly serial?: string
  /** The request that waits at a standalone authority. */
  readonly request?: number
  /** Why it failed: the problem of the order, or of the challenge that was not met. */
  readonly error?: string
  readonly challenges: readonly { readonly name: string; readonly type: string; readonly status: string }[]
}

/** Returns the orders of a directory, the newest first. */
export function orderFacts(orders: Orders, accounts: Accounts, directory: string, nowMs: number): OrderFacts[] {
  return orders
    .all()
    .toReversed()
    .map((order): OrderFacts => {
      const { id, identifiers, account, expires, profile, outcome } = order
      const authorizations = orders.authorizationsOf(order)
      const error = errorOf(order, authorizations)
      return {
        id,
        status: orders.status(order, nowMs),
        names: identifiers.map(({ value }) => value),
        account: accounts.find(directory, account)?.contact[0]?.replace(/^mailto:/, '') ?? account,
        expires,
        ...(profile === undefined ? {} : { profile }),
        ...(outcome?.kind === 'issued' ? { serial: new X509Certificate(outcome.pem).serialNumber } : {}),
        ...(outcome?.kind === 'queued' ? { request: outcome.request } : {}),
        ...(error === undefined ? {} : { error }),
        challenges: authorizations.flatMap(({ identifier, challenges }) =>
          challenges
            .filter(({ status }) => status !== 'pending')
            .map(({ type, status }) => ({ name: identifier.value, type, status })),
        ),
      }
    })
}

function errorOf({ error }: Order, authorizations: readonly Authorization[]): string | undefined {
  const found = error ?? authorizations.flatMap(({ challenges }) => challenges).find((one) => one.error)?.error
  return found === undefined ? undefined : String(found.detail)
}
