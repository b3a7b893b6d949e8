import type { JsonWebKey as JWK } from 'node:crypto'
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { readOrCreate, type StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { type SigningAlgorithm, signingAlgorithms } from './types.ts'

const generate = promisify(generateKeyPair)

const generators: Readonly<Record<SigningAlgorithm, () => Promise<{ readonly privateKey: KeyObject }>>> = {
  RS256: () => generate('rsa', { modulusLength: 2048 }),
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
}

/** A private key of the lab as JWK, with `kid`, `alg` and `use`. */
interface SigningKey extends JWK {
  readonly kid: string
  readonly alg: SigningAlgorithm
}

/** The members of a public key. RFC 7518 section 6. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'] as const

/** Where the keys are, in the certificate store. */
const PATH = 'oauth2/keys.json'

/**
 * The keys that sign the lab's tokens, one for each algorithm. They are generated at their first use, and kept with the
 * certificates: a store on disk has them after a restart.
 */
export class TokenSigningKeys {
  readonly #files: Pick<StoreFiles, 'read' | 'exclusively'>
  #keys: Promise<readonly SigningKey[]> | undefined

  constructor(files: Pick<StoreFiles, 'read' | 'exclusively'>) {
    this.#files = files
  }

  /** Returns the private keys. @throws PkiError `store` if they cannot be read or written */
  all(): Promise<readonly SigningKey[]> {
    this.#keys ??= this.#open().catch((error: unknown) => {
      this.#keys = undefined
      throw error
    })
    return this.#keys
  }

  /** Returns the private key for an algorithm. @throws PkiError `store` */
  async of(algorithm: SigningAlgorithm): Promise<SigningKey> {
    const found = (await this.all()).find(({ alg }) => alg === algorithm)
    if (!found) throw new Error(`no key for ${algorithm}`)
    return found
  }

  /** Returns the public keys as JWK Set. RFC 7517 section 5. @throws PkiError `store` */
  async publicKeys(): Promise<{ keys: JWK[] }> {
    return { keys: (await this.all()).map(publicKeyOf) }
  }

  async #open(): Promise<readonly SigningKey[]> {
    const text = await readOrCreate(this.#files, PATH, async () => {
      return `${JSON.stringify({ keys: await Promise.all(signingAlgorithms.map(createKey)) })}\n`
    })
    try {
      const { keys } = JSON.parse(text) as { readonly keys: readonly SigningKey[] }
      if (signingAlgorithms.every((algorithm) => keys.some(({ alg }) => alg === algorithm))) return keys
    } catch {
      // A file that is not JSON is reported like one without keys.
    }
    throw new PkiError(
      'store',
      `${PATH} of the certificate store does not have the keys of access tokens; delete the file`,
    )
  }
}

async function createKey(alg: SigningAlgorithm): Promise<SigningKey> {
  const { calculateJwkThumbprint } = await import('jose')
  const { privateKey } = await generators[alg]()
  const jwk = privateKey.export({ format: 'jwk' }) as JWK
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' }
}

const publicKeyOf = (key: SigningKey): JWK =>
  Object.fromEntries(PUBLIC_MEMBERS.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]]))) as JWK
