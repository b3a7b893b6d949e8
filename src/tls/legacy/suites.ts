import type { LegacySuiteName } from '../../core/config/schema.ts'

/** The versions of the engine, as Node.js names them in `getProtocol()`, and their numbers on the wire. */
export const legacyVersions = {
  SSLv3: 0x0300,
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
} as const satisfies Record<string, number>
export type LegacyVersion = keyof typeof legacyVersions

/** Symmetric ciphers and their key sizes in octets. RFC 2246 appendix C; draft-ietf-tls-56-bit-ciphersuites-01 for 56 bits. */
export const bulkCiphers = {
  'rc4-128': { algorithm: 'rc4', materialOctets: 16, keyOctets: 16, blockOctets: 0 },
  'rc4-56': { algorithm: 'rc4', materialOctets: 7, keyOctets: 16, blockOctets: 0 },
  'rc4-40': { algorithm: 'rc4', materialOctets: 5, keyOctets: 16, blockOctets: 0 },
  'rc2-56': { algorithm: 'rc2', materialOctets: 7, keyOctets: 16, blockOctets: 8 },
  'rc2-40': { algorithm: 'rc2', materialOctets: 5, keyOctets: 16, blockOctets: 8 },
  des: { algorithm: 'des', materialOctets: 8, keyOctets: 8, blockOctets: 8 },
  des40: { algorithm: 'des', materialOctets: 5, keyOctets: 8, blockOctets: 8 },
  '3des': { algorithm: '3des', materialOctets: 24, keyOctets: 24, blockOctets: 8 },
  'aes-128': { algorithm: 'aes-128', materialOctets: 16, keyOctets: 16, blockOctets: 16 },
  'aes-256': { algorithm: 'aes-256', materialOctets: 32, keyOctets: 32, blockOctets: 16 },
} as const satisfies Record<string, BulkCipher>
type BulkCipherName = keyof typeof bulkCiphers

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

/** Ways to agree on a premaster secret. RFC 2246 sections 7.4.3, F.1.1; draft-ietf-tls-56-bit-ciphersuites-01 section 2. */
export const keyExchanges = {
  rsa: { kind: 'rsa', maxBits: Number.POSITIVE_INFINITY, isExport: false },
  'rsa-export512': { kind: 'rsa', maxBits: 512, isExport: true },
  'rsa-export1024': { kind: 'rsa', maxBits: 1024, isExport: true },
  'dhe-rsa': { kind: 'dh', groupBits: 1024, isSigned: true, isExport: false },
  'dhe-rsa-export512': { kind: 'dh', groupBits: 512, isSigned: true, isExport: true },
  'dh-anon': { kind: 'dh', groupBits: 1024, isSigned: false, isExport: false },
  'dh-anon-export512': { kind: 'dh', groupBits: 512, isSigned: false, isExport: true },
} as const satisfies Record<string, KeyExchange>
type KeyExchangeName = keyof typeof keyExchanges

/** A key exchange. Export suites derive their keys in one more step. */
export type KeyExchange = RsaExchange | DhExchange

/** The client encrypts the premaster secret. */
export interface RsaExchange {
  readonly kind: 'rsa'
  /** A certificate's key that is longer is replaced by a temporary one of this length. */
  readonly maxBits: number
  readonly isExport: boolean
}

/** Diffie-Hellman with a new key for each handshake. */
export interface DhExchange {
  readonly kind: 'dh'
  readonly groupBits: 512 | 1024
  /** Whether the certificate's key signs the parameters. Without it, the server sends no certificate. */
  readonly isSigned: boolean
  readonly isExport: boolean
}

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
  /**
   * Strength against the best known attack: 112 for 3DES (meet in the middle), 80 for Diffie-Hellman with 1024 bits (NIST
   * SP 800-57 part 1), 0 for anonymous suites (anyone can be the server).
   */
  readonly effectiveBits: number
  readonly mac: MacName
  readonly exchange: KeyExchangeName
}

