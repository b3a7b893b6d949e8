import type { SocketAddress } from '../network/ip-address.ts'
import type { CauseName } from './cures.ts'

/** The offer in a ClientHello. RFC 8446 section 4.1.2. */
export interface ClientHelloFacts {
  /** `TLSv1.3`, `TLSv1`, `SSLv3` …: all versions of supported_versions, or only the highest for older clients. */
  readonly versions: readonly string[]
  /** IANA code points (0x1301 …) in the client's order, without SCSVs and GREASE. */
  readonly suites: readonly number[]
  readonly serverName?: string
  readonly alpn: readonly string[]
  /** Groups of the key shares (TLS 1.3), as IANA code points, without GREASE. */
  readonly keyShares?: readonly number[]
  /** supported_groups: the groups that the client can use for the key exchange, in its order, as IANA code points. */
  readonly groups?: readonly number[]
  /** signature_algorithms, as IANA code points. */
  readonly signatureAlgorithms?: readonly number[]
  /** Types of all extensions in the client's order, as IANA numbers, without GREASE. 0xfe0d is encrypted_client_hello. */
  readonly extensions?: readonly number[]
  /** Values in the list of suites that are no suites: 0x00ff (RFC 5746), 0x5600 (RFC 7507). */
  readonly signallingSuites?: readonly number[]
  /** The JA4 fingerprint of the client software. */
  readonly ja4?: string
}

/** The result of a TLS handshake. */
export interface TlsFacts {
  /** `TLSv1.3`, `TLSv1` … */
  readonly version: string
  /** IANA name of the suite, `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** Strength of the symmetric cipher in bits; 0 for NULL. */
  readonly bits: number
  /** If known: `ECDHE_RSA`, `RSA` …; in TLS 1.3 the group, `X25519`. */
  readonly keyExchange?: string
  /** In TLS 1.3: whether the client had to send a second ClientHello, with a key share for a group of the server. */
  readonly helloRetryRequest?: boolean
  readonly serverName?: string
  readonly alpn?: string
  readonly resumed: boolean
  /** The certificate that the server sent. */
  readonly certificate?: { readonly friendlyName: string; readonly thumbprint: string }
  /** The certificate does not contain the server name that the client asked for. */
  readonly serverNameMismatch?: true
  /** The certificate that the client sent. */
  readonly clientCertificate?: ClientCertificateFacts
  /** In an outgoing session: the certificate of the other host. */
  readonly peerCertificate?: PeerCertificateFacts
  readonly hello?: ClientHelloFacts
}

/** The certificate that a client sent, and the result of its verification. */
export interface ClientCertificateFacts {
  readonly verified: boolean
  /** Why it was not verified. */
  readonly error?: string
  /** The account that a verified certificate names. */
  readonly account?: string
  readonly subject: string
  readonly issuer: string
  readonly thumbprint: string
  readonly der: Buffer
}

/** The certificate of the host that an outgoing session connects to, and the result of its verification. */
interface PeerCertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly thumbprint: string
  /** The TLS level or policy that it was held against: `may`, `verify`, `dane` … */
  readonly policy: string
  readonly verified: boolean
  /** Why it was not verified, in plain words. */
  readonly error?: string
}

/** Seen from the lab: `in` is what it receives. In an outgoing session these are the lines of the server. */
export type Direction = 'in' | 'out'

/** One entry of a transcript. `encrypted`: it was sent under TLS. */
export type TranscriptEntry = { readonly at: number; readonly encrypted: boolean } & (
  | { readonly kind: 'line'; readonly direction: Direction; readonly text: string }
  | { readonly kind: 'octets'; readonly direction: Direction; readonly octets: number }
  | { readonly kind: 'note'; readonly text: string }
)

/** The facts known when a connection is accepted. */
export interface SessionStart {
  /** The node that serves it. Absent: the lab has no others. */
  readonly node?: string
  /** `out`: the lab opened the connection, as a client. Absent: a client connected to the lab. */
  readonly direction?: 'out'
  readonly virtualServer: string
  readonly protocol: string
  readonly remoteAddress: string
  /** 0 if a proxy does not tell it. */
  readonly remotePort: number
  /** The proxy that the client came by, if it said who the client is. */
  readonly proxy?: SocketAddress
  readonly localAddress: string
  readonly localPort: number
}

/** Returns whether an entry comes from the client: the lab itself is the client of outgoing sessions. */
export const isOfClient = (session: Pick<SessionStart, 'direction'>, direction: Direction): boolean =>
  (direction === 'in') !== (session.direction === 'out')

/** The mail transactions of a session. */
interface MailTransactions {
  readonly begun: number
  readonly isOpen: boolean
  /** Whether the first one was open at the last reset of the lab. */
  readonly wasOpenAtReset?: true
}

/** Why something was refused, if the lab knows a cure. */
export interface SessionCause {
  readonly name: CauseName
  /** The account whose log-on was refused, if the lab has it. */
  readonly account?: string
}

/** The record of one connection. */
export interface SessionRecord extends SessionStart {
  readonly id: string
  /** Milliseconds since the epoch, as all times of a record. */
  readonly startedAt: number
  readonly endedAt?: number
  /** The account that has logged on. */
  readonly user?: string
  /**
   * All who have used the connection, if they are several, as clients of a proxy are: accounts by their names, tenants by the
   * beginning of the names of their accounts (`TENANT-`), and an empty text for all others. The first 100
   * are named; if there are more, the text is empty, too.
   */
  readonly usedBy?: readonly string[]
  readonly tls?: TlsFacts
  readonly hello?: ClientHelloFacts
  /** The time of the last reset of the lab, if the connection was open then. Its refusals and its transcript begin there. */
  readonly resetAt?: number
  /** Mail that the client began to send by SMTP, since the last reset. RFC 5321 section 3.3. */
  readonly mail?: MailTransactions
  /** Why a handshake, a log-on, a command or a message was refused: the replies, or the reasons. Those of faults name the fault. */
  readonly refusals: readonly string[]
  /** The causes of the refusals, each one once. */
  readonly causes?: readonly SessionCause[]
  readonly endCause?: string
  readonly transcript: readonly TranscriptEntry[]
}

/** Records a connection. Masks secrets. */
export interface SessionRecorder {
  readonly id: string
  /** Records a protocol line without its CRLF. @param secret masks the whole line, for example a SASL response */
  line(direction: Direction, text: string, secret?: boolean): void
  /** Records protocol lines, each with its CRLF. */
  lines(direction: Direction, text: string): void
  /** Records the number of message octets. */
  octets(direction: Direction, octets: number): void
  /** @param saysWhy whether the note says why the connection ends */
  note(text: string, saysWhy?: boolean): void
  /** Records whose requests a connection carries from here on. @param proxy what forwards them */
  forwarded(client: SocketAddress, proxy: SocketAddress | undefined): void
  hello(facts: ClientHelloFacts): void
  secured(facts: TlsFacts): void
  user(name: string): void
  /** Records who uses the connection from here on, as `usedBy` of the record names it. `user` does it for accounts. */
  usedBy(who: string): void
  /** Records that a mail transaction of SMTP has begun or ended. */
  mail(isOpen: boolean): void
  refused(why: string): void
  /** Records the cause of a refusal. @param account whose log-on was refused */
  because(cause: CauseName | undefined, account?: string): void
  end(cause: string): void
}
