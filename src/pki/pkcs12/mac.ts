import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { integer, nul, octetString, oid, sequence } from '../asn1/der.ts'
import { type Asn1, item, items, iterationsOf, numberOf, octetsOf, oidOf } from '../asn1/reader.ts'
import { PkiError } from '../errors.ts'
import { derivePbkdf2 } from './encryption.ts'
import { deriveOctets, passwordOctets } from './kdf.ts'

const hashIds: Record<string, string> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  sha224: '2.16.840.1.101.3.4.2.4',
}
const hashOctets: Record<string, number> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 }
/** RFC 9579. */
const pbmac1 = '1.2.840.113549.1.5.14'
const hmacHashes: Record<string, string> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

/** MacData over the authenticated safe. RFC 7292 section 4. */
export function createMac(content: Buffer, password: string, legacy: boolean): Buffer {
  const hash = legacy ? 'sha1' : 'sha256'
  const salt = randomBytes(legacy ? 8 : 16)
  const iterations = legacy ? 2000 : 10_000
  const key = deriveOctets('mac', passwordOctets(password), salt, iterations, hashOctets[hash] ?? 0, hash)
  const digest = createHmac(hash, key).update(content).digest()
  const info = sequence(sequence(oid(hashIds[hash] ?? ''), nul()), octetString(digest))
  return sequence(info, octetString(salt), integer(iterations))
}

/** Whether the password is the one that MacData was made with. */
export function verifyMac(macData: Asn1, content: Buffer, password: Buffer, text: string): boolean {
  const [info, salt, count] = items(macData)
  if (!info || !salt) throw new PkiError('malformed', 'broken PKCS#12 integrity data')
  const algorithm = item(info, 0)
  const id = oidOf(item(algorithm, 0))
  const digest = octetsOf(item(info, 1))
  const same = (hash: string, key: Buffer): boolean => {
    const ours = createHmac(hash, key).update(content).digest()
    return ours.length === digest.length && timingSafeEqual(ours, digest)
  }
  if (id === pbmac1) {
    const [derivation, mac] = items(item(algorithm, 1))
    const hash = mac ? hmacHashes[oidOf(item(mac, 0))] : undefined
    if (!derivation || hash === undefined) throw new PkiError('malformed', 'a PKCS#12 MAC that is not known here')
    const lengthAt = items(item(derivation, 1))[2]
    const length = lengthAt?.tag === 0x02 ? numberOf(lengthAt) : (hashOctets[hash] ?? 0)
    return same(hash, derivePbkdf2(derivation, text, length))
  }
  const hash = Object.keys(hashIds).find((name) => hashIds[name] === id)
  if (hash === undefined) throw new PkiError('malformed', 'a PKCS#12 MAC that is not known here')
  const iterations = count ? iterationsOf(count) : 1
  return same(hash, deriveOctets('mac', password, salt.content, iterations, hashOctets[hash] ?? 0, hash))
}
