import { createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { PkiError } from '../errors.ts'

/** Private keys in PEM, as the store writes them. */
const KEY = /-----BEGIN (RSA |EC )?PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----\n?/g
/** PKCS#8 EncryptedPrivateKeyInfo. RFC 5958 section 3 */
const SEALED = /-----BEGIN ENCRYPTED PRIVATE KEY-----[\s\S]*?-----END ENCRYPTED PRIVATE KEY-----\n?/g
const KEY_SET = '{"keys":['

type Jwk = JsonWebKey & Readonly<Record<string, unknown>>
interface SealedJwk {
  /** PEM. */
  readonly encrypted: string
}

/** Returns a text of the store with its private keys encrypted by a secret; the same text if it has none. */
export function sealed(text: string, secret: string): string {
  if (text.startsWith(KEY_SET)) return mapKeys(text, (key) => ('d' in key ? sealedJwk(key as Jwk, secret) : key))
  return text.replace(KEY, (pem) => encrypted(createPrivateKey(pem), secret))
}

/** Returns whether a text has private keys that are not encrypted. */
export const hasPlainKeys = (text: string): boolean =>
  text.startsWith(KEY_SET) ? keysOf(text).some((key) => 'd' in key) : text.search(KEY) >= 0

const hasSealedKeys = (text: string): boolean => text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')

/** Returns a new private key, encrypted by a secret. */
export const newSealedKey = (secret: string): string => encrypted(generateKeyPairSync('ed25519').privateKey, secret)

/**
 * Returns a text of the store with its private keys decrypted.
 * @param secret undefined: the configuration has none
 * @throws PkiError `store` if the secret is missing or another one
 */
export function opened(text: string, secret: string | undefined): string {
  if (!hasSealedKeys(text)) return text
  if (secret === undefined) throw missingSecret()
  if (text.startsWith(KEY_SET))
    return mapKeys(text, (key) => ('encrypted' in key ? openedJwk(key as SealedJwk, secret) : key))
  return text.replace(SEALED, (pem) => decrypted(pem, secret).export({ type: 'pkcs8', format: 'pem' }).toString())
}

const missingSecret = (): PkiError =>
  new PkiError(
    'store',
    'the private keys in the database are encrypted; set cluster.keySecret or cluster.keySecretFile (commands that take an address: name the configuration instead)',
  )

const encrypted = (key: KeyObject, secret: string): string =>
  key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: secret }).toString()

function decrypted(pem: string, secret: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, passphrase: secret })
  } catch (cause) {
    const text = 'cluster.keySecret is not the secret with which the private keys in the database are encrypted'
    throw new PkiError('store', text, { cause })
  }
}

/** Members that a key has beside those of its type stay readable. */
function sealedJwk(key: Jwk, secret: string): SealedJwk {
  const { kid, alg, use } = key
  return { kid, alg, use, encrypted: encrypted(createPrivateKey({ key, format: 'jwk' }), secret) } as SealedJwk
}

function openedJwk({ encrypted: pem, ...others }: SealedJwk, secret: string): object {
  return { ...decrypted(pem, secret).export({ format: 'jwk' }), ...others }
}

const keysOf = (text: string): readonly object[] => (JSON.parse(text) as { readonly keys: readonly object[] }).keys

const mapKeys = (text: string, change: (key: object) => object): string =>
  `${JSON.stringify({ keys: keysOf(text).map(change) })}\n`
