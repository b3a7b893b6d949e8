import type { AddressList } from '../core/network/address-list.ts'
import type { SocketAddress } from '../core/network/ip-address.ts'
import type { SessionRecorder } from '../core/sessions/types.ts'
import {
  type ClientAddresses,
  type ClientLimits,
  type CountedConnection,
  failedLogonDelayOf,
  noClientLimits,
} from './client-addresses.ts'
import type { FailedLogons } from './failed-logons.ts'

/** The settings of a virtual server that concern single clients. */
export interface ClientSettings {
  /** Default: no limits. */
  readonly clientLimits?: ClientLimits
  /** The proxies of HTTP, and of SMTP by XCLIENT, that forward the requests of clients. Default: none. */
  readonly forwarders?: AddressList | undefined
  /** Counts a connection from an address. Returns whether it is within the rate of connections. Default: no limit. */
  readonly takesConnection?: ((address: string) => boolean) | undefined
}

/** Counts the clients of a virtual server. */
interface ClientCounts {
  readonly addresses: ClientAddresses
  readonly failedLogons: FailedLogons
  readonly settings: ClientSettings
}

const RATE_REFUSAL = 'the rate of connections from this address is reached (limits.rate)'

/**
 * The client of a connection, as counted for the limits of its address. A proxy of HTTP forwards requests of one client after
 * the other: the connection counts for the client whose requests it carries.
 */
export class ServedClient {
  readonly #counts: ClientCounts
  readonly #peer: SocketAddress
  #address: string
  #counted: CountedConnection
  /** Whether the client of the last `change` was refused. */
  #isRefused = false
  /** Undefined until a log-on fails. */
  #countFailure: (() => number) | undefined

  /** @param peer the client, or a proxy that forwards the requests of clients */
  constructor(peer: SocketAddress, counts: ClientCounts) {
    this.#counts = counts
    this.#peer = peer
    this.#address = peer.address
    this.#counted = this.#count(peer.address)
  }

  get counted(): CountedConnection {
    return this.#counted
  }

  /** Counts a connection, and returns why it is refused; undefined within the rate. */
  get rateRefusal(): string | undefined {
    const { takesConnection } = this.#counts.settings
    if (takesConnection === undefined || this.#isForwarder(this.#address)) return undefined
    return takesConnection(this.#address) ? undefined : RATE_REFUSAL
  }

  /** Counts a failed log-on. Returns the delay of its reply in milliseconds. */
  countFailure(): number {
    const { failedLogons, settings } = this.#counts
    const { failedLogonDelayMs } = settings.clientLimits ?? noClientLimits
    const delayMs = failedLogonDelayOf(failedLogonDelayMs, this.#address)
    this.#countFailure ??= failedLogons.counter(this.#address, delayMs, this.#counted)
    return this.#countFailure()
  }

  /**
   * Counts the connection for another client from here on: the sender of the request that a proxy has just forwarded.
   * @returns why the client is refused; undefined if it is not
   */
  change(client: SocketAddress, record: SessionRecorder): string | undefined {
    if (client.address === this.#address && !this.#isRefused) return undefined
    this.release()
    this.#address = client.address
    this.#counted = this.#count(client.address)
    this.#countFailure = undefined
    record.forwarded(client, client.address === this.#peer.address ? undefined : this.#peer)
    const refusal = this.#counted.refusal ?? this.rateRefusal
    // The next request is counted again.
    this.#isRefused = refusal !== undefined
    return refusal
  }

  release(): void {
    this.#counted.release()
  }

  /** The connections of a proxy of HTTP count for its clients. */
  #isForwarder(address: string): boolean {
    return this.#counts.settings.forwarders?.has(address) ?? false
  }

  #count(address: string): CountedConnection {
    const { addresses, settings } = this.#counts
    const { connectionsPerAddress } = settings.clientLimits ?? noClientLimits
    return addresses.count(address, this.#isForwarder(address) ? 'off' : connectionsPerAddress)
  }
}
