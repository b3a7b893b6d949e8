import type { TrafficRecorder } from '../core/sessions/capture.ts'
import type { ClientCertificateFacts } from '../core/sessions/types.ts'
import type { TlsPolicy } from '../tls/negotiation/policy.ts'
import type { InstalledCertificate } from '../tls/pki/types.ts'
import type { Connection } from './connection.ts'
import type { FaultRules } from './faults/fault-rules.ts'
import type { LegacySettings } from './legacy-acceptor.ts'
import type { Proxies } from './proxy-protocol/proxies.ts'
import type { ClientSettings } from './served-client.ts'

/** The settings of a virtual server. A reload or another certificate replaces them while it runs. */
export interface VirtualServerSettings extends ClientSettings {
  readonly name: string
  readonly protocol: string
  readonly address: string
  /** 0: any free port, which is then kept. */
  readonly port: number | 'off'
  readonly tlsPort: number | 'off'
  /** Absent: no certificate is assigned. Then STARTTLS is not offered, and the TLS port is closed. */
  readonly tls?: TlsSettings
  /** Neither the ports nor their connections keep the process running. Default: they do. */
  readonly isBackground?: boolean
  /** Recorders of the octets of its connections. */
  readonly captures?: readonly TrafficRecorder[]
  /** The faults to inject. */
  readonly faults?: FaultRules
  readonly maxConnections: number | 'off'
  readonly idleTimeoutMs: number
  /** The proxies whose connections begin with a PROXY header. Default: none. */
  readonly proxies?: Proxies | undefined
  /** Serves one connection to its end. */
  readonly serve: (connection: Connection) => Promise<void>
  /** Returns the line that is sent to a client above a connection limit. */
  readonly busyLine: (limited: LimitedBy) => string
}

/** Which limit is reached: connections of the virtual server, connections of the client's address, or the lab's memory. */
export type LimitedBy = 'server' | 'address' | 'memory'

/** Certificates and TLS policy of a virtual server. */
export interface TlsSettings {
  readonly policy: TlsPolicy
  /** Never empty. The first is the default; the server name (SNI) selects the others. */
  readonly certificates: readonly InstalledCertificate[]
  /** The protocol's names in TLS. RFC 7301. */
  readonly alpn: readonly string[]
  /** Whether clients that offer only other names are refused. */
  readonly isAlpnStrict?: boolean
  readonly handshakeTimeoutMs: number
  /** Staples OCSP responses to handshakes that ask for one. RFC 6066 section 8. */
  readonly ocspStapling?: boolean
  /** Absent: clients are not asked for a certificate. */
  readonly clientCertificates?: ClientCertificateSettings
  /** Absent: clients that share no version or suite with node:tls are refused. */
  readonly legacy?: LegacySettings
}

/** How a virtual server treats client certificates. */
export interface ClientCertificateSettings {
  /** accept: a client may send one. require: it must send one that can be verified. */
  readonly mode: 'accept' | 'require'
  /** PEM of the authorities that client certificates are verified against. */
  readonly authoritiesPem: readonly string[]
  /**
   * Judges a certificate that OpenSSL has verified, or whose dates alone it refuses (`isVerified` false). Returns the account
   * that it names, why it is refused (`revoked`), or why it is not verified, as a code of node:tls. `issuers` is in DER.
   */
  readonly judge: (
    certificate: Omit<ClientCertificateFacts, 'verified'>,
    issuers: readonly Buffer[],
    isVerified: boolean,
  ) => Promise<{ account?: string; refused?: string; invalid?: string }>
}
