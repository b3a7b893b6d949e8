import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { lookupFor } from '../../core/network/ip-address.ts'
import { abortAfter } from '../../core/time/abort-after.ts'

/** Limits of a step that waits for a server. */
interface WaitLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Connects to a server by TCP. @throws the error of the system, or an AbortError when a limit is reached */
export async function connectTcp(
  to: { readonly host: string; readonly port: number },
  limits: WaitLimits,
): Promise<Socket> {
  const socket = connect({ ...to, ...lookupFor(to.host), noDelay: true })
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

/**
 * Returns the certificates that the server sent, its own first. Node.js 24 and 26 crash in `getPeerCertificate(true)` if a key
 * of the chain is on a curve that is not NIST's, so a hostile host could end the lab.
 */
export function peerChain(socket: TLSSocket): readonly X509Certificate[] {
  const found: X509Certificate[] = []
  // Node.js 20 shows the issuers in the first call only.
  for (let each = socket.getPeerX509Certificate(); each; each = each.issuerCertificate) found.push(each)
  return found
}
