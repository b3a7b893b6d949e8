import type { X509Certificate } from 'node:crypto'
import { item, oidOf, readAsn1 } from '../../pki/der/decode.ts'
import { PkiError } from '../../pki/errors.ts'
import { hashOfSignature } from '../../pki/keys.ts'

/** Suites up to TLS 1.2 that a server of any age may know, the good ones first. IANA code points. */
export const anySuites: readonly number[] = [
  0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc023, 0xc027, 0xc009, 0xc013, 0xc00a, 0xc014, 0x009e, 0x009f,
  0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x000a, 0x0005, 0x0004, 0x0009, 0x0062, 0x0064,
  0x0003, 0x0006, 0x0008, 0x003b, 0x0002, 0x0001,
]

/** RFC 8446 appendix B.4. */
export const suites13: readonly number[] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]

/** A class of suites that is accepted or refused as a whole. */
export interface SuiteClass {
  readonly name: string
  readonly suites: readonly number[]
  /** Below 128 bits: it breaks what TLS is for. */
  readonly broken: boolean
}

/** One hello a class. RFC 9325 section 4.1 says which must not be. */
export const suiteClasses: readonly SuiteClass[] = [
  {
    name: 'NULL (0 bits)',
    suites: [0x003b, 0x0002, 0x0001, 0xc010, 0xc006, 0xc001, 0xc00b, 0xc015],
    broken: true,
  },
  {
    name: 'anonymous (no certificate)',
    suites: [0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034, 0x003a, 0xc018, 0xc019, 0x0018, 0x001b, 0xc016, 0xc017],
    // No client that verifies offers them: they are there for opportunistic mail transport (RFC 7435).
    broken: false,
  },
  {
    name: 'export (40 and 56 bits)',
    suites: [0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0062, 0x0063, 0x0064, 0x0065],
    broken: true,
  },
  { name: 'DES (56 bits)', suites: [0x0009, 0x000c, 0x000f, 0x0012, 0x0015, 0x001a], broken: true },
  { name: 'RC4 (128 bits)', suites: [0x0005, 0x0004, 0xc011, 0xc007, 0x0066], broken: false },
  { name: '3DES (112 bits)', suites: [0x000a, 0xc012, 0xc008, 0x0016, 0x0013, 0x000d, 0x0010], broken: false },
]

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
