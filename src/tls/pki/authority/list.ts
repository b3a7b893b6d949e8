import type { X509Certificate } from 'node:crypto'
import { certificatePem, readFacts } from '../certificate/certificate.ts'
import { commonName } from '../certificate/names.ts'
import {
  type AuthorityRecord,
  findAuthority,
  type IssuedRecord,
  type QueuedRecord,
} from '../certificate-store/index-file.ts'
import { rootsOf } from '../certificate-store/roots.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { writePkcs7 } from '../keystore/certificate-files.ts'

/** An authority in a list. */
export interface AuthorityEntry {
  readonly name: string
  readonly role: AuthorityRecord['role']
  readonly type: AuthorityRecord['type']
  /** Whether it issues for `certificate: auto`. */
  readonly default: boolean
  /** False until an outside authority has signed its certificate. */
  readonly ready: boolean
  readonly issuedBy?: string
  readonly notAfter?: string
  readonly key?: string
  readonly thumbprint?: string
  /** Number of its keys, with the earlier ones, which only sign revocation lists. */
  readonly keys: number
  /** Number of certificates issued. */
  readonly issued: number
  readonly revoked: number
  /** Number of requests that wait for approval. */
  readonly waiting: number
}

/** Returns all authorities of the store. */
export async function listAuthorities(store: CertificateStore): Promise<AuthorityEntry[]> {
  await store.refresh()
  return Promise.all(store.index.authorities.map((record) => entryOf(store, record)))
}

async function entryOf(store: CertificateStore, record: AuthorityRecord): Promise<AuthorityEntry> {
  const entry: AuthorityEntry = {
    name: record.name,
    role: record.role,
    type: record.type,
    default: record.name === store.index.defaultAuthority,
    ready: record.certificate !== undefined,
    keys: 1 + (record.earlier?.length ?? 0),
    issued: record.issued.length,
    revoked: record.issued.filter(({ revoked }) => revoked).length,
    waiting: record.queue.filter(({ state }) => state === 'pending').length,
  }
  if (!record.certificate) return entry
  const facts = readFacts((await store.materials.authorityChain(record))[0])
  return {
    ...entry,
    issuedBy: commonName(facts.issuer),
    notAfter: facts.notAfter.toISOString(),
    key: facts.key,
    thumbprint: facts.thumbprint,
  }
}

/**
 * Returns the certificates that an authority has issued.
 * @param options `expiringWithinMs` selects those that expire within that time and are not revoked
 * @throws PkiError `unknown`
 */
export async function listIssued(
  store: CertificateStore,
  name?: string,
  { expiringWithinMs }: { readonly expiringWithinMs?: number } = {},
): Promise<readonly IssuedRecord[]> {
  await store.refresh()
  const { issued } = findAuthority(store.index, name)
  if (expiringWithinMs === undefined) return issued
  const nowMs = store.clock.now()
  return issued.filter(({ notAfter, revoked }) => {
    const leftMs = Date.parse(notAfter) - nowMs
    return !revoked && leftMs >= 0 && leftMs <= expiringWithinMs
  })
}

/** Returns the requests of standalone authorities, answered ones included. @throws PkiError `unknown` */
export async function listQueue(
  store: CertificateStore,
  name?: string,
): Promise<(QueuedRecord & { authority: string })[]> {
  await store.refresh()
  const authorities = name === undefined ? store.index.authorities : [findAuthority(store.index, name)]
  return authorities.flatMap(({ name: authority, queue }) => queue.map((entry) => ({ ...entry, authority })))
}

/** pem and der: the authority's certificate alone. p7b: with its issuers. chain: the same in PEM. */
export const authorityFormats = ['pem', 'der', 'p7b', 'chain'] as const
export type AuthorityFormat = (typeof authorityFormats)[number]

/**
 * Returns the certificate of an authority for clients to trust, without its key.
 * @param name Default: every root that clients need
 * @throws PkiError `refused` for several roots in DER, which holds one certificate
 */
export async function exportAuthority(
  store: CertificateStore,
  name?: string,
  format: AuthorityFormat = 'pem',
): Promise<Buffer> {
  await store.refresh()
  const certificates =
    name === undefined
      ? await rootsOf(store.index, store.materials)
      : await certificatesToExport(store, name, format === 'chain' || format === 'p7b')
  const [first, ...others] = certificates
  if (first === undefined) throw new PkiError('refused', 'the store has no root')
  if (format === 'p7b') return writePkcs7(certificates)
  if (format !== 'der') return Buffer.from(certificates.map(certificatePem).join(''))
  if (others.length === 0) return first.raw
  const names = certificates.map((one) => `"${commonName(readFacts(one).subject)}"`).join(', ')
  throw new PkiError(
    'refused',
    `DER holds one certificate, and there are ${certificates.length} roots (${names}); use --format p7b for all of them, or ca export NAME for one`,
  )
}

async function certificatesToExport(
  store: CertificateStore,
  name: string,
  withIssuers: boolean,
): Promise<readonly X509Certificate[]> {
  const record = findAuthority(store.index, name)
  const chain = await store.materials.authorityChain(record)
  if (!withIssuers) return [chain[0]]
  // A server that uses a certificate of an earlier key needs another one of these than the present key does.
  const crosses = record.cross === undefined ? [] : await store.materials.certificates(record.cross)
  return [...chain, ...crosses]
}
