import { sign as cryptoSign, type KeyObject } from 'node:crypto'
import { bitString, nul, oid, sequence } from '../asn1/der.ts'
import { PkiError } from '../errors.ts'
import { describeKey } from '../keys.ts'

/** md5 and sha1 are for clients older than Windows XP SP3, which know no SHA-2 signatures. */
export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** RFC 3279 section 2.2, RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410 section 3. */
const algorithms = {
  rsa: {
    md5: '1.2.840.113549.1.1.4',
    sha1: '1.2.840.113549.1.1.5',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
  },
  ec: {
    md5: undefined,
    sha1: '1.2.840.10045.4.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
  },
} as const

const edwards: Record<string, string> = { ed25519: '1.3.101.112', ed448: '1.3.101.113' }

export interface Signer {
  readonly key: KeyObject
  /** Default: what fits the key's strength. */
  readonly hash?: HashName
}

/** AlgorithmIdentifier and hash of what `signer` makes. */
function algorithmOf({ key, hash }: Signer): { identifier: Buffer; digest: HashName | null } {
  const { family, bits } = describeKey(key)
  if (family === 'ed') return { identifier: sequence(oid(edwards[key.asymmetricKeyType ?? ''] ?? '')), digest: null }
  const digest = hash ?? (family === 'ec' && bits >= 384 ? (bits > 384 ? 'sha512' : 'sha384') : 'sha256')
  const id = algorithms[family][digest]
  if (id === undefined) throw new PkiError('refused', `${digest} cannot sign with an elliptic curve key`)
  return { identifier: family === 'rsa' ? sequence(oid(id), nul()) : sequence(oid(id)), digest }
}

/** AlgorithmIdentifier of the signatures that `signer` makes. */
export const signatureAlgorithm = (signer: Signer): Buffer => algorithmOf(signer).identifier

/** The signature's octets. */
export const sign = (data: Buffer, signer: Signer): Buffer => cryptoSign(algorithmOf(signer).digest, data, signer.key)

/** SEQUENCE { data, algorithm, signature }: what certificates, requests, CRLs and OCSP responses have in common. */
export const signed = (data: Buffer, signer: Signer): Buffer =>
  sequence(data, signatureAlgorithm(signer), bitString(sign(data, signer)))

/** The hash of a signature algorithm, as `crypto.verify` takes it: null for EdDSA. @throws PkiError `malformed` */
export function hashOfSignature(id: string): HashName | null {
  if (Object.values(edwards).includes(id)) return null
  for (const family of [algorithms.rsa, algorithms.ec]) {
    for (const hash of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) if (family[hash] === id) return hash
  }
  throw new PkiError('malformed', `signature algorithm ${id} is not known here`)
}
