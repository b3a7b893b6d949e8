import type { TrafficRecorder } from '../core/sessions/capture.ts'
import type { Connection } from './connection.ts'
import type { FaultRules } from './faults/fault-rules.ts'
import type { Proxies } from './proxy-protocol/proxies.ts'
import type { ClientSettings } from './served-client.ts'
import type { TlsSettings } from './tls-acceptor.ts'

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
