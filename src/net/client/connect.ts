import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { abortAfter } from '../../core/time/abort-after.ts'

/** Limits of a step that waits for a server. */
export interface WaitLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Connects to a server by TCP. @throws the error of the system, or an AbortError when a limit is reached */
export async function connectTcp(
  to: { readonly host: string; readonly port: number },
  limits: WaitLimits,
): Promise<Socket> {
  const socket = connect({ ...to, noDelay: true })
  await ready(socket, 'connect', limits)
  return socket
}

/** Runs the client's side of a TLS handshake. @throws the error of OpenSSL, or an AbortError when a limit is reached */
export async function handshake(options: ConnectionOptions, limits: WaitLimits): Promise<TLSSocket> {
  const socket = connectTls(options)
  await ready(socket, 'secureConnect', limits)
  return socket
}

async function ready(socket: Socket, event: string, { timeoutMs, signal }: WaitLimits): Promise<void> {
  using limit = abortAfter(timeoutMs, signal)
  try {
    await once(socket, event, { signal: limit.signal })
    // An error without a listener would end the process, also between two listeners.
    socket.on('error', () => {})
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Returns the certificates of the server, its own first, with those of the roots that Node.js adds. */
export function peerChain(socket: TLSSocket): readonly X509Certificate[] {
  const found = new Map<string, X509Certificate>()
  let each: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (each?.raw && !found.has(each.fingerprint256)) {
    found.set(each.fingerprint256, new X509Certificate(each.raw))
    each = each.issuerCertificate
  }
  return [...found.values()]
}
