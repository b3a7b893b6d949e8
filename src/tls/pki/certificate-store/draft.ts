import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificatePem, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { publicKeyInfo } from '../certificate/extensions.ts'
import { PkiError } from '../errors.ts'
import { privateKeyPem, readPrivateKey } from '../keys.ts'
import { refuseUnservable } from '../servability.ts'
import { formerName, freeName } from './friendly-names.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'

/** A change of the store before its commit: a copy of the index to modify, and the files to add. */
export class IndexDraft {
  readonly index: StoreIndex
  readonly files = new Map<string, string>()
  readonly #read: (path: string) => Promise<string>

  /** @param read reads a file of the store */
  constructor(index: StoreIndex, read: (path: string) => Promise<string>) {
    this.index = structuredClone(index)
    this.#read = read
  }

  /** Returns a file of the draft or of the store. */
  async read(path: string): Promise<string> {
    return this.files.get(path) ?? (await this.#read(path))
  }

  /** Adds a file. Returns its path. */
  put(path: string, text: string): string {
    this.files.set(path, text)
    return path
  }

  /** Adds a private key. Returns its path, which is the same for the same key. */
  putKey(title: string, key: KeyObject): string {
    const id = createHash('sha1').update(publicKeyInfo(key)).digest('hex').slice(0, 8)
    return this.put(`keys/${slug(title)}-${id}.pem`, privateKeyPem(key))
  }
}

/** Returns a readable file name for a text: `default-smtp-virtual-server`. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|(?<![-.])[-.]+$/g, '')
    .slice(0, 48) || 'unnamed'

interface NewCertificate {
  /** It gets a number if another certificate has this name. */
  readonly friendlyName: string
  /** The certificate first, then its issuers. A root is not stored: clients have it. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** Path of the key in the store. */
  readonly key: string
  readonly origin: CertificateRecord['origin']
  /** The certificate that it replaces, as it was read: it takes over its friendly name and its virtual servers. */
  readonly replaces?: Readonly<CertificateRecord>
}

/**
 * Adds a certificate to the store.
 * @throws PkiError `refused` if no server can use it, if the store has it already, or if the one that it replaces was
 * replaced or deleted since it was read
 */
export async function addCertificate(
  draft: IndexDraft,
  added: NewCertificate,
  nowMs: number,
): Promise<CertificateRecord> {
  refuseUnservable(added.certificates, readPrivateKey(await draft.read(added.key)))
  const [leaf, ...chain] = added.certificates
  const thumbprint = thumbprintOf(leaf)
  const held = draft.index.certificates.find((one) => one.thumbprint === thumbprint)
  if (held) throw alreadyHeld(held)
  const replaced = added.replaces && assertUnchanged(draft.index, added.replaces)
  const friendlyName = replaced ? takeName(draft.index, replaced) : freeName(draft.index, added.friendlyName)
  const path = `certificates/${slug(friendlyName)}-${thumbprint.slice(0, 8)}.pem`
  const withoutRoot = [leaf, ...chain.filter((one) => !isRoot(one))]
  const record: CertificateRecord = {
    thumbprint,
    friendlyName,
    certificate: draft.put(path, withoutRoot.map(certificatePem).join('')),
    key: added.key,
    origin: added.origin,
    addedAt: new Date(nowMs).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
  }
  draft.index.certificates.push(record)
  if (replaced) {
    const isFormer = (one: CertificateRecord): boolean => one === replaced || one.replacedBy === replaced.thumbprint
    for (const one of draft.index.certificates) if (isFormer(one)) one.replacedBy = thumbprint
    replaceAssignments(draft.index, replaced.thumbprint, thumbprint)
  }
  return record
}

/** Returns the error about a certificate that the store has. */
export const alreadyHeld = ({ friendlyName, thumbprint }: CertificateRecord): PkiError =>
  new PkiError('refused', `the certificate is already in the store as "${friendlyName}" (thumbprint ${thumbprint})`)

function assertUnchanged({ certificates }: StoreIndex, read: Readonly<CertificateRecord>): CertificateRecord {
  const found = certificates.find(({ thumbprint }) => thumbprint === read.thumbprint)
  if (found && found.replacedBy === read.replacedBy) return found
  throw new PkiError('refused', `"${read.friendlyName}" has changed in the meantime; try again`)
}

/** Takes the friendly name from a certificate, which stays in the store as `NAME old`. Returns the name. */
export function takeName(index: StoreIndex, record: CertificateRecord): string {
  const { friendlyName } = record
  record.friendlyName = formerName(index, friendlyName)
  return friendlyName
}

/** Assigns another certificate to every virtual server that a certificate is assigned to. Both are thumbprints. */
function replaceAssignments({ assignments }: StoreIndex, old: string, next: string): void {
  for (const [server, thumbprint] of Object.entries(assignments)) {
    if (thumbprint === old) assignments[server] = next
  }
}
