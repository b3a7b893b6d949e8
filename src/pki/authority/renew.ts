import { createPublicKey, type X509Certificate } from 'node:crypto'
import {
  certificateFields,
  certificatePem,
  extensionValues,
  readFacts,
  thumbprintOf,
} from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { createAuthorityCertificate, DAY_MS } from '../certificate/profiles.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { extensionIds } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { issueSubordinate } from './create.ts'
import { type IssuedChain, openAuthority } from './issue.ts'

export interface RenewAuthorityOptions {
  /** Default: as many as the old certificate had. */
  readonly days?: number
  /** Renews it even if every client would reject the certificate. */
  readonly force?: boolean
}

/**
 * Renews the certificate of an authority with the same name and key. What it has issued stays valid, and so do the
 * authorities below it: their chains get the new certificate. Clients that trust an old root must get the new one before
 * the old one expires.
 * @param name Default: the authority that issues for `auto`
 * @throws PkiError `refused` if an outside authority issued its certificate
 */
export function renewAuthority(
  store: CertificateStore,
  name: string | undefined,
  options: RenewAuthorityOptions = {},
): Promise<{ readonly record: AuthorityRecord; readonly certificate: X509Certificate }> {
  return store.update(async (draft) => {
    const record = findAuthority(draft.index, name)
    const [old] = await store.materials.authorityChain(record)
    const chain = await issueAgain(store, draft, record, old, options)
    record.certificate = putChain(draft, record.name, chain)
    await replaceBelow(store, draft, old, chain[0])
    return { record, certificate: chain[0] }
  })
}

/** Issues the certificate again. Returns its chain. */
async function issueAgain(
  store: CertificateStore,
  draft: IndexDraft,
  record: AuthorityRecord,
  old: X509Certificate,
  { days, force }: RenewAuthorityOptions,
): Promise<IssuedChain> {
  const { pathLength, notBefore, notAfter } = readFacts(old)
  const constraints = extensionValues(old).get(extensionIds.nameConstraints)?.raw
  const key = readPrivateKey(await draft.read(record.key))
  const profile = {
    subject: certificateFields(old.raw).subject,
    publicKey: createPublicKey(key),
    nowMs: store.clock.now(),
    days: days ?? Math.max(1, Math.round((notAfter.getTime() - notBefore.getTime()) / DAY_MS)),
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(constraints ? { constraints } : {}),
  }
  if (isRoot(old)) {
    const { hash } = record
    return [createAuthorityCertificate(profile, { key, certificate: 'self', ...(hash ? { hash } : {}) })]
  }
  const parent = await parentOf(store, draft, record, old)
  const opened = await openAuthority(store, parent.name, draft)
  return [issueSubordinate(draft, opened, profile, force), ...opened.chain]
}

/** Returns the authority of the lab that issued a certificate. @throws PkiError `refused` if an outside one did */
async function parentOf(
  store: CertificateStore,
  draft: IndexDraft,
  record: AuthorityRecord,
  old: X509Certificate,
): Promise<AuthorityRecord> {
  for (const candidate of draft.index.authorities) {
    if (candidate.certificate === undefined || candidate === record) continue
    const [own] = await store.materials.authorityChain(candidate)
    if (old.checkIssued(own) && old.verify(own.publicKey)) return candidate
  }
  throw new PkiError(
    'refused',
    `an outside authority issued the certificate of "${record.name}": create an authority with --outside and make it the default`,
  )
}

/** Puts the new certificate of an authority into the chains of those below it. */
async function replaceBelow(
  store: CertificateStore,
  draft: IndexDraft,
  old: X509Certificate,
  next: X509Certificate,
): Promise<void> {
  for (const record of draft.index.authorities) {
    if (record.certificate === undefined || draft.files.has(record.certificate)) continue
    const [own, ...above] = await store.materials.authorityChain(record)
    if (!above.some((one) => one.raw.equals(old.raw))) continue
    const chain: IssuedChain = [own, ...above.map((one) => (one.raw.equals(old.raw) ? next : one))]
    record.certificate = putChain(draft, record.name, chain)
  }
}

/** Stores a chain. The path contains all its thumbprints, because files of the store never change. */
function putChain(draft: IndexDraft, name: string, chain: IssuedChain): string {
  const id = chain.map((one) => thumbprintOf(one).slice(0, 8)).join('-')
  return draft.put(`authorities/${slug(name)}/authority-${id}.pem`, chain.map(certificatePem).join(''))
}
