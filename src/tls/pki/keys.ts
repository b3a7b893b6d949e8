import { createPrivateKey, sign as cryptoSign, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { bitString, nul, oid, sequence } from './der/encode.ts'
import { PkiError } from './errors.ts'
import { detectContent } from './keystore/content.ts'
import { unexpectedContent } from './keystore/unexpected.ts'
import {
  isMlDsa,
  type MlDsaSpec,
  mlDsa,
  mlDsaSpecs,
  namesMlDsa,
  refuseUnsupportedKey,
  requireMlDsa,
  usableKey,
} from './ml-dsa.ts'

const generate = promisify(generateKeyPair)

const curves = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const

/** `rsa-N` (N bits), `p256`, `p384`, `p521`, `ed25519`, `ml-dsa-44`, `ml-dsa-65` or `ml-dsa-87`. */
export type KeySpec = `rsa-${number}` | keyof typeof curves | 'ed25519' | MlDsaSpec

/** Returns the key type of this name in any case; undefined if it is unknown. */
export function keySpecNamed(text: string): KeySpec | undefined {
  const name = text.toLowerCase()
  const isRsa = /^rsa-\d+$/.test(name) && Number(name.slice(4)) >= 512 && Number(name.slice(4)) <= 16384
  return isRsa || Object.hasOwn(curves, name) || name === 'ed25519' || isMlDsa(name) ? (name as KeySpec) : undefined
}

/**
 * Generates a private key. RSA keys take from 0.1 s (2048 bits) to minutes (16384), off the main thread; keys on curves take
 * less than a millisecond. @throws PkiError `refused`
 */
export async function generateKey(spec: KeySpec): Promise<KeyObject> {
  if (spec === 'ed25519') return (await generate('ed25519')).privateKey
  if (isMlDsa(spec)) {
    requireMlDsa()
    // The types of Node.js 20 do not know it.
    return (await generate(spec as 'ed25519')).privateKey
  }
  if (spec.startsWith('rsa-')) {
    const modulusLength = Number(spec.slice(4))
    if (!Number.isInteger(modulusLength) || modulusLength < 512 || modulusLength > 16384) {
      throw new PkiError('refused', `an RSA key has 512 to 16384 bits, not ${spec.slice(4)}`)
    }
    return (await generate('rsa', { modulusLength })).privateKey
  }
  const namedCurve = curves[spec as keyof typeof curves]
  if (namedCurve === undefined) throw new PkiError('refused', `the key type ${spec} is not supported`)
  return (await generate('ec', { namedCurve })).privateKey
}

/**
 * Reads PKCS#8, PKCS#1 or SEC 1 in PEM, encrypted or not.
 * @throws PkiError `password` if it is missing or wrong, `malformed`, `refused` for ML-DSA where Node.js does not have it
 */
export function readPrivateKey(pem: string, passphrase?: string): KeyObject {
  try {
    return usableKey(createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) }))
  } catch (cause) {
    if (cause instanceof PkiError) throw cause
    if (namesMlDsa(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'))) requireMlDsa()
    refuseUnsupportedKey(cause, pem.includes('ENCRYPTED'))
    if (!pem.includes('ENCRYPTED')) throw unreadableKey(pem, cause)
    const why =
      passphrase === undefined
        ? 'the private key is encrypted: a password is needed'
        : 'wrong password for the private key'
    throw new PkiError('password', why, { cause })
  }
}

/** Returns why text that should have a private key cannot be read. */
function unreadableKey(pem: string, cause: unknown): PkiError {
  const octets = Buffer.from(pem, 'latin1')
  if (!/PRIVATE KEY-----/.test(pem) || detectContent(octets) === 'cut-off')
    return unexpectedContent(octets, 'key', cause)
  return new PkiError(
    'malformed',
    'the private key cannot be read: it is damaged, or of a type that is not supported',
    {
      cause,
    },
  )
}

export const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const curveTitles: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** The kinds of keys that differ in how they sign. */
export type KeyFamily = 'rsa' | 'dsa' | 'ec' | 'ed' | 'ml-dsa'

/** Returns a key's name for lists and its strength: the bits of the modulus or of the curve, for ML-DSA the bits of security. */
export function describeKey(key: KeyObject): { title: string; bits: number; family: KeyFamily } {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'dsa') {
    return { title: `DSA ${details?.modulusLength}`, bits: details?.modulusLength ?? 0, family: 'dsa' }
  }
  if (details?.modulusLength !== undefined) {
    return { title: `RSA ${details.modulusLength}`, bits: details.modulusLength, family: 'rsa' }
  }
  if (details?.namedCurve !== undefined) {
    const title = curveTitles[details.namedCurve] ?? details.namedCurve
    return { title, bits: Number(/\d{3}/.exec(title)?.[0] ?? 256), family: 'ec' }
  }
  const type: string | undefined = key.asymmetricKeyType
  if (isMlDsa(type)) return { title: type.toUpperCase(), bits: mlDsa[type].bits, family: 'ml-dsa' }
  return { title: type ?? 'unknown', bits: 256, family: 'ed' }
}

