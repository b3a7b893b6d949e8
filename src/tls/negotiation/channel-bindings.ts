import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from '../../core/sessions/types.ts'
import { signatureHashOf } from '../pki/certificate/signature-hash.ts'
import { type ChannelBindings, channelBindings } from './binding-types.ts'

const EXTENDED_MASTER_SECRET = 23

/** Returns the channel bindings of a handshake by node:tls. */
export function channelBindingsOf(socket: TLSSocket, { version, resumed, hello }: TlsFacts): ChannelBindings {
  const isTls13 = version === 'TLSv1.3'
  // OpenSSL agrees to the extension wherever the client offers it.
  const isExtended = isTls13 || (hello?.extensions?.includes(EXTENDED_MASTER_SECRET) ?? false)
  return channelBindings({
    // RFC 9266 section 4.2: below TLS 1.3 only with the extended master secret. RFC 7627.
    'tls-exporter': isExtended && (() => socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))),
    'tls-server-end-point': () => {
      const der = socket.getX509Certificate()?.raw
      return der && serverEndPoint(der)
    },
    // RFC 9266 section 3: not in TLS 1.3. RFC 7627 section 5.4: not where a session without the extension is resumed.
    'tls-unique':
      !isTls13 && (isExtended || !resumed) && (() => (resumed ? socket.getFinished() : socket.getPeerFinished())),
  })
}

/** Returns the hash of the server's certificate; undefined if its signature uses no hash of its own. RFC 5929 section 4.1. */
export function serverEndPoint(der: Buffer): Buffer | undefined {
  const hash = signatureHashOf(der)
  return (
    hash &&
    createHash(endPointHashes[hash] ?? hash)
      .update(der)
      .digest()
  )
}

/** MD5 and SHA-1 are replaced. */
const endPointHashes: Readonly<Record<string, string>> = { md5: 'sha256', sha1: 'sha256' }
