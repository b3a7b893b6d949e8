import type { Duplex } from 'node:stream'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import type { SessionRecorder, SessionStart } from '../core/sessions/types.ts'
import { performance } from '../core/time/real-timers.ts'
import type { KeyLog } from '../tls/negotiation/policy.ts'
import { type AcceptedSocket, sessionStart, tapSocket } from './accepted-socket.ts'
import { type ClientAddresses, noClientLimits } from './client-addresses.ts'
import { Connection } from './connection.ts'
import type { SecuredSocket, Securer } from './connection-options.ts'
import type { FailedLogons } from './failed-logons.ts'
import type { ConnectionFaults } from './faults/fault-rules.ts'
import { type ClientSettings, ServedClient } from './served-client.ts'
import type { VirtualServerSettings } from './virtual-server-settings.ts'

/** Performs a TLS handshake on a raw socket. @throws HandshakeFailure */
export type Secure = (
  raw: Duplex,
  record: SessionRecorder,
  keyLog: KeyLog | undefined,
  faults: ConnectionFaults | undefined,
) => Promise<SecuredSocket>

/** The parts of a virtual server that count, record and secure its clients. */
interface ServerParts {
  readonly addresses: ClientAddresses
  readonly failedLogons: FailedLogons
  readonly sessions: SessionLog
  readonly isTlsAvailable: () => boolean
  readonly secure: Secure
}

/** A client that has been accepted, with the parts that its connection is made of. */
export interface ArrivedClient {
  readonly accepted: AcceptedSocket
  readonly settings: VirtualServerSettings
  readonly client: ServedClient
  readonly start: SessionStart
  readonly record: ReturnType<SessionLog['open']>
  /** The socket below TLS, with the captures of its traffic. */
  readonly raw: Duplex
  readonly securer: Securer
  readonly faults: ConnectionFaults | undefined
  /** Closes the connection with a TCP reset. */
  readonly reset: () => void
  /** When its time to log on is over, by `performance.now`. Undefined: never. */
  readonly logOnBy: number | undefined
}

/** Counts a client that has been accepted, and opens its record. */
export function arrive(accepted: AcceptedSocket, settings: VirtualServerSettings, server: ServerParts): ArrivedClient {
  const { socket, remote, header, owner } = accepted
  const { name: virtualServer, protocol } = settings
  const ofClient: ClientSettings = owner === undefined ? settings : {}
  const { addresses, failedLogons } = server
  const client = new ServedClient(remote, { addresses, failedLogons, settings: ofClient })
  const { logonTimeoutMs } = ofClient.clientLimits ?? noClientLimits
  const logOnBy = logonTimeoutMs === 'off' ? undefined : performance.now() + logonTimeoutMs
  const start = sessionStart(accepted, settings)
  const record = server.sessions.open(start)
  for (const note of header?.notes ?? []) record.note(note)
  if (owner !== undefined) record.note(owner)
  const reset = (): void => {
    // The control socket has no TCP reset.
    if (owner === undefined) socket.resetAndDestroy()
    else socket.destroy()
  }
  const faults = settings.faults?.open({ virtualServer, protocol, session: record.record, reset })
  const { raw, keyLog } = tapSocket(accepted, record.id, settings.captures ?? [])
  const securer: Securer = {
    isAvailable: server.isTlsAvailable,
    secure: (stream) => server.secure(stream, record, keyLog, faults),
  }
  return { accepted, settings, client, start, record, raw, securer, faults, reset, logOnBy }
}

/** Returns the connection of a client, after the handshake on a port for TLS. @throws HandshakeFailure */
export async function connect(arrived: ArrivedClient, intake: Intake): Promise<Connection> {
  const { accepted, settings, client, record, raw, securer, faults, logOnBy } = arrived
  const { socket, kind, remote, local, header, owner } = accepted
  const secured = kind === 'tlsPort' ? await securer.secure(raw) : undefined
  return new Connection({
    socket: secured?.socket ?? raw,
    secured,
    isSecuredByProxy: header?.isSecure,
    isOwner: owner !== undefined,
    remote,
    local,
    record,
    securer,
    faults,
    idleTimeoutMs: settings.idleTimeoutMs,
    // Below TLS, compression and captures.
    keepAlive: () => socket.setKeepAlive(true),
    // A TLS handshake has used up some of the time.
    logon: { timeoutMs: logOnBy && logOnBy - performance.now(), countFailure: () => client.countFailure() },
    client,
    intake,
  })
}
