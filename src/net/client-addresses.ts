import { isIPv6 } from 'node:net'
import { addressOctets, isLoopback } from '../core/network/ip-address.ts'
import { performance, setTimeout } from '../core/time/real-timers.ts'

/** Limits on single clients. */
export interface ClientLimits {
  readonly connectionsPerAddress: number | 'off'
  readonly logonTimeoutMs: number | 'off'
  /** The delay of the reply to the first failed log-on; auto: of clients on other machines only. */
  readonly failedLogonDelayMs: number | 'off' | 'auto'
}

const AUTOMATIC_DELAY_MS = 1000

/** Returns the delay of the reply to the first failed log-on of a client. */
export function failedLogonDelayOf(setting: ClientLimits['failedLogonDelayMs'], address: string): number | 'off' {
  if (setting !== 'auto') return setting
  return isLoopback(clientKey(address)) ? 'off' : AUTOMATIC_DELAY_MS
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
  /** Why it is not served. */
  readonly refusal?: string
  /** Counts the connection for at least this time, even if the client disconnects. */
  hold(durationMs: number): void
  /** Ends the count. Call it once, when the connection is closed. */
  release(): void
}

/** Connections of one address that may count after they ended, where open connections do not count. */
const MAX_HELD = 100
const HELD_REFUSAL = `${MAX_HELD} clients of this address disconnected during the delay of a failed log-on (limits.failedLogonDelay)`

type Count = 'served' | 'refused' | 'held'

/** Connections of one virtual server, counted by client address. */
export class ClientAddresses {
  readonly #counts: Record<Count, Map<string, number>> = {
    served: new Map(),
    refused: new Map(),
    held: new Map(),
  }

  /** Counts a connection that was just accepted. @param limit applies to served connections, and separately to refused ones */
  count(address: string, limit: number | 'off'): CountedConnection {
    const key = clientKey(address)
    if (limit === 'off')
      return this.#numberOf('held', key) < MAX_HELD ? this.#held(key) : this.#refused(key, MAX_HELD, HELD_REFUSAL)
    if (this.#numberOf('served', key) < limit) return this.#counted('served', key)
    return this.#refused(key, limit, `the limit of ${limit} connections per address is reached`)
  }

  #refused(key: string, limit: number, refusal: string): CountedConnection {
    if (this.#numberOf('refused', key) < limit) return { ...this.#counted('refused', key), refusal }
    return { admission: 'dropped', refusal, hold() {}, release() {} }
  }

  #counted(admission: 'served' | 'refused', key: string): CountedConnection {
    this.#add(admission, key, 1)
    return heldConnection(admission, (leftMs) => this.#removeLater(admission, key, leftMs))
  }

  /** Returns a connection that counts only after its end. */
  #held(key: string): CountedConnection {
    return heldConnection('served', (leftMs) => {
      if (leftMs <= 0) return
      this.#add('held', key, 1)
      this.#removeLater('held', key, leftMs)
    })
  }

  #removeLater(kind: Count, key: string, leftMs: number): void {
    if (leftMs <= 0) this.#add(kind, key, -1)
    else setTimeout(() => this.#add(kind, key, -1), leftMs).unref()
  }

  #numberOf(kind: Count, key: string): number {
    return this.#counts[kind].get(key) ?? 0
  }

  #add(kind: Count, key: string, change: 1 | -1): void {
    const count = this.#numberOf(kind, key) + change
    if (count > 0) this.#counts[kind].set(key, count)
    else this.#counts[kind].delete(key)
  }
}

/** @param released receives the time for which the connection is still held, in milliseconds */
function heldConnection(admission: 'served' | 'refused', released: (leftMs: number) => void): CountedConnection {
  let heldUntil = 0
  return {
    admission,
    hold(durationMs) {
      heldUntil = performance.now() + durationMs
    },
    release: () => released(heldUntil === 0 ? 0 : heldUntil - performance.now()),
  }
}
