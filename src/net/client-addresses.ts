import { isIPv6 } from 'node:net'
import { addressOctets } from '../common/ip-address.ts'

/** Limits on single clients. */
export interface ClientLimits {
  readonly connectionsPerAddress: number | 'off'
  readonly logonTimeoutMs: number | 'off'
  /** The delay of the reply to the first failed log-on. */
  readonly failedLogonDelayMs: number | 'off'
}

/** Switches every limit off. */
export const noClientLimits: ClientLimits = {
  connectionsPerAddress: 'off',
  logonTimeoutMs: 'off',
  failedLogonDelayMs: 'off',
}

/**
 * Returns the key that counts as one client: an IPv4 address, or the network of an IPv6 address. Providers give each
 * customer at least a /64 (RFC 6177 section 2), so a client can choose the last 64 bits freely.
 */
export function clientKey(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)
  if (mapped) return mapped[1] as string
  if (!isIPv6(address) || address === '::1') return address
  return `${addressOctets(address).toString('hex', 0, 8)}/64`
}

/** The decision about a new connection. `refused`: with the protocol's reply. `dropped`: without one, because too many are being refused. */
export type Admission = 'served' | 'refused' | 'dropped'

/** A connection as counted for its client address. */
export interface CountedConnection {
  readonly admission: Admission
  /** Counts the connection for at least this time, even if the client disconnects. */
  hold(durationMs: number): void
  /** Ends the count. Call it once, when the connection is closed. */
  release(): void
}

const uncounted = { hold() {}, release() {} }
const unlimited: CountedConnection = { admission: 'served', ...uncounted }
const dropped: CountedConnection = { admission: 'dropped', ...uncounted }

/** Connections of one virtual server, counted by client address. */
export class ClientAddresses {
  readonly #counts: Record<'served' | 'refused', Map<string, number>> = { served: new Map(), refused: new Map() }

  /** Counts a connection that was just accepted. @param limit applies to served connections, and separately to refused ones */
  count(address: string, limit: number | 'off'): CountedConnection {
    if (limit === 'off') return unlimited
    const key = clientKey(address)
    if (this.#numberOf('served', key) < limit) return this.#counted('served', key)
    return this.#numberOf('refused', key) < limit ? this.#counted('refused', key) : dropped
  }

  #counted(admission: 'served' | 'refused', key: string): CountedConnection {
    this.#add(admission, key, 1)
    let heldUntil = 0
    return {
      admission,
      hold: (durationMs) => {
        heldUntil = performance.now() + durationMs
      },
      release: () => {
        const leftMs = heldUntil === 0 ? 0 : heldUntil - performance.now()
        if (leftMs <= 0) this.#add(admission, key, -1)
        else setTimeout(() => this.#add(admission, key, -1), leftMs).unref()
      },
    }
  }

  #numberOf(kind: 'served' | 'refused', key: string): number {
    return this.#counts[kind].get(key) ?? 0
  }

  #add(kind: 'served' | 'refused', key: string, change: 1 | -1): void {
    const count = this.#numberOf(kind, key) + change
    if (count > 0) this.#counts[kind].set(key, count)
    else this.#counts[kind].delete(key)
  }
}
