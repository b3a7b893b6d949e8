import type { X509Certificate } from 'node:crypto'
import { item, oidOf, readAsn1 } from '../../pki/der/decode.ts'
import { PkiError } from '../../pki/errors.ts'
import { hashOfSignature } from '../../pki/keys.ts'

/** The hash of a certificate's signature, as `SHA256`; another algorithm by its name or identifier. */
export function signatureTitle(certificate: X509Certificate): string {
  const id = oidOf(item(item(readAsn1(certificate.raw), 1), 0))
  try {
    return hashOfSignature(id)?.toUpperCase() ?? 'EdDSA'
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return otherAlgorithms[id] ?? id
  }
}

const otherAlgorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.10040.4.3': 'SHA1 (DSA)',
}

/** Hashes for which forged certificates are known or near. RFC 9325 section 4.5 */
export const isBrokenSignature = (title: string): boolean => /^(?:MD|SHA1\b)/.test(title)
