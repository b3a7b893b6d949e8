import { createPublicKey, type KeyObject } from 'node:crypto'
import { LookupError, type NameLookup } from './names.ts'
import { listOf, parseTags, type Tags, withoutSpace } from './tag-list.ts'

/** Why a signature cannot be checked. */
export class SignatureProblem extends Error {
  override readonly name = 'SignatureProblem'
  readonly result: 'neutral' | 'policy' | 'temperror' | 'permerror'
  constructor(result: SignatureProblem['result'], reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.result = result
  }
}

/** A public key with its record. */
export interface PublicKey {
  readonly key: KeyObject
  readonly tags: Tags
  readonly record: string
  readonly bits: number | undefined
}

const permanentProblem = (reason: string, cause?: unknown): SignatureProblem =>
  new SignatureProblem('permerror', reason, { cause })

/** Looks up the key of a signature. RFC 6376 section 6.1.2. @throws SignatureProblem */
export async function publicKeyOf(
  { domain, selector, algorithm }: { readonly domain: string; readonly selector: string; readonly algorithm: string },
  lookUp: NameLookup,
): Promise<PublicKey> {
  const name = `${selector}._domainkey.${domain}`
  const record = await keyRecordAt(name, lookUp)
  const tags = parseTags(record)
  if (!tags) throw permanentProblem(`the record at ${name} is not a list of tags`)
  const [first] = tags.keys()
  const version = tags.get('v')
  // RFC 6376 section 3.6.1
  if (version !== undefined && (version !== 'DKIM1' || first !== 'v'))
    throw permanentProblem(`${name}: unknown version`)
  const kind = (tags.get('k') ?? 'rsa').toLowerCase()
  if (!algorithm.startsWith(`${kind}-`))
    throw permanentProblem(`the key at ${name} is for ${kind}, not for ${algorithm}`)
  const hashes = tags.get('h')
  if (hashes !== undefined && !listOf(hashes).includes('sha256'))
    throw permanentProblem(`${name} does not allow SHA-256`)
  const services = tags.get('s')
  if (services !== undefined && !listOf(services).some((one) => one === '*' || one === 'email')) {
    throw permanentProblem(`the key at ${name} is not for mail`)
  }
  const text = tags.get('p')
  if (text === undefined) throw permanentProblem(`the record at ${name} has no key`)
  if (text === '') throw permanentProblem(`the key at ${name} is revoked`)
  const key = parsePublicKey(withoutSpace(text), kind)
  if (!key) throw permanentProblem(`the key at ${name} is invalid`)
  return { key, tags, record, bits: key.asymmetricKeyDetails?.modulusLength }
}

async function keyRecordAt(name: string, lookUp: NameLookup): Promise<string> {
  try {
    const [record] = await lookUp(name, 'TXT')
    if (record !== undefined) return record
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    throw new SignatureProblem('temperror', `${name}: ${error.message}`, { cause: error })
  }
  throw permanentProblem(`no key at ${name}`)
}

/** The octets before a key of Ed25519 in DER. RFC 8410 section 4. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function parsePublicKey(text: string, kind: string): KeyObject | undefined {
  const octets = Buffer.from(text, 'base64')
  const der = (key: Buffer, type: 'spki' | 'pkcs1'): KeyObject => createPublicKey({ key, format: 'der', type })
  const forms =
    kind === 'ed25519'
      ? [() => der(Buffer.concat([ED25519_PREFIX, octets]), 'spki')]
      : [
          () => der(octets, 'spki'),
          () => der(octets, 'pkcs1'), // RFC 6376 section 3.6.1 names this form, although all use the other one
        ]
  for (const read of forms) {
    try {
      const key = read()
      if (key.asymmetricKeyType === kind) return key
    } catch {
      // The next form, or an invalid key.
    }
  }
  return undefined
}
