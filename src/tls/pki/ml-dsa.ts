import type { KeyObject } from 'node:crypto'
import { mlDsaProblem } from '../../core/config/ml-dsa-support.ts'
import { opensslName } from '../../core/config/openssl.ts'
import { PkiError } from './errors.ts'

/** Key types of ML-DSA (FIPS 204). */
export const mlDsaSpecs = ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const
export type MlDsaSpec = (typeof mlDsaSpecs)[number]

/** By key type: the algorithm of keys and signatures (RFC 9881 section 2), and the bits of security (FIPS 204 section 4). */
export const mlDsa: Readonly<Record<MlDsaSpec, { readonly id: string; readonly bits: number }>> = {
  'ml-dsa-44': { id: '2.16.840.1.101.3.4.3.17', bits: 128 },
  'ml-dsa-65': { id: '2.16.840.1.101.3.4.3.18', bits: 192 },
  'ml-dsa-87': { id: '2.16.840.1.101.3.4.3.19', bits: 256 },
}

export const isMlDsa = (type: string | undefined): type is MlDsaSpec => mlDsaSpecs.some((one) => one === type)

/** @throws PkiError `refused` if this Node.js has no ML-DSA */
export function requireMlDsa(): void {
  const why = mlDsaProblem()
  if (why !== undefined) throw new PkiError('refused', why)
}

/** The object identifiers in DER up to their last octet, which is 17 to 19. */
const idPrefix = Buffer.from('0609608648016503040311', 'hex').subarray(0, -1)

/** Returns whether a key or certificate in DER is one of ML-DSA, by its first object identifiers. */
export function namesMlDsa(der: Buffer): boolean {
  for (let at = der.indexOf(idPrefix); at >= 0; at = der.indexOf(idPrefix, at + 1)) {
    const last = der[at + idPrefix.length] ?? 0
    if (last >= 17 && last <= 19) return true
  }
  return false
}

/** Returns a private key. @throws PkiError `refused` for one of ML-DSA that this Node.js can read but not use */
export function usableKey(key: KeyObject): KeyObject {
  // Such keys have no type in Node.js 22, whose OpenSSL can read them.
  if (key.asymmetricKeyType === undefined) requireMlDsa()
  return key
}

/**
 * Refuses a private key that could be decrypted, but is of a type that this Node.js does not have.
 * @param wasEncrypted it may be one of ML-DSA then
 * @throws PkiError `refused`
 */
export function refuseUnsupportedKey(cause: unknown, wasEncrypted: boolean): void {
  const stack = (cause as { readonly opensslErrorStack?: readonly string[] }).opensslErrorStack ?? []
  if (!stack.some((line) => line.includes('unsupported private key algorithm'))) return
  const hint = wasEncrypted ? mlDsaProblem() : undefined
  const why = `${opensslName} does not support the type of the private key`
  throw new PkiError('refused', hint === undefined ? why : `${why}. ${hint}`, { cause })
}
