import type { Duplex } from 'node:stream'
import type { SocketAddress } from '../core/network/ip-address.ts'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionRecorder, TlsFacts } from '../core/sessions/types.ts'
import type { ChannelBindings } from '../tls/negotiation/binding-types.ts'
import type { ConnectionFaults } from './faults/fault-rules.ts'
import type { LogonLimits } from './logon-guard.ts'
import type { ServedClient } from './served-client.ts'

/** A socket under TLS, and the result of its handshake. */
export interface SecuredSocket {
  readonly socket: Duplex
  readonly facts: TlsFacts
  readonly bindings: ChannelBindings
}

/** Performs the server's side of a TLS handshake on a raw socket. */
export interface Securer {
  /** Whether a certificate is assigned. */
  isAvailable(): boolean
  /** Performs the handshake. @throws HandshakeFailure */
  secure(raw: Duplex): Promise<SecuredSocket>
}

/** The parts of a connection, and how it differs from others. */
export interface ConnectionOptions {
  readonly socket: Duplex
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly record: SessionRecorder
  readonly idleTimeoutMs: number
  /** Turns TCP keep-alive on, for a client that may stay for long. */
  readonly keepAlive: () => void
  readonly securer: Securer
  /** The faults to inject. */
  readonly faults?: ConnectionFaults | undefined
  /** The result of the handshake on a TLS port. */
  readonly secured?: Omit<SecuredSocket, 'socket'> | undefined
  /** Whether the client uses TLS up to a proxy that the configuration lists. */
  readonly isSecuredByProxy?: boolean | undefined
  /** Whether the client is the owner of the lab, who came by the control socket. */
  readonly isOwner?: boolean | undefined
  /** The limits until the client logs on. */
  readonly logon: LogonLimits
  /** The client, as counted for its limits. */
  readonly client: ServedClient
  /** Where messages are received. */
  readonly intake: Intake
}
