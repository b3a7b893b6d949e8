import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { ArcKeyConfig, DkimKeyConfig } from '../../core/config/schema/mail-authentication.ts'
import { readOrCreate, type StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { PkiError } from '../../tls/pki/errors.ts'

const generate = promisify(generateKeyPair)

type KeyKind = DkimKeyConfig['algorithm'] | 'rsa-512'

const generators: Readonly<Record<KeyKind, () => Promise<{ readonly privateKey: KeyObject }>>> = {
  'rsa-512': () => generate('rsa', { modulusLength: 512 }),
  'rsa-1024': () => generate('rsa', { modulusLength: 1024 }),
  'rsa-2048': () => generate('rsa', { modulusLength: 2048 }),
  'rsa-4096': () => generate('rsa', { modulusLength: 4096 }),
  ed25519: () => generate('ed25519'),
}

/** The part of a certificate store that holds the keys. */
export type KeyFiles = Pick<StoreFiles, 'read' | 'exclusively'>

/** A key for signatures, and where its record is. */
interface NamedKey {
  readonly domain: string
  readonly selector: string
  /** A file with the key. Default: it is generated and kept in the store. */
  readonly file?: string | undefined
  readonly kind: KeyKind
}

/** Returns the key of a DKIM signer of the configuration. */
export const dkimKey = ({ domain, selector, keyFile: file, algorithm, defect }: DkimKeyConfig): NamedKey => ({
  domain,
  selector,
  file,
  kind: defect === 'short-key' ? 'rsa-512' : algorithm,
})

/** Returns the key of the ARC sealer of the configuration. */
export const arcKey = ({ domain, selector, keyFile: file }: ArcKeyConfig): NamedKey => ({
  domain,
  selector,
  file,
  kind: 'rsa-2048',
})

/** The private keys that sign mail. Keys without a file of their own are generated at their first use. */
export class SigningKeys {
  readonly #files: KeyFiles
  readonly #keys = new Map<string, Promise<KeyObject>>()

  constructor(files: KeyFiles) {
    this.#files = files
  }

  /** Returns a private key. @throws PkiError `store`, `malformed` */
  of(named: NamedKey): Promise<KeyObject> {
    const id = JSON.stringify([named.file ?? pathOf(named), named.kind])
    const known = this.#keys.get(id)
    if (known) return known
    const opened = (named.file === undefined ? this.#kept(named) : readKey(named.file)).catch((error: unknown) => {
      this.#keys.delete(id)
      throw error
    })
    this.#keys.set(id, opened)
    return opened
  }

  /** Forgets the keys, so that changed files are read again. */
  forget(): void {
    this.#keys.clear()
  }

  async #kept(named: NamedKey): Promise<KeyObject> {
    const path = pathOf(named)
    const pem = await readOrCreate(this.#files, path, async () => {
      const { privateKey } = await generators[named.kind]()
      return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    })
    return parseKey(pem, `${path} of the certificate store`)
  }
}

/** Returns where a generated key is, in the certificate store. */
const pathOf = ({ domain, selector, kind }: NamedKey): string =>
  `dkim/${selector}._domainkey.${domain}.${kind}.pem`.toLowerCase()

async function readKey(file: string): Promise<KeyObject> {
  const pem = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new PkiError('store', `the key ${file} cannot be read: ${cause.message}`, { cause })
  })
  return parseKey(pem, file)
}

function parseKey(pem: string, place: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // Reported below, without the text of the file.
  }
  if (key?.asymmetricKeyType === 'rsa' || key?.asymmetricKeyType === 'ed25519') return key
  throw new PkiError('malformed', `${place} is not a private key of RSA or Ed25519 in PEM without a password`)
}

/** Returns the text of the TXT record with the public key. RFC 6376 section 3.6.1, RFC 8463 section 4. */
export function keyRecord(privateKey: KeyObject): string {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  if (privateKey.asymmetricKeyType === 'rsa') return `v=DKIM1; k=rsa; p=${spki.toString('base64')}`
  // The last 32 octets are the key itself. RFC 8410 section 4
  return `v=DKIM1; k=ed25519; p=${spki.subarray(-32).toString('base64')}`
}
