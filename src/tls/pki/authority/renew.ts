import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificateFields, extensionValues, readFacts } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { authorityConstraints, keyUsage, nameConstraints } from '../certificate/extensions.ts'
import { readName } from '../certificate/names.ts'
import { type AuthorityProfile, createAuthorityCertificate, DAY_MS } from '../certificate/profiles.ts'
import { createRequest } from '../certificate/request.ts'
import { allChains } from '../certificate-store/authority-keys.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority } from '../certificate-store/index-file.ts'
import { openPrivateKey } from '../certificate-store/materials.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { extensionIds } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { generateKey, type KeySpec, specOf } from '../keys.ts'
import { issueSubordinate } from './create.ts'
import { type IssuedChain, openAuthority } from './issue.ts'
import { attachCrossCertificates, crossSign, putAuthorityChain, replaceIssuer, retireKey } from './key-change.ts'

export interface RenewAuthorityOptions {
  /** Default: as many as the old certificate had. */
  readonly days?: number
  /** Generates a new key. What the old key has signed stays valid. Default: keeps the key. */
  readonly newKey?: boolean
  /** Type of the new key. Default: the old key's type. */
  readonly key?: KeySpec
  /** Renews it even if every client would refuse the certificate. */
  readonly force?: boolean
}

/** The renewed authority: with its new certificate, or with the request that an outside authority must answer. */
export type RenewedAuthority =
  | { readonly state: 'renewed'; readonly record: AuthorityRecord; readonly certificate: X509Certificate }
  | { readonly state: 'requested'; readonly record: AuthorityRecord; readonly pem: string }

/** An authority to renew, and the key of its next certificate. */
interface Renewing extends RenewAuthorityOptions {
  readonly record: AuthorityRecord
  readonly old: X509Certificate
  readonly next: KeyObject
}

/**
 * Renews the certificate of an authority, with the same name and with the same key or a new one. What it has issued stays
 * valid, and so do the authorities below it. The old and the new key of a root sign each other, so that clients need only
 * one of the two roots until the old one expires. For an authority below an outside one, a request is prepared.
 * @param name Default: the authority that issues for `auto`
 * @throws PkiError
 */
export async function renewAuthority(
  store: CertificateStore,
  name: string | undefined,
  options: RenewAuthorityOptions = {},
): Promise<RenewedAuthority> {
  await store.refresh()
  const present = findAuthority(store.index, name)
  await store.materials.authorityChain(present) // Refuses an authority without a certificate before a key is generated.
  const oldKey = await openPrivateKey(store, present.key)
  const newKey = options.newKey ? await generateKey(options.key ?? specOf(oldKey)) : undefined
  return store.update(async (draft) => {
    const record = findAuthority(draft.index, present.name)
    if (record.key !== present.key)
      throw new PkiError('refused', `"${record.name}" has changed in the meantime; try again`)
    const [old] = await store.materials.authorityChain(record)
    const renewing = { ...options, record, old, next: newKey ?? oldKey }
    const chain = isRoot(old) ? [renewRoot(store, renewing)] : await renewBelow(store, draft, renewing)
    if (chain === undefined) return { state: 'requested', record, pem: prepareRenewal(store, draft, renewing) }
    await installChain(store, draft, renewing, chain as unknown as IssuedChain)
    return { state: 'renewed', record, certificate: chain[0] as X509Certificate }
  })
}

/** Puts the new chain of an authority in place of the old one. */
async function installChain(
  store: CertificateStore,
  draft: IndexDraft,
  { record, old, next, newKey }: Renewing,
  chain: IssuedChain,
): Promise<void> {
  if (!newKey) {
    record.certificate = putAuthorityChain(draft, record.name, chain)
    await replaceIssuer(store, draft, old, chain[0])
    return
  }
  const roots = [chain[0], ...(await allChains(store.materials, record)).map(([own]) => own)]
  retireKey(record, store.clock.now())
  record.key = draft.putKey(record.name, next)
  record.certificate = putAuthorityChain(draft, record.name, chain)
  if (!isRoot(chain[0])) return
  const crosses = await crossSign(store, draft, record, chain[0])
  await attachCrossCertificates(store, draft, roots, crosses)
}

/** Returns the old certificate's content with the new key and new dates. */
function profileOf(
  store: CertificateStore,
  { old, next, days }: Renewing,
): Omit<AuthorityProfile, 'urls' | 'latestMs'> {
  const { pathLength, notBefore, notAfter } = readFacts(old)
  const constraints = extensionValues(old).get(extensionIds.nameConstraints)?.raw
  return {
    subject: certificateFields(old.raw).subject,
    publicKey: createPublicKey(next),
    nowMs: store.clock.now(),
    days: days ?? Math.max(1, Math.round((notAfter.getTime() - notBefore.getTime()) / DAY_MS)),
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(constraints ? { constraints } : {}),
  }
}

function renewRoot(store: CertificateStore, renewing: Renewing): X509Certificate {
  const { hash } = renewing.record
  const issuer = { key: renewing.next, certificate: 'self', ...(hash ? { hash } : {}) } as const
  return createAuthorityCertificate(profileOf(store, renewing), issuer)
}

/** Returns the new certificate of an authority below another one of the lab, with its chain; undefined below an outside one. */
async function renewBelow(
  store: CertificateStore,
  draft: IndexDraft,
  renewing: Renewing,
): Promise<IssuedChain | undefined> {
  const parent = await parentOf(store, draft, renewing)
  if (parent === undefined) return undefined
  const opened = await openAuthority(store, parent.name, draft)
  return [issueSubordinate(draft, opened, profileOf(store, renewing), renewing.force), ...opened.chain]
}

/** Returns the authority of the lab that issued a certificate, with whichever of its keys. */
async function parentOf(
  store: CertificateStore,
  draft: IndexDraft,
  { record, old }: Renewing,
): Promise<AuthorityRecord | undefined> {
  for (const candidate of draft.index.authorities) {
    if (candidate === record) continue
    const chains = await allChains(store.materials, candidate)
    if (chains.some(([own]) => old.checkIssued(own) && old.verify(own.publicKey))) return candidate
  }
  return undefined
}

/** Prepares the request for the next certificate of an authority below an outside one. Returns it in PEM. */
function prepareRenewal(store: CertificateStore, draft: IndexDraft, { record, old, next }: Renewing): string {
  const { pathLength } = readFacts(old)
  const constraints = extensionValues(old).get(extensionIds.nameConstraints)?.raw
  const pem = createRequest({
    subject: readName(certificateFields(old.raw).subject),
    key: next,
    names: [],
    extensions: [
      authorityConstraints(pathLength),
      keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
      ...nameConstraints(constraints),
    ],
  })
  const file = draft.put(`authorities/${slug(record.name)}/renewal-${store.clock.now()}.pem`, pem)
  record.renewal = { key: draft.putKey(record.name, next), request: file }
  return pem
}
