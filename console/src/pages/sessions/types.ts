import type { Cure } from '../../../../src/core/sessions/cures.ts'

/** A session as the API describes it. Times are in RFC 3339. */
export interface Session {
  readonly id: string
  readonly protocol: string
  readonly virtualServer: string
  /** `out`: the lab opened the connection, as a client. */
  readonly direction?: 'out'
  readonly remoteAddress: string
  readonly remotePort: number
  /** The proxy that the client came by. */
  readonly proxy?: { readonly address: string; readonly port: number }
  readonly localAddress: string
  readonly localPort: number
  readonly startedAt: string
  readonly endedAt?: string
  readonly endCause?: string
  readonly user?: string
  readonly refusals: readonly string[]
  /** The cure of each cause that the lab knows one for. */
  readonly cures: readonly Cure[]
  readonly summary: string
  /** Whether its traffic can be downloaded. */
  readonly captured: boolean
  readonly hello?: { readonly serverName?: string; readonly ja4?: string; readonly extensions?: readonly number[] }
  readonly tls?: {
    readonly version: string
    readonly cipher: string
    readonly bits: number
    readonly keyExchange?: string
    readonly serverName?: string
    readonly alpn?: string
    readonly resumed: boolean
    readonly certificate?: { readonly friendlyName: string; readonly thumbprint: string }
    readonly clientCertificate?: { readonly subject: string; readonly verified: boolean; readonly error?: string }
    /** In an outgoing session: the certificate of the other host, and the policy that it was held against. */
    readonly peerCertificate?: {
      readonly subject: string
      readonly policy: string
      readonly verified: boolean
      readonly error?: string
    }
  }
}

/** One entry of a transcript. */
export type Entry = { readonly at: string; readonly encrypted: boolean } & (
  | { readonly kind: 'line'; readonly direction: 'in' | 'out'; readonly text: string }
  | { readonly kind: 'octets'; readonly direction: 'in' | 'out'; readonly octets: number }
  | { readonly kind: 'note'; readonly text: string }
)

/** Returns whether an entry is the client's. The lab itself is the client of outgoing sessions. */
export const isOfClient = (session: Pick<Session, 'direction'>, direction: 'in' | 'out'): boolean =>
  (direction === 'in') !== (session.direction === 'out')
