/** Content types. RFC 5652 section 4, RFC 5083 section 2.1, RFC 3274 section 1.1. */
export const contentTypes = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  authEnvelopedData: '1.2.840.113549.1.9.16.1.23',
  compressedData: '1.2.840.113549.1.9.16.1.9',
} as const

/** Attributes of a signature. RFC 5652 section 11. */
export const attributeIds = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
} as const

/** A hash as `node:crypto` and people name it. */
export interface Hash {
  readonly name: 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'
  readonly title: string
  readonly isWeak?: true
}

/** RFC 3370 section 2, RFC 5754 section 2. */
export const hashes: Readonly<Record<string, Hash>> = {
  '1.2.840.113549.2.5': { name: 'md5', title: 'MD5', isWeak: true },
  '1.3.14.3.2.26': { name: 'sha1', title: 'SHA-1', isWeak: true },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', title: 'SHA-224' },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', title: 'SHA-256' },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', title: 'SHA-384' },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', title: 'SHA-512' },
}

/** A cipher of content. */
export interface ContentCipher {
  /** As `node:crypto` names it. */
  readonly name: string
  readonly title: string
  readonly keyOctets: number
  /** AES-GCM has a tag. */
  readonly isAuthenticated?: true
}

/** RFC 3565 section 4.1, RFC 5084 section 3.2, RFC 3370 section 5.1. */
export const contentCiphers: Readonly<Record<string, ContentCipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', title: 'AES-128-CBC', keyOctets: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', title: 'AES-192-CBC', keyOctets: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', title: 'AES-256-CBC', keyOctets: 32 },
  '2.16.840.1.101.3.4.1.6': { name: 'aes-128-gcm', title: 'AES-128-GCM', keyOctets: 16, isAuthenticated: true },
  '2.16.840.1.101.3.4.1.26': { name: 'aes-192-gcm', title: 'AES-192-GCM', keyOctets: 24, isAuthenticated: true },
  '2.16.840.1.101.3.4.1.46': { name: 'aes-256-gcm', title: 'AES-256-GCM', keyOctets: 32, isAuthenticated: true },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', title: '3DES-CBC', keyOctets: 24 },
}

/** Names of ciphers that are recognized but cannot be opened. RFC 3370 section 5.2, RFC 5084 section 3.1. */
export const otherCiphers: Readonly<Record<string, string>> = {
  '1.2.840.113549.3.2': 'RC2-CBC',
  '1.3.14.3.2.7': 'DES-CBC',
  '2.16.840.1.101.3.4.1.7': 'AES-128-CCM',
  '2.16.840.1.101.3.4.1.27': 'AES-192-CCM',
  '2.16.840.1.101.3.4.1.47': 'AES-256-CCM',
}

/** Key transport by RSA. RFC 3370 section 4.2.1, RFC 3560 section 2. */
export const rsaEncryption = '1.2.840.113549.1.1.1'
export const rsaesOaep = '1.2.840.113549.1.1.7'
/** RFC 4056 section 2.2. */
export const rsassaPss = '1.2.840.113549.1.1.10'

/** Key agreement by ECDH with one ephemeral key, and the hash of its key derivation. RFC 5753 section 7.1.4. */
export const ecdhSchemes: Readonly<Record<string, Hash['name']>> = {
  '1.3.133.16.840.63.0.2': 'sha1',
  '1.3.132.1.11.0': 'sha224',
  '1.3.132.1.11.1': 'sha256',
  '1.3.132.1.11.2': 'sha384',
  '1.3.132.1.11.3': 'sha512',
}

/** Key wraps. RFC 3565 section 2.3.2. */
export const keyWraps: Readonly<Record<string, { readonly name: string; readonly keyOctets: number }>> = {
  '2.16.840.1.101.3.4.1.5': { name: 'aes128-wrap', keyOctets: 16 },
  '2.16.840.1.101.3.4.1.25': { name: 'aes192-wrap', keyOctets: 24 },
  '2.16.840.1.101.3.4.1.45': { name: 'aes256-wrap', keyOctets: 32 },
}
