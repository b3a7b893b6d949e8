import type { Protocol } from '../config/schema.ts'

/** What a check came to. `warn` breaks no promise; `not-applicable` says why it was not tested. */
export type Outcome = 'pass' | 'fail' | 'warn' | 'not-applicable'

/** What a server is held to, and who said so. */
export interface Promises {
  readonly by: 'the configuration' | 'good practice'
  /** TLS is to be had. */
  readonly tls: boolean
  /** Nothing but STARTTLS before TLS. */
  readonly requireSecureChannel: boolean
  /** Passwords may cross the wire in clear. */
  readonly clearLogOn: boolean
  /** The versions that may be agreed on, oldest first, as `TLSv1.2`. */
  readonly versions: readonly string[]
  readonly require128BitEncryption: boolean
  /** Suites below 128 bits, RC4 and 3DES are let in on purpose. */
  readonly weakSuites: boolean
}

/** One port of a server, as a client sees it. */
export interface Endpoint {
  /** How reports call it: a virtual server's name, or the host's. */
  readonly title: string
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** TLS from the first octet; otherwise STARTTLS. */
  readonly implicitTls: boolean
  /** The name or address that the certificate must be issued to. */
  readonly serverName: string
  readonly promises: Promises
  /** Nothing needs to listen there: one of the standard ports of a host. */
  readonly optional?: boolean
}

/** A log-on for the checks that send and read. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

export interface VerifyOptions {
  /** PEM roots; absent: those of the system and of Node.js. */
  readonly ca?: readonly string[]
  /** How long any one answer may take. */
  readonly timeoutMs: number
  /** Names of checks; absent: all. */
  readonly only?: readonly string[]
  readonly credentials?: Credentials
  /** Where the probe message goes, and from whom it comes; default: the user's own address. */
  readonly mailbox?: string
  /** Where the probe article is posted; default: the first group that takes posts. */
  readonly newsgroup?: string
  readonly now: () => number
}

export interface Finding {
  readonly check: string
  readonly title: string
  readonly outcome: Outcome
  readonly words: string
  /** The same for programs. */
  readonly facts?: Readonly<Record<string, unknown>>
}

export interface EndpointReport {
  readonly endpoint: Endpoint
  readonly findings: readonly Finding[]
}

/** Something that a server did, or did not do, in plain words. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError'
}

/** A check that cannot be made here, and why. */
export class NotTested extends Error {
  override readonly name = 'NotTested'
}
