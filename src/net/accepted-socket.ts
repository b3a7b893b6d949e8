import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SocketAddress } from '../core/network/ip-address.ts'
import { TappedSocket } from '../core/network/tapped-socket.ts'
import type { TrafficRecorder } from '../core/sessions/capture.ts'
import type { SessionRecord, SessionStart } from '../core/sessions/types.ts'
import type { KeyLog } from '../tls/negotiation/policy.ts'
import type { PortKind } from './ports.ts'
import type { ProxyHeader } from './proxy-protocol/types.ts'

/** A socket that was just accepted, and what a proxy said about it. */
export interface AcceptedSocket {
  readonly socket: Socket
  readonly kind: PortKind
  /** The client, or the proxy if that is all that is known. */
  readonly remote: SocketAddress
  readonly local: SocketAddress
  /** The proxy that the client came by. */
  readonly proxy?: SocketAddress
  readonly header?: ProxyHeader
  /** The client is the owner of the lab: what the session record says about who it is. */
  readonly owner?: string
}

/** The client's address in the records of the owner's sessions, which come by the control socket. */
export const OWNER_ADDRESS: SocketAddress = { address: '127.0.0.1', port: 0 }

/** Returns the facts with which the record of a socket begins. */
export const sessionStart = (
  { remote, local, proxy }: AcceptedSocket,
  { name, protocol }: { readonly name: string; readonly protocol: string },
): SessionStart => ({
  virtualServer: name,
  protocol,
  remoteAddress: remote.address,
  remotePort: remote.port,
  ...(proxy ? { proxy } : {}),
  localAddress: local.address,
  localPort: local.port,
})

/** Returns whether a session was only a check of a proxy whether the port answers. */
export const isPortCheck = ({ header }: AcceptedSocket, record: SessionRecord): boolean =>
  header !== undefined &&
  header.source === undefined &&
  record.hello === undefined &&
  record.refusals.length === 0 &&
  !record.transcript.some((entry) => entry.kind !== 'note' && entry.direction === 'in')

/** Wraps a socket for the captures that record it. `keyLog` takes the secrets of its TLS handshakes. */
export function tapSocket(
  { socket, remote, local, header }: AcceptedSocket,
  session: string,
  captures: readonly TrafficRecorder[],
): { raw: Duplex; keyLog: KeyLog | undefined } {
  if (captures.length === 0) return { raw: socket, keyLog: undefined }
  // The connection to the proxy is shown, because packets have two addresses of one family.
  const destination = (header?.source && header.destination) ?? local
  const captured = captures.map((capture) => capture.open(remote, destination, session))
  const keyLog = (line: Buffer): void => {
    for (const connection of captured) connection.secret(line)
  }
  return { raw: new TappedSocket(socket, captured), keyLog }
}
