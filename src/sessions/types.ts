/** What a client offered in its ClientHello. RFC 8446 section 4.1.2. */
export interface ClientHelloFacts {
  /** The highest version offered, and all of them, as `TLSv1.3`, `TLSv1`, `SSLv3`. */
  readonly versions: readonly string[]
  /** Suites in the client's order, IANA code points (0x1301 …). SCSVs and GREASE left out. */
  readonly suites: readonly number[]
  readonly serverName?: string
  readonly alpn: readonly string[]
  /** Groups of its key shares (TLS 1.3), IANA code points; GREASE left out. */
  readonly keyShares?: readonly number[]
}

/** What was agreed on in a handshake, and with whom. */
export interface TlsFacts {
  /** `TLSv1.3`, `TLSv1` … */
  readonly version: string
  /** IANA name of the suite, `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** Strength of the symmetric cipher in bits; 0 for NULL. */
  readonly bits: number
  /** `ECDHE_RSA`, `RSA` …; under TLS 1.3 the group, `X25519`, or those of which it is one. Where known. */
  readonly keyExchange?: string
  readonly serverName?: string
  readonly alpn?: string
  readonly resumed: boolean
  /** The certificate the server showed. */
  readonly certificate?: { readonly friendlyName: string; readonly thumbprint: string }
  /** The certificate the client showed, and whether it was verified. */
  readonly clientCertificate?: ClientCertificateFacts
  readonly hello?: ClientHelloFacts
}

export interface ClientCertificateFacts {
  readonly verified: boolean
  /** Why it was not verified, in OpenSSL's word. */
  readonly error?: string
  /** The account that it names, where it is verified and names one. */
  readonly account?: string
  readonly subject: string
  readonly issuer: string
  readonly thumbprint: string
  readonly der: Buffer
}

export type Direction = 'in' | 'out'

/** One entry of a transcript. `encrypted` says whether it crossed the wire under TLS. */
export type TranscriptEntry = { readonly at: number; readonly encrypted: boolean } & (
  | { readonly kind: 'line'; readonly direction: Direction; readonly text: string }
  | { readonly kind: 'octets'; readonly direction: Direction; readonly octets: number }
  | { readonly kind: 'note'; readonly text: string }
)

/** What is on record of one connection. */
export interface SessionRecord {
  readonly id: string
  readonly virtualServer: string
  readonly protocol: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly startedAt: number
  readonly endedAt?: number
  /** The account logged on, once one is. */
  readonly user?: string
  readonly tls?: TlsFacts
  readonly hello?: ClientHelloFacts
  /** Why something was refused: the handshake, a command, a log-on. In plain words. */
  readonly refusals: readonly string[]
  readonly endCause?: string
  readonly transcript: readonly TranscriptEntry[]
}

/** How the listener and the sessions put a connection on record. Secrets are masked by the recorder. */
export interface SessionRecorder {
  readonly id: string
  /** A line of the protocol, without its CRLF. `secret`: all of it is a secret (a SASL response). */
  line(direction: Direction, text: string, secret?: boolean): void
  /** Message octets, summarized. */
  octets(direction: Direction, octets: number): void
  note(text: string): void
  hello(facts: ClientHelloFacts): void
  secured(facts: TlsFacts): void
  user(name: string): void
  refused(why: string): void
  end(cause: string): void
}
