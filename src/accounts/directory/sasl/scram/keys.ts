import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { prepareSecret } from '../../saslprep/saslprep.ts'
import { isSameSecret } from '../../secrets.ts'

/** A hash of the SCRAM family. */
export interface ScramHash {
  readonly name: 'SHA-1' | 'SHA-256' | 'SHA-512'
  readonly algorithm: 'sha1' | 'sha256' | 'sha512'
  readonly octets: number
  readonly iterations: number
}

/** RFC 5802 section 5.1 and RFC 7677 section 4: at least 4096. For SHA-512, draft-melnikov-scram-sha-512 asks for 10000. */
export const scramHashes = {
  'SHA-1': { name: 'SHA-1', algorithm: 'sha1', octets: 20, iterations: 4096 },
  'SHA-256': { name: 'SHA-256', algorithm: 'sha256', octets: 32, iterations: 4096 },
  'SHA-512': { name: 'SHA-512', algorithm: 'sha512', octets: 64, iterations: 10_000 },
} as const satisfies Record<string, ScramHash>

/** The keys that prove a password: the server compares with the one, and proves itself with the other. RFC 5802 section 3. */
interface ScramKeys {
  readonly stored: Buffer
  readonly server: Buffer
}

/** Runs in the thread pool, so that other sessions are served during the milliseconds that it takes. */
const deriveKey = promisify(pbkdf2)
/** Salts are derived from names. An unknown name therefore also has a constant salt, and looks like a known one. */
const saltKey = randomBytes(32)
/** Without padding in base64, which PEAR's Auth_SASL reads only where the octets before it are letters or digits. */
const SALT_OCTETS = 18

const hmac = ({ algorithm }: ScramHash, key: Buffer, text: string): Buffer =>
  createHmac(algorithm, key).update(text).digest()

/** Returns the salt of a name, whether an account has this name or not. */
export const saltOf = ({ algorithm }: ScramHash, name: string, octets = SALT_OCTETS): Buffer =>
  createHmac('sha256', saltKey).update(`${algorithm} ${name}`).digest().subarray(0, octets)

/** Derives the keys of a password. RFC 5802 section 3. */
export async function makeKeys(
  hash: ScramHash,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await deriveKey(prepareSecret(password), salt, iterations, hash.octets, hash.algorithm)
  const stored = createHash(hash.algorithm)
    .update(hmac(hash, salted, 'Client Key'))
    .digest()
  return { stored, server: hmac(hash, salted, 'Server Key') }
}

/** Returns whether the proof reveals the client key whose hash is the StoredKey. RFC 5802 section 3. */
export function provesPassword(hash: ScramHash, keys: ScramKeys, authMessage: string, proof: Buffer): boolean {
  const signature = hmac(hash, keys.stored, authMessage)
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.from(proof.map((octet, i) => octet ^ (signature[i] as number)))
  return isSameSecret(createHash(hash.algorithm).update(clientKey).digest(), keys.stored)
}

/** Returns the server's proof in base64. */
export const serverSignature = (hash: ScramHash, keys: ScramKeys, authMessage: string): string =>
  hmac(hash, keys.server, authMessage).toString('base64')
