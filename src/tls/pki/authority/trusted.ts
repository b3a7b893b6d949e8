import { createHash, type X509Certificate } from 'node:crypto'
import { certificatePem, readFacts, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import type { TrustedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { readPem, writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readCertificates } from '../keystore/certificate-files.ts'
import { unexpectedContent } from '../keystore/unexpected.ts'
import { completeChain } from '../lifecycle/chains.ts'
import { type ReadCrl, readCrl } from '../revocation/read-crl.ts'

/** An added root, intermediate authority or revocation list. */
export interface AddedTrust extends TrustedRecord {
  /** Friendly names of the certificates whose chains an intermediate authority has completed. */
  readonly completes?: readonly string[]
  /** The lab had it before. */
  readonly already?: true
}

/**
 * Makes the lab's checks accept outside roots and revocation lists from a file in PEM, DER or PKCS#7, and tells the lab
 * intermediate authorities, which complete the chains that servers send. A list replaces the previous one of the same key of
 * an authority. Returns what was added.
 * @throws PkiError `malformed`, or `refused` for a certificate that is no authority, a list with a wrong signature, or a list
 * older than the one that it would replace
 */
export async function addTrusted(store: CertificateStore, file: Buffer): Promise<AddedTrust[]> {
  const { roots, lists } = readTrusted(file)
  const other = roots.find((one) => !one.ca)
  if (other) {
    const { subject, issuer } = readFacts(other)
    throw new PkiError(
      'refused',
      `${commonName(subject)} is not an authority: ${commonName(issuer)} issued it; add that authority instead`,
    )
  }
  await store.refresh()
  const issuers = [...roots, ...(await store.materials.knownIssuers(store.index))]
  for (const { crl } of lists) refuseForged(crl, issuers)
  return store.update(async (draft) => {
    const nowMs = store.clock.now()
    const before = (draft.index.trusted ?? []).map(({ thumbprint }) => thumbprint)
    const added: AddedTrust[] = roots.map((root) => addRecord(draft, rootRecord(root, nowMs), certificatePem(root)))
    for (const { der, crl } of lists) {
      await dropPrevious(draft, crl)
      added.push(addRecord(draft, listRecord(der, crl, nowMs), writePem('X509 CRL', der)))
    }
    const completes: string[] = []
    for (const record of roots.every(isRoot) ? [] : draft.index.certificates) {
      if ((await completeChain(draft, record, issuers)) !== undefined) completes.push(record.friendlyName)
    }
    return added.map((one) => ({
      ...one,
      ...(one.kind === 'intermediate' ? { completes } : {}),
      ...(before.includes(one.thumbprint) ? { already: true } : {}),
    }))
  })
}

/** Removes the list that a newer one of the same key replaces. @throws PkiError `refused` if the other one is older */
async function dropPrevious(draft: IndexDraft, crl: ReadCrl): Promise<void> {
  const kept: TrustedRecord[] = []
  for (const record of draft.index.trusted ?? []) {
    const previous = record.kind === 'crl' ? await listOf(draft, record) : undefined
    if (previous?.signer !== crl.signer) kept.push(record)
    else if (isOlder(crl, previous)) {
      throw new PkiError(
        'refused',
        `this revocation list of ${record.name} is older than the one that the lab has; to use it anyway, remove that first: sealpost ca remove-trusted ${record.thumbprint}`,
      )
    }
  }
  draft.index.trusted = kept
}

/** RFC 5280 section 5.2.3: of two lists, the one with the greater number is newer. */
const isOlder = (one: ReadCrl, other: ReadCrl): boolean =>
  one.number !== undefined && other.number !== undefined ? one.number < other.number : one.thisUpdate < other.thisUpdate

/** Returns the list of a record; undefined if its file cannot be read, which is reported when the list is used. */
async function listOf(draft: IndexDraft, { file }: TrustedRecord): Promise<ReadCrl | undefined> {
  const [block] = readPem(await draft.read(file).catch(() => ''))
  return block && readCrl(block.der)
}

interface TrustedContent {
  readonly roots: readonly X509Certificate[]
  readonly lists: readonly { readonly der: Buffer; readonly crl: ReadCrl }[]
}

function readTrusted(file: Buffer): TrustedContent {
  const text = file.toString('latin1')
  const isPem = text.includes('-----BEGIN ')
  const ders = isPem ? readPem(text).flatMap(({ label, der }) => (label === 'X509 CRL' ? [der] : [])) : []
  const lists = ders.map((der) => ({ der, crl: readCrl(der) }))
  // A file with lists may have no certificate.
  if (isPem && lists.length > 0 && !/-----BEGIN [^-]*(CERTIFICATE|PKCS7|CMS)/.test(text)) return { roots: [], lists }
  try {
    return { roots: readCertificates(file), lists }
  } catch (cause) {
    if (isPem) throw unexpectedContent(file, 'trusted', cause)
    try {
      return { roots: [], lists: [{ der: file, crl: readCrl(file) }] }
    } catch {
      throw unexpectedContent(file, 'trusted', cause)
    }
  }
}

/** @throws PkiError `refused` if the store knows the authority and the authority did not sign the list */
function refuseForged(crl: ReadCrl, issuers: readonly X509Certificate[]): void {
  const title = commonName(crl.issuer)
  const named = issuers.filter((one) => commonName(readFacts(one).subject) === title)
  if (named.length === 0 || named.some((one) => crl.isFrom(one))) return
  throw new PkiError('refused', `${title} did not sign this revocation list`)
}

const rootRecord = (root: X509Certificate, nowMs: number): Omit<TrustedRecord, 'file'> => ({
  kind: isRoot(root) ? 'root' : 'intermediate',
  name: commonName(readFacts(root).subject),
  thumbprint: thumbprintOf(root),
  until: readFacts(root).notAfter.toISOString(),
  addedAt: new Date(nowMs).toISOString(),
})

const listRecord = (der: Buffer, { issuer, nextUpdate }: ReadCrl, nowMs: number): Omit<TrustedRecord, 'file'> => ({
  kind: 'crl',
  name: commonName(issuer),
  thumbprint: createHash('sha1').update(der).digest('hex').toUpperCase(),
  ...(nextUpdate ? { until: nextUpdate.toISOString() } : {}),
  addedAt: new Date(nowMs).toISOString(),
})

/** Adds a record, in place of the same root or list. */
function addRecord(draft: IndexDraft, added: Omit<TrustedRecord, 'file'>, pem: string): TrustedRecord {
  const { kind, name, thumbprint } = added
  const file = draft.put(`trusted/${slug(name)}-${thumbprint.slice(0, 8)}.pem`, pem)
  const record = { ...added, file }
  const others = (draft.index.trusted ?? []).filter((one) => one.kind !== kind || one.thumbprint !== thumbprint)
  draft.index.trusted = [...others, record]
  return record
}

/** Returns the outside roots, intermediate authorities and revocation lists that the lab's checks accept. */
export async function listTrusted(store: CertificateStore): Promise<readonly TrustedRecord[]> {
  await store.refresh()
  return store.index.trusted ?? []
}

/** Removes an outside root, intermediate authority or revocation list by name or thumbprint. @throws PkiError `unknown` if no entry or several entries match */
export function removeTrusted(store: CertificateStore, name: string): Promise<TrustedRecord> {
  const thumbprint = name.replace(/[\s:]/g, '').toUpperCase()
  return store.update((draft) => {
    const all = draft.index.trusted ?? []
    const found = all.filter((one) => one.thumbprint === thumbprint || one.name.toLowerCase() === name.toLowerCase())
    const [only, ...others] = found
    if (only === undefined) {
      const list = all.map((one) => `"${one.name}"`).join(', ') || 'none'
      throw new PkiError('unknown', `no outside root or revocation list "${name}"; there are: ${list}`)
    }
    if (others.length > 0) {
      const list = found.map((one) => `${one.thumbprint} (${one.kind})`).join(', ')
      throw new PkiError('unknown', `"${name}" is ambiguous; give the thumbprint: ${list}`)
    }
    draft.index.trusted = all.filter((one) => one !== only)
    return only
  })
}
