import type { X509Certificate } from 'node:crypto'
import { thumbprintOf } from '../certificate/certificate.ts'
import { publicKeyInfo } from '../certificate/extensions.ts'
import { PkiError } from '../errors.ts'
import { type AuthorityRecord, type IssuedRecord, issuedBy, type StoreIndex } from './index-file.ts'
import type { Materials } from './materials.ts'

/** A key of an authority, with its certificate. */
export interface AuthorityKey {
  /** 1 for the first key. Addresses in certificates contain it, because each key signs its own revocation list. */
  readonly number: number
  /** Path of the private key. */
  readonly key: string
  /** Path of its certificate and the issuers up to the root. */
  readonly certificate: string
}

/** Returns the keys of an authority, the present one first. Empty until it has a certificate. */
export function keysOf({ key, certificate, keyNumber = 1, earlier = [] }: AuthorityRecord): AuthorityKey[] {
  if (certificate === undefined) return []
  return [{ number: keyNumber, key, certificate }, ...earlier.toReversed()]
}

/** Returns the present key of an authority. @throws PkiError `refused` if it has no certificate yet */
export function presentKey(record: AuthorityRecord): AuthorityKey {
  const [key] = keysOf(record)
  if (key === undefined) throw noCertificate(record.name)
  return key
}

export const noCertificate = (name: string): PkiError =>
  new PkiError('refused', `${name} has no certificate yet: its request is waiting for an answer`)

/** Returns the certificates that a key of an authority has signed. */
export const issuedWith = (record: AuthorityRecord, { key }: Pick<AuthorityKey, 'key'>): IssuedRecord[] =>
  record.issued.filter((entry) => (entry.key ?? record.key) === key)

/** Returns the key that signed a certificate of an authority; the present one if the authority no longer has that. */
export const signingKey = (record: AuthorityRecord, entry: IssuedRecord): AuthorityKey =>
  keysOf(record).find(({ key }) => key === entry.key) ?? presentKey(record)

/** Returns the chains of all keys of an authority, the present one first. */
export const allChains = (
  materials: Materials,
  record: AuthorityRecord,
): Promise<[X509Certificate, ...X509Certificate[]][]> =>
  Promise.all(keysOf(record).map(({ certificate }) => materials.authorityChain({ name: record.name, certificate })))

/**
 * Returns the certificates in which the keys of a root sign one another, as far as a server sends them with certificates
 * below one of these keys: with them, clients need only one of the roots. RFC 4210 section 4.4.
 * @param root the root of the chain that is sent
 */
export async function crossCertificates(
  index: Readonly<StoreIndex>,
  materials: Materials,
  root: X509Certificate,
  nowMs: number,
): Promise<X509Certificate[]> {
  for (const record of index.authorities) {
    if (record.cross === undefined) continue
    const roots = (await allChains(materials, record)).map(([own]) => own)
    if (!roots.some((one) => hasSameKey(one, root))) continue
    const usable = (await materials.certificates(record.cross)).filter(
      (one) => Date.parse(one.validTo) > nowMs && !issuedBy(index, thumbprintOf(one))?.entry.revoked,
    )
    return crossesFrom(root, roots, usable)
  }
  return []
}

/**
 * Returns the cross certificates that lead from the key of a root to its other keys, in one line: OpenSSL tries only one
 * issuer of a key. The line goes to the newer keys first, then from the newest to the older ones.
 * @param roots the roots of all keys, the newest first
 */
export function crossesFrom(
  root: X509Certificate,
  roots: readonly X509Certificate[],
  crosses: readonly X509Certificate[],
): X509Certificate[] {
  const own = roots.findIndex((one) => hasSameKey(one, root))
  const line: X509Certificate[] = []
  let last = root
  for (const next of [...roots.slice(0, own).toReversed(), ...roots.slice(own + 1)]) {
    const cross = crosses.find((one) => hasSameKey(one, last) && one.verify(next.publicKey))
    // Absent if it has expired.
    if (cross === undefined) continue
    line.push(cross)
    last = next
  }
  return line
}

/** Returns whether two certificates have the same public key. */
export const hasSameKey = (one: X509Certificate, other: X509Certificate): boolean =>
  publicKeyInfo(one.publicKey).equals(publicKeyInfo(other.publicKey))
