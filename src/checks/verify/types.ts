import type { FaultProtocol } from '../../core/config/schema/protocol.ts'
import type { ReadCrl } from '../../tls/pki/revocation/read-crl.ts'

/** The result of a check. `warn` does not make the verdict fail; `not-applicable` comes with the reason. */
export type CheckOutcome = 'pass' | 'fail' | 'warn' | 'not-applicable'

/** The policy that a server is checked against, and its source. */
export interface Promises {
  readonly by: 'the configuration' | 'good practice'
  /** The server offers TLS. */
  readonly tls: boolean
  /** Before TLS, the server accepts only STARTTLS. */
  readonly requireSecureChannel: boolean
  /** The server may accept passwords in clear text. */
  readonly clearLogOn: boolean
  /** The TLS versions that the server may accept, oldest first, such as `TLSv1.2`. */
  readonly versions: readonly string[]
  readonly require128BitEncryption: boolean
  /** The server accepts RC4, 3DES and suites below 128 bits on purpose. */
  readonly weakSuites: boolean
}

/** One port of a server to verify. */
export interface Endpoint {
  /** Its name in reports: the virtual server's or the host's. */
  readonly title: string
  readonly protocol: FaultProtocol
  readonly host: string
  readonly port: number
  /** Whether the port uses TLS from the first octet; otherwise STARTTLS. */
  readonly implicitTls: boolean
  /** The name or address that the certificate must have. */
  readonly serverName: string
  /** HTTP: the path that is asked for. Default: `/`. */
  readonly path?: string
  readonly promises: Promises
  /** The addresses from which the server expects a PROXY header. Default: none. */
  readonly proxies?: readonly string[]
  /** A closed port is not a failure: it is one of a host's standard ports. */
  readonly optional?: boolean
}

/** The account for the checks that send and read messages. */
export interface ProbeAccount {
  readonly user: string
  readonly password: string
}

/** A DNS server. */
export interface DnsServer {
  readonly address: string
  readonly port: number
}

export interface VerifyOptions {
  /** Trusted roots in PEM. Default: those of the system and of Node.js. */
  readonly ca?: readonly string[]
  /** Limit for each answer. */
  readonly timeoutMs: number
  /** Names of the checks to run. Default: all. */
  readonly only?: readonly string[]
  readonly credentials?: ProbeAccount
  /** Sender and recipient of the test message. Default: the user's own address. */
  readonly mailbox?: string
  /** The newsgroup for the test article. Default: the first one that accepts posts. */
  readonly newsgroup?: string
  /** The DNS server for the checks of TLSA records and MTA-STS. Default: these checks are not made. */
  readonly resolver?: DnsServer
  /** The mail domain whose MTA-STS policy is checked. */
  readonly mailDomain?: string
  /** Port of the HTTPS server with the policy. Default: 443. */
  readonly policyPort?: number
  readonly now: () => number
  /** Called for every connection before anything is sent on it. */
  readonly onConnection?: (connection: LocalConnection) => Promise<void> | void
  /** Revocation lists that are applied beside those that certificates name. */
  readonly lists?: readonly ReadCrl[]
  /** Hosts that revocation lists may be downloaded from. A certificate can name any. Default: all. */
  readonly listHosts?: readonly string[]
  /** Ends the run and its connections. */
  readonly signal?: AbortSignal
}

/** The client's end of a connection. */
export interface LocalConnection {
  readonly localAddress: string
  readonly localPort: number
  readonly remotePort: number
}

export interface Finding {
  readonly check: string
  readonly title: string
  readonly outcome: CheckOutcome
  /** The result in words. */
  readonly words: string
  /** The result as data. */
  readonly facts?: Readonly<Record<string, unknown>>
}

export interface EndpointReport {
  readonly endpoint: Endpoint
  readonly findings: readonly Finding[]
}

/** A failure of the server, with a message for the report. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError'
}

/** Thrown by a check that does not apply to the server. The message states the reason. */
export class NotTested extends Error {
  override readonly name = 'NotTested'
}