/** Returns the specification of another key of the same type and size. */
export function specOf(key: KeyObject): KeySpec {
  const { family, bits } = describeKey(key)
  if (family === 'rsa') return `rsa-${bits}`
  if (family === 'ml-dsa') return key.asymmetricKeyType as string as MlDsaSpec
  return family === 'ec' && (bits === 256 || bits === 384 || bits === 521) ? `p${bits}` : 'ed25519'
}

/** md5 and sha1 are for clients older than Windows XP SP3, which do not support SHA-2 signatures. */
export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** The signature algorithms. RFC 3279 section 2.2, RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410 section 3. */
const algorithms = {
  rsa: {
    md5: '1.2.840.113549.1.1.4',
    sha1: '1.2.840.113549.1.1.5',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
  },
  dsa: {
    md5: undefined,
    sha1: '1.2.840.10040.4.3',
    sha256: '2.16.840.1.101.3.4.3.2',
    sha384: '2.16.840.1.101.3.4.3.3',
    sha512: '2.16.840.1.101.3.4.3.4',
  },
  ec: {
    md5: undefined,
    sha1: '1.2.840.10045.4.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
  },
} as const

/** The algorithms without a choice of hash, by key type. RFC 8410 section 3, RFC 9881 section 2. */
const hashless: Record<string, string> = {
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  ...Object.fromEntries(mlDsaSpecs.map((spec) => [spec, mlDsa[spec].id])),
}

export interface Signer {
  readonly key: KeyObject
  /** Default: the hash that fits the key's strength. */
  readonly hash?: HashName
}

/** Returns the hash that fits a key's strength. Signatures with EdDSA and ML-DSA use none; what they sign may. */
export function fittingHash(key: KeyObject): 'sha256' | 'sha384' | 'sha512' {
  const { family, bits } = describeKey(key)
  if (family === 'rsa') return 'sha256'
  // EdDSA: RFC 8419 section 3.1; ML-DSA: RFC 9882 section 3.3.
  if (family !== 'ec' || bits > 384) return 'sha512'
  return bits < 384 ? 'sha256' : 'sha384'
}

/** Returns the AlgorithmIdentifier and the hash of a signer's signatures. */
function algorithmOf({ key, hash }: Signer): { identifier: Buffer; digest: HashName | null } {
  const { family } = describeKey(key)
  if (family === 'ed' || family === 'ml-dsa') {
    return { identifier: sequence(oid(hashless[key.asymmetricKeyType ?? ''] ?? '')), digest: null }
  }
  const digest = hash ?? fittingHash(key)
  const id = algorithms[family][digest]
  if (id === undefined)
    throw new PkiError('refused', `${digest} cannot be used with a key of type ${key.asymmetricKeyType}`)
  return { identifier: family === 'rsa' ? sequence(oid(id), nul()) : sequence(oid(id)), digest }
}

/** Returns the AlgorithmIdentifier of a signer's signatures. */
export const signatureAlgorithm = (signer: Signer): Buffer => algorithmOf(signer).identifier

/** Returns the octets of a signature. */
export const sign = (data: Buffer, signer: Signer): Buffer => cryptoSign(algorithmOf(signer).digest, data, signer.key)

/** Returns SEQUENCE { data, algorithm, signature }, the form of certificates, requests, CRLs and OCSP responses. */
export const signSequence = (data: Buffer, signer: Signer): Buffer =>
  sequence(data, signatureAlgorithm(signer), bitString(sign(data, signer)))

/** Returns whether a key can sign with a hash. */
export function canSignWith(key: KeyObject, hash: HashName): boolean {
  const { family } = describeKey(key)
  return family !== 'ed' && family !== 'ml-dsa' && algorithms[family][hash] !== undefined
}

/** Returns the hash of a signature algorithm for `crypto.verify`, which is null for EdDSA and ML-DSA. @throws PkiError `malformed` */
export function hashOfSignature(id: string): HashName | null {
  if (Object.values(hashless).includes(id)) return null
  for (const family of Object.values(algorithms)) {
    for (const hash of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) if (family[hash] === id) return hash
  }
  throw new PkiError('malformed', `the signature algorithm ${id} is not supported`)
}
