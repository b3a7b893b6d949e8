import type { LegacySuiteName } from '../config/schema.ts'

/** The versions of the engine, as Node.js names them in `getProtocol()`, and their numbers on the wire. */
export const legacyVersions = {
  SSLv3: 0x0300,
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
} as const satisfies Record<string, number>
export type LegacyVersion = keyof typeof legacyVersions

/** Symmetric ciphers and their key sizes in octets. RFC 2246 appendix C; draft-ietf-tls-56-bit-ciphersuites-01 for RC4-56. */
export const bulkCiphers = {
  'rc4-128': { algorithm: 'rc4', materialOctets: 16, keyOctets: 16, blockOctets: 0 },
  'rc4-56': { algorithm: 'rc4', materialOctets: 7, keyOctets: 16, blockOctets: 0 },
  'rc4-40': { algorithm: 'rc4', materialOctets: 5, keyOctets: 16, blockOctets: 0 },
  'rc2-40': { algorithm: 'rc2', materialOctets: 5, keyOctets: 16, blockOctets: 8 },
  des: { algorithm: 'des', materialOctets: 8, keyOctets: 8, blockOctets: 8 },
  des40: { algorithm: 'des', materialOctets: 5, keyOctets: 8, blockOctets: 8 },
  '3des': { algorithm: '3des', materialOctets: 24, keyOctets: 24, blockOctets: 8 },
  'aes-128': { algorithm: 'aes-128', materialOctets: 16, keyOctets: 16, blockOctets: 16 },
  'aes-256': { algorithm: 'aes-256', materialOctets: 32, keyOctets: 32, blockOctets: 16 },
} as const satisfies Record<string, BulkCipher>
export type BulkCipherName = keyof typeof bulkCiphers

/** A symmetric cipher. */
export interface BulkCipher {
  readonly algorithm: 'rc4' | 'rc2' | 'des' | '3des' | 'aes-128' | 'aes-256'
  /** Octets taken from the key block. */
  readonly materialOctets: number
  /** Key length of the cipher. An export cipher has less material, and derives its key in one more step. */
  readonly keyOctets: number
  /** 0 for a stream cipher. */
  readonly blockOctets: number
}

export type MacName = 'md5' | 'sha1'
/** `rsa` uses the certificate's key; the others use a temporary key if the certificate's key is longer than their limit. */
export type KeyExchange = 'rsa' | 'rsa-export512' | 'rsa-export1024'

/** A cipher suite of the engine. */
export interface LegacySuite {
  /** IANA code point. */
  readonly id: number
  /** IANA name. */
  readonly name: LegacySuiteName
  /** OpenSSL's name. */
  readonly opensslName: string
  readonly cipher: BulkCipherName
  /** Key length as Windows counted it: 168 for 3DES. */
  readonly keyBits: number
  /** Strength against the best known attack: 112 for 3DES (meet in the middle). */
  readonly effectiveBits: number
  readonly mac: MacName
  readonly exchange: KeyExchange
}

/** The suites, strongest first. The engine prefers them in this order. */
export const legacySuites: readonly LegacySuite[] = [
  // biome-ignore-start format: a table
  suite(0x0035, 'TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA', 'aes-256', 256, 256, 'sha1', 'rsa'),
  suite(0x002f, 'TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA', 'aes-128', 128, 128, 'sha1', 'rsa'),
  suite(0x0005, 'TLS_RSA_WITH_RC4_128_SHA', 'RC4-SHA', 'rc4-128', 128, 128, 'sha1', 'rsa'),
  suite(0x0004, 'TLS_RSA_WITH_RC4_128_MD5', 'RC4-MD5', 'rc4-128', 128, 128, 'md5', 'rsa'),
  suite(0x000a, 'TLS_RSA_WITH_3DES_EDE_CBC_SHA', 'DES-CBC3-SHA', '3des', 168, 112, 'sha1', 'rsa'),
  suite(0x0009, 'TLS_RSA_WITH_DES_CBC_SHA', 'DES-CBC-SHA', 'des', 56, 56, 'sha1', 'rsa'),
  suite(0x0064, 'TLS_RSA_EXPORT1024_WITH_RC4_56_SHA', 'EXP1024-RC4-SHA', 'rc4-56', 56, 56, 'sha1', 'rsa-export1024'),
  suite(0x0062, 'TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA', 'EXP1024-DES-CBC-SHA', 'des', 56, 56, 'sha1', 'rsa-export1024'),
  suite(0x0003, 'TLS_RSA_EXPORT_WITH_RC4_40_MD5', 'EXP-RC4-MD5', 'rc4-40', 40, 40, 'md5', 'rsa-export512'),
  suite(0x0006, 'TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5', 'EXP-RC2-CBC-MD5', 'rc2-40', 40, 40, 'md5', 'rsa-export512'),
  suite(0x0008, 'TLS_RSA_EXPORT_WITH_DES40_CBC_SHA', 'EXP-DES-CBC-SHA', 'des40', 40, 40, 'sha1', 'rsa-export512'),
  // biome-ignore-end format: a table
]

/** How 3DES counts towards the 128-bit minimum: by its key length (168), as in Exchange, or by its strength (112). */
export type StrengthMeasure = 'nominal' | 'effective'

/** Returns the bits that count towards the 128-bit minimum. */
export function countedBits(suite: LegacySuite, strength: StrengthMeasure): number {
  return strength === 'effective' ? suite.effectiveBits : suite.keyBits
}

/** Returns the highest version that a suite may be used with. */
export function highestVersionOf({ cipher, exchange }: LegacySuite): LegacyVersion {
  // RFC 4346 appendix A.5: TLS 1.1 must not negotiate export suites.
  if (exchange !== 'rsa') return 'TLSv1'
  // RFC 5246 section 1.2: TLS 1.2 has no DES suites.
  return cipher === 'des' ? 'TLSv1.1' : 'TLSv1.2'
}

/** Returns the suites of the configuration key `tls.legacy`: all of them, or those listed, in that order. */
export function legacySuitesOf(setting: true | readonly LegacySuiteName[]): readonly LegacySuite[] {
  if (setting === true) return legacySuites
  return setting.map((name) => legacySuites.find((suite) => suite.name === name) as LegacySuite)
}

function suite(
  id: number,
  name: LegacySuiteName,
  opensslName: string,
  cipher: BulkCipherName,
  keyBits: number,
  effectiveBits: number,
  mac: MacName,
  exchange: KeyExchange,
): LegacySuite {
  return { id, name, opensslName, cipher, keyBits, effectiveBits, mac, exchange }
}
