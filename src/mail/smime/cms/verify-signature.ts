import { createHash, type KeyObject, verify } from 'node:crypto'
import { isPssSignature } from '../../../tls/pki/certificate/signed.ts'
import { octetStringValue, oidOf } from '../../../tls/pki/der/decode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { describeKey, hashOfSignature } from '../../../tls/pki/keys.ts'
import type { Algorithm, SignerInfo } from './content.ts'
import { attributeIds, type Hash, hashes, rsaEncryption, rsassaPss } from './ids.ts'

const titles: Readonly<Record<string, string>> = { rsa: 'RSA', ec: 'ECDSA', 'ml-dsa': 'ML-DSA' }

/** Returns the name of a signature algorithm with a key. */
export function algorithmTitle({ algorithm }: SignerInfo, key: KeyObject | undefined): string {
  if (algorithm.id === rsassaPss) return 'RSA-PSS'
  if (key === undefined) return algorithm.id === rsaEncryption ? 'RSA' : algorithm.id
  const { family, title } = describeKey(key)
  return titles[family] ?? title.charAt(0).toUpperCase() + title.slice(1)
}

/** Returns the hash of the content, if it is known. */
export const hashOf = ({ digest }: SignerInfo): Hash | undefined =>
  Object.hasOwn(hashes, digest.id) ? hashes[digest.id] : undefined

/**
 * Returns what is wrong with a signature, apart from its certificate; empty if nothing is. RFC 5652 sections 5.4 and 5.6.
 * @param key undefined if there is no certificate: then only the content is compared
 */
export function signatureProblems(
  info: SignerInfo,
  content: Buffer,
  contentType: string,
  key: KeyObject | undefined,
): string[] {
  const hash = hashOf(info)
  if (hash === undefined) return [`the hash ${info.digest.id} is not supported`]
  const { attributes, signedOctets } = info
  if (attributes) {
    const type = attributes.get(attributeIds.contentType)
    const digest = attributes.get(attributeIds.messageDigest)
    // RFC 5652 section 5.3: both are needed
    if (!type || oidOf(type) !== contentType) return ['the signature is for another type of content']
    if (!digest) return ['the signature does not contain the hash of the content']
    const actual = createHash(hash.name).update(content).digest()
    if (!actual.equals(octetStringValue(digest))) return ['the content was changed after it was signed']
  }
  if (key === undefined) return []
  try {
    return isSignatureOf(signedOctets ?? content, info, hash, key)
      ? []
      : [attributes ? WRONG_KEY : 'the content was changed after it was signed, or another key has signed it']
  } catch (error) {
    const { message } = error as Error
    return [error instanceof PkiError ? message : `the signature cannot be checked: ${message}`]
  }
}

const WRONG_KEY = 'the signature is not from the key of the certificate, or what the signer stated was changed'

function isSignatureOf(octets: Buffer, { algorithm, signature }: SignerInfo, hash: Hash, key: KeyObject): boolean {
  if (algorithm.id === rsassaPss) return isPssSignature(octets, algorithm.parameters, key, signature)
  // RFC 3370 section 3.2: the identifier of the key stands for the signature, and the hash is the content's.
  const named = algorithm.id === rsaEncryption || algorithm.id === ECDSA_KEY ? hash.name : signatureHash(algorithm)
  return verify(named, octets, key, signature)
}

/** RFC 5480 section 2.1.1. */
const ECDSA_KEY = '1.2.840.10045.2.1'

function signatureHash({ id }: Algorithm): string | null {
  return others[id] ?? hashOfSignature(id)
}

/** Hashes that no certificate uses here. RFC 5754 section 3. */
const others: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10045.4.3.1': 'sha224',
}
