import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import {
  certificateFields,
  certificatePem,
  extensionValues,
  readFacts,
  thumbprintOf,
} from '../certificate/certificate.ts'
import { buildChain, isRoot } from '../certificate/chain.ts'
import { createAuthorityCertificate, DAY_MS } from '../certificate/profiles.ts'
import { type AuthorityKey, crossesFrom, hasSameKey, presentKey } from '../certificate-store/authority-keys.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import { openPrivateKey } from '../certificate-store/materials.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { extensionIds } from '../der/oids.ts'
import { recordIssued, serviceUrls } from './issue.ts'

/** Stores a chain. The path contains all its thumbprints, because files of the store never change. */
export function putAuthorityChain(draft: IndexDraft, name: string, chain: readonly X509Certificate[]): string {
  return draft.put(
    `authorities/${slug(name)}/authority-${shortThumbprints(chain)}.pem`,
    chain.map(certificatePem).join(''),
  )
}

const shortThumbprints = (certificates: readonly X509Certificate[]): string =>
  certificates.map((one) => thumbprintOf(one).slice(0, 8)).join('-')

/**
 * Moves the present key of an authority to its earlier ones: it signs only revocation lists and OCSP responses from now on.
 * Earlier keys whose certificate has expired are dropped, because everything that they signed has expired too.
 */
export function retireKey(record: AuthorityRecord, nowMs: number): void {
  const { number, key, certificate } = presentKey(record)
  for (const entry of record.issued) entry.key ??= key
  const last = (kept: { readonly key: string }): number =>
    Math.max(0, ...record.issued.filter((entry) => entry.key === kept.key).map(({ notAfter }) => Date.parse(notAfter)))
  const earlier = (record.earlier ?? []).filter((one) => last(one) > nowMs)
  record.earlier = [...earlier, { number, key, certificate }]
  record.keyNumber = number + 1
}

/** A key of a root, opened. */
interface RootKey {
  readonly number: number
  readonly path: string
  readonly key: KeyObject
  readonly certificate: X509Certificate
}

/**
 * Lets the earlier keys of a root sign the present one, and the present one sign the last one before it, until the root of
 * the signed or the signing key expires. RFC 4210 section 4.4. Returns all cross certificates of the root.
 * @param root the certificate of the present key
 */
export async function crossSign(
  store: CertificateStore,
  draft: IndexDraft,
  record: AuthorityRecord,
  root: X509Certificate,
): Promise<X509Certificate[]> {
  const nowMs = store.clock.now()
  const { number, key } = presentKey(record)
  const present = { number, path: key, key: await openPrivateKey(draft, key), certificate: root }
  const earlier = (await Promise.all((record.earlier ?? []).map((one) => openRootKey(store, record.name, one)))).filter(
    ({ certificate }) => Date.parse(certificate.validTo) > nowMs,
  )
  const last = earlier.at(-1)
  const made = [
    ...earlier.map((one) => crossCertificate(store, draft, record, present, one)),
    ...(last ? [crossCertificate(store, draft, record, last, present)] : []),
  ]
  const before = record.cross === undefined ? [] : await store.materials.certificates(record.cross)
  const crosses = [...before.filter((one) => Date.parse(one.validTo) > nowMs), ...made]
  if (crosses.length === 0) delete record.cross
  else {
    const path = `authorities/${slug(record.name)}/cross-${shortThumbprints(made)}.pem`
    record.cross = draft.put(path, crosses.map(certificatePem).join(''))
  }
  return crosses
}

async function openRootKey(
  store: CertificateStore,
  name: string,
  { number, key, certificate }: AuthorityKey,
): Promise<RootKey> {
  const [own] = await store.materials.authorityChain({ name, certificate })
  return { number, path: key, key: await openPrivateKey(store, key), certificate: own }
}

