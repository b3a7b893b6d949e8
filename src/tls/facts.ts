import type { TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts, TlsFacts } from '../sessions/types.ts'
import { suiteBits, suiteKeyExchange } from './suites.ts'

/** What was agreed on in a handshake that node:tls made. */
export function tlsFacts(
  socket: TLSSocket,
  certificate: InstalledCertificate,
  hello: ClientHelloFacts | undefined,
): TlsFacts {
  const { standardName } = socket.getCipher()
  // A suite's `version` is the lowest it goes with; the one agreed on is getProtocol()'s.
  const version = socket.getProtocol() ?? 'unknown'
  const keyExchange = suiteKeyExchange(standardName)
  return {
    version,
    cipher: standardName,
    bits: suiteBits(standardName) ?? 0,
    resumed: socket.isSessionReused(),
    certificate: { friendlyName: certificate.friendlyName, thumbprint: certificate.thumbprint },
    ...(keyExchange === undefined ? {} : { keyExchange }),
    ...(hello?.serverName === undefined ? {} : { serverName: hello.serverName }),
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    ...(hello === undefined ? {} : { hello }),
  }
}