/** The suites of `legacy: true`, strongest first. The engine prefers them in this order. */
const defaultSuites: readonly LegacySuite[] = [
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

/** The suites that must be listed to be used. */
const listedSuites: readonly LegacySuite[] = [
  // biome-ignore-start format: a table
  suite(0x0039, 'TLS_DHE_RSA_WITH_AES_256_CBC_SHA', 'DHE-RSA-AES256-SHA', 'aes-256', 256, 80, 'sha1', 'dhe-rsa'),
  suite(0x0033, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA', 'DHE-RSA-AES128-SHA', 'aes-128', 128, 80, 'sha1', 'dhe-rsa'),
  suite(0x0016, 'TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA', 'EDH-RSA-DES-CBC3-SHA', '3des', 168, 80, 'sha1', 'dhe-rsa'),
  suite(0x0015, 'TLS_DHE_RSA_WITH_DES_CBC_SHA', 'EDH-RSA-DES-CBC-SHA', 'des', 56, 56, 'sha1', 'dhe-rsa'),
  suite(
    0x0014,
    'TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA',
    'EXP-EDH-RSA-DES-CBC-SHA',
    'des40',
    40,
    40,
    'sha1',
    'dhe-rsa-export512',
  ),
  suite(0x0060, 'TLS_RSA_EXPORT1024_WITH_RC4_56_MD5', 'EXP1024-RC4-MD5', 'rc4-56', 56, 56, 'md5', 'rsa-export1024'),
  suite(
    0x0061,
    'TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5',
    'EXP1024-RC2-CBC-MD5',
    'rc2-56',
    56,
    56,
    'md5',
    'rsa-export1024',
  ),
  suite(0x003a, 'TLS_DH_anon_WITH_AES_256_CBC_SHA', 'ADH-AES256-SHA', 'aes-256', 256, 0, 'sha1', 'dh-anon'),
  suite(0x0034, 'TLS_DH_anon_WITH_AES_128_CBC_SHA', 'ADH-AES128-SHA', 'aes-128', 128, 0, 'sha1', 'dh-anon'),
  suite(0x0018, 'TLS_DH_anon_WITH_RC4_128_MD5', 'ADH-RC4-MD5', 'rc4-128', 128, 0, 'md5', 'dh-anon'),
  suite(0x001b, 'TLS_DH_anon_WITH_3DES_EDE_CBC_SHA', 'ADH-DES-CBC3-SHA', '3des', 168, 0, 'sha1', 'dh-anon'),
  suite(0x001a, 'TLS_DH_anon_WITH_DES_CBC_SHA', 'ADH-DES-CBC-SHA', 'des', 56, 0, 'sha1', 'dh-anon'),
  suite(0x0017, 'TLS_DH_anon_EXPORT_WITH_RC4_40_MD5', 'EXP-ADH-RC4-MD5', 'rc4-40', 40, 0, 'md5', 'dh-anon-export512'),
  suite(
    0x0019,
    'TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA',
    'EXP-ADH-DES-CBC-SHA',
    'des40',
    40,
    0,
    'sha1',
    'dh-anon-export512',
  ),
  // biome-ignore-end format: a table
]

/** All suites of the engine. */
export const legacySuites: readonly LegacySuite[] = [...defaultSuites, ...listedSuites]

/** The measure for the 128-bit minimum: the key length, as in Exchange, or the strength against an attack. */
export type StrengthMeasure = 'nominal' | 'effective'

/** Returns the bits that count towards the 128-bit minimum. */
export function countedBits(suite: LegacySuite, strength: StrengthMeasure): number {
  return strength === 'effective' ? suite.effectiveBits : suite.keyBits
}

/** Returns the highest version that a suite may be used with. */
export function highestVersionOf({ cipher, exchange }: LegacySuite): LegacyVersion {
  // RFC 4346 appendix A.5: TLS 1.1 must not negotiate export suites.
  if (keyExchanges[exchange].isExport) return 'TLSv1'
  // RFC 5246 section 1.2: TLS 1.2 has no DES suites.
  return cipher === 'des' ? 'TLSv1.1' : 'TLSv1.2'
}

/** Returns whether the server proves with its certificate who it is. */
export function isAuthenticated({ exchange }: LegacySuite): boolean {
  const found: KeyExchange = keyExchanges[exchange]
  return found.kind === 'rsa' || found.isSigned
}

/** Returns the suites of the configuration key `tls.legacy`: the default ones, or those listed, in that order. */
export function legacySuitesOf(setting: true | readonly LegacySuiteName[]): readonly LegacySuite[] {
  if (setting === true) return defaultSuites
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
  exchange: KeyExchangeName,
): LegacySuite {
  return { id, name, opensslName, cipher, keyBits, effectiveBits, mac, exchange }
}