/** Issues the certificate in which one key of a root signs another, with the limits of that one's root. */
function crossCertificate(
  store: CertificateStore,
  draft: IndexDraft,
  record: AuthorityRecord,
  subject: RootKey,
  issuer: RootKey,
): X509Certificate {
  const nowMs = store.clock.now()
  const endMs = Math.min(Date.parse(subject.certificate.validTo), Date.parse(issuer.certificate.validTo))
  const { pathLength } = readFacts(subject.certificate)
  const constraints = extensionValues(subject.certificate).get(extensionIds.nameConstraints)?.raw
  const profile = {
    subject: certificateFields(subject.certificate.raw).subject,
    publicKey: createPublicKey(subject.key),
    nowMs,
    days: Math.ceil((endMs - nowMs) / DAY_MS) + 1,
    latestMs: endMs,
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(constraints ? { constraints } : {}),
    urls: serviceUrls(store.serviceUrl, record.name, issuer.number),
  }
  const { hash } = record
  const signer = { key: issuer.key, certificate: issuer.certificate, ...(hash ? { hash } : {}) }
  const certificate = createAuthorityCertificate(profile, signer)
  recordIssued(draft, record, certificate, issuer.path === record.key ? undefined : issuer.path)
  return certificate
}

/**
 * Adds the cross certificates of a root to the chains of the certificates below it, so that clients that trust another of
 * its keys accept them.
 * @param roots the roots of all keys, the newest first
 */
export async function attachCrossCertificates(
  store: CertificateStore,
  draft: IndexDraft,
  roots: readonly X509Certificate[],
  crosses: readonly X509Certificate[],
): Promise<void> {
  await changeServed(store, draft, (leaf, sent) => {
    // An earlier cross certificate has the name of a root, as issuer and as subject.
    const plain = sent.filter((one) => one.subject !== one.issuer)
    const chain = buildChain(leaf, [...roots, ...plain]).certificates
    const top = chain.at(-1) as X509Certificate
    if (!roots.some((root) => hasSameKey(root, top))) return undefined
    return [...chain.slice(1).filter((one) => !isRoot(one)), ...crossesFrom(top, roots, crosses)]
  })
}

/** Puts the new certificate of an authority, with the same key, in place of the old one in all chains. */
export async function replaceIssuer(
  store: CertificateStore,
  draft: IndexDraft,
  old: X509Certificate,
  next: X509Certificate,
): Promise<void> {
  const isOld = (one: X509Certificate): boolean => one.raw.equals(old.raw)
  for (const record of draft.index.authorities) {
    if (record.certificate === undefined || draft.files.has(record.certificate)) continue
    const [own, ...above] = await store.materials.authorityChain(record)
    if (!above.some(isOld)) continue
    record.certificate = putAuthorityChain(draft, record.name, [own, ...above.map((one) => (isOld(one) ? next : one))])
  }
  await changeServed(store, draft, (_, sent) =>
    sent.some(isOld) ? sent.map((one) => (isOld(one) ? next : one)) : undefined,
  )
}

/**
 * Changes the certificates that are sent with certificates of the store.
 * @param change returns what is sent after a certificate from now on; undefined: as before
 */
async function changeServed(
  store: CertificateStore,
  draft: IndexDraft,
  change: (leaf: X509Certificate, sent: readonly X509Certificate[]) => readonly X509Certificate[] | undefined,
): Promise<void> {
  for (const record of draft.index.certificates) {
    // An unreadable file is reported when the certificate is used.
    const [leaf, ...sent] = await store.materials.certificates(record.certificate).catch(() => [])
    const next = leaf && change(leaf, sent)
    if (leaf === undefined || next === undefined || sameCertificates(sent, next)) continue
    const path = `certificates/${slug(record.friendlyName)}-${shortThumbprints([leaf, ...next])}.pem`
    record.certificate = draft.put(path, [leaf, ...next].map(certificatePem).join(''))
  }
}

const sameCertificates = (one: readonly X509Certificate[], other: readonly X509Certificate[]): boolean =>
  one.length === other.length && one.every(({ raw }, index) => other[index]?.raw.equals(raw))
