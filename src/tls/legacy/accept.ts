import type { Duplex } from 'node:stream'
import { serverHandshake } from './handshake.ts'
import type { LegacyTlsOptions } from './options.ts'
import { LegacyTlsSocket } from './socket.ts'
import { RecordTransport } from './transport.ts'

/**
 * Makes the server's side of an SSL 3.0 or TLS 1.0 handshake on a raw socket. The caller bounds the time: it destroys
 * the raw socket, which ends the handshake.
 * @throws LegacyTlsError after its alert was sent and the raw socket closed
 */
export async function acceptLegacy(raw: Duplex, options: LegacyTlsOptions): Promise<LegacyTlsSocket> {
  const transport = new RecordTransport(raw)
  try {
    const result = await serverHandshake(transport, options)
    return new LegacyTlsSocket(transport, result, options.sessionCache)
  } catch (error) {
    await transport.fail(error)
    throw error
  }
}
