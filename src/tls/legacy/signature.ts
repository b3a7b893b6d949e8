import { constants, createHash, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import type { ClientHello } from '../negotiation/client-hello.ts'
import { uint16, vector } from '../negotiation/octets.ts'
import { LegacyTlsError } from './alerts.ts'
import type { LegacyVersion } from './suites.ts'

/** Hashes of RSA signatures in TLS 1.2 by their SignatureAndHashAlgorithm, strongest first. RFC 5246 section 7.4.1.4.1. */
const hashes = new Map([
  [0x0601, 'sha512'],
  [0x0501, 'sha384'],
  [0x0401, 'sha256'],
  [0x0301, 'sha224'],
  [0x0201, 'sha1'],
])
const RSA_SHA1 = 0x0201

/** Returns the `digitally-signed` element over some octets, made with an RSA key. @throws LegacyTlsError */
export function digitallySigned(
  key: KeyObject,
  signed: Buffer,
  version: LegacyVersion,
  { extensions }: ClientHello,
): Buffer {
  if (version === 'TLSv1.2') {
    // RFC 5246 section 7.4.1.4.1: a client without the extension accepts SHA-1.
    const accepted = extensions.signatureAlgorithms ?? [RSA_SHA1]
    const chosen = [...hashes].find(([id]) => accepted.includes(id))
    if (!chosen)
      throw new LegacyTlsError('handshake_failure', 'the client accepts no RSA signature (signature_algorithms)')
    const [id, hash] = chosen
    return Buffer.concat([uint16(id), vector(2, sign(hash, signed, key))])
  }
  // MD5 and SHA-1 without DigestInfo. RFC 2246 sections 4.7, 7.4.3; RFC 6101 section 5.6.3.
  const digests = Buffer.concat(['md5', 'sha1'].map((hash) => createHash(hash).update(signed).digest()))
  return vector(2, privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digests))
}
