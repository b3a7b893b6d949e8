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
export function sealKeys(text: string, secret: string): string {
  if (text.startsWith(KEY_SET)) return mapKeys(text, (key) => ('d' in key ? sealedJwk(key as Jwk, secret) : key))
  return text.replace(KEY, (pem) => encryptKey(createPrivateKey(pem), secret))
}

/** Returns whether a text has private keys that are not encrypted. */
export const hasPlainKeys = (text: string): boolean =>
  text.startsWith(KEY_SET) ? keysOf(text).some((key) => 'd' in key) : text.search(KEY) >= 0

const hasSealedKeys = (text: string): boolean => text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')

/** Returns a new private key, encrypted by a secret. */
export const newSealedKey = (secret: string): string => encryptKey(generateKeyPairSync('ed25519').privateKey, secret)

/** The secrets by which private keys may be encrypted. */
export interface KeySecrets {
  /** Encrypts keys. Undefined: they are not encrypted. */
  readonly secret?: string | undefined
  /** Decrypts the keys that the secret does not. */
  readonly fallback?: string | undefined
}

/**
 * Returns a text of the store with its private keys decrypted.
 * @throws PkiError `store` if the secret is missing or another one
 */
export function openKeys(text: string, { secret, fallback }: KeySecrets): string {
  if (!hasSealedKeys(text)) return text
  const secrets = [secret, fallback].filter((each) => each !== undefined)
  if (secrets.length === 0) throw missingSecret()
  if (text.startsWith(KEY_SET))
    return mapKeys(text, (key) => ('encrypted' in key ? openedJwk(key as SealedJwk, secrets) : key))
  return text.replace(SEALED, (pem) => decryptKey(pem, secrets).export({ type: 'pkcs8', format: 'pem' }).toString())
}

/** Returns whether the private keys of a text are as `secret` has them: encrypted by it or, if undefined, plain. */
export function isSealedBy(text: string, secret: string | undefined): boolean {
  if (secret === undefined) return !hasSealedKeys(text)
  if (hasPlainKeys(text)) return false
  try {
    openKeys(text, { secret })
    return true
  } catch {
    // The keys are encrypted by another secret, or damaged, which the caller finds when it needs them.
    return false
  }
}

const missingSecret = (): PkiError =>
  new PkiError(
    'store',
    'the private keys in the database are encrypted; set cluster.keySecret or cluster.keySecretFile (commands that take an address: name the configuration instead)',
  )

const encryptKey = (key: KeyObject, secret: string): string =>
  key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: secret }).toString()

function decryptKey(pem: string, secrets: readonly string[]): KeyObject {
  let cause: unknown
  for (const passphrase of secrets) {
    try {
      return createPrivateKey({ key: pem, passphrase })
    } catch (error) {
      cause = error
    }
  }
  const names = secrets.length === 1 ? 'cluster.keySecret is not' : 'neither cluster.keySecret nor keySecretFallback is'
  const text = `${names} the secret with which the private keys in the database are encrypted`
  throw new PkiError('store', text, { cause })
}

/** Members that a key has beside the members of its type stay readable. */
function sealedJwk(key: Jwk, secret: string): SealedJwk {
  const { kid, alg, use } = key
  return { kid, alg, use, encrypted: encryptKey(createPrivateKey({ key, format: 'jwk' }), secret) } as SealedJwk
}

function openedJwk({ encrypted: pem, ...others }: SealedJwk, secrets: readonly string[]): object {
  return { ...decryptKey(pem, secrets).export({ format: 'jwk' }), ...others }
}

const keysOf = (text: string): readonly object[] => (JSON.parse(text) as { readonly keys: readonly object[] }).keys

const mapKeys = (text: string, change: (key: object) => object): string =>
  `${JSON.stringify({ keys: keysOf(text).map(change) })}\n`
