import { item, items, oidOf, readAsn1, taggedItem } from '../der/decode.ts'
import { hashIds, nameIn, rsassaPss } from '../der/oids.ts'
import { type HashName, hashOfSignature } from '../keys.ts'

/** Returns the hash of a certificate's signature; undefined for EdDSA and ML-DSA, and for algorithms that are not known. */
export function signatureHashOf(der: Buffer): HashName | 'sha224' | undefined {
  try {
    const algorithm = item(readAsn1(der), 1)
    const id = oidOf(item(algorithm, 0))
    // It names its hash in its parameters.
    if (id !== rsassaPss) return hashOfSignature(id) ?? undefined
    const named = taggedItem(items(item(algorithm, 1)), 0)
    return named === undefined ? 'sha1' : nameIn(hashIds, oidOf(item(item(named, 0), 0)))
  } catch {
    // A certificate with a defect on purpose can have any algorithm.
    return undefined
  }
}
