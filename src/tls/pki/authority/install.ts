import type { X509Certificate } from 'node:crypto'
import { readFacts } from '../certificate/certificate.ts'
import { buildChain, type Chain, checkChain, checkDates, incompleteChain, missingIssuer } from '../certificate/chain.ts'
import { issuedToOf } from '../certificate/names.ts'
import type { IndexDraft } from '../certificate-store/draft.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import { openPrivateKey } from '../certificate-store/materials.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { readCertificates } from '../keystore/certificate-files.ts'
import { type AuthorityOptions, forbiddenNames, makeDefault } from './create.ts'
import { putAuthorityChain, replaceIssuer, retireKey } from './key-change.ts'

/** An authority whose certificate was installed. */
interface InstalledAuthority extends AuthorityRecord {
  /** Problems that clients or the lab will meet. */
  readonly warnings: readonly string[]
}

/** Installs the outside authority's answer to a subordinate authority's request. @throws PkiError */
export async function installAuthority(
  store: CertificateStore,
  answer: Buffer,
  { force = false, autoNames }: Pick<AuthorityOptions, 'force' | 'autoNames'> = {},
): Promise<InstalledAuthority> {
  await store.refresh()
  const { authority, own, certificates } = await matchWaiting(store, answer)
  const facts = readFacts(own)
  if (!facts.authority) {
    throw new PkiError(
      'refused',
      `the certificate issued to ${issuedToOf(facts)} is not an authority's certificate (no CA:TRUE)`,
    )
  }
  checkDates(facts, store.clock.now(), force)
  const chain = buildChain(own, [...certificates, ...(await store.materials.knownIssuers(store.index))])
  const others = certificates.filter((one) => one !== own)
  checkChain(chain, others, store.clock.now(), force)
  return store.update(async (draft) => {
    const record = draft.index.authorities.find(({ name }) => name === authority.name)
    if (record === undefined || waitingFor(record)?.request !== waitingFor(authority)?.request) {
      throw new PkiError('refused', `"${authority.name}" has changed in the meantime; try again`)
    }
    await installRenewal(store, draft, record, chain.certificates[0])
    record.certificate = putAuthorityChain(draft, record.name, chain.certificates)
    delete record.request
    delete record.renewal
    makeDefault(draft, {}, record)
    return { ...record, warnings: warningsOf(draft, record, chain, autoNames) }
  })
}

function warningsOf(
  draft: IndexDraft,
  { name }: AuthorityRecord,
  chain: Chain,
  autoNames: readonly string[] | undefined,
): string[] {
  const missing = missingIssuer(chain)
  const why = forbiddenNames(draft, autoNames, chain.certificates)?.why
  const isDefault = draft.index.defaultAuthority === name
  const cure = isDefault
    ? 'make another authority the default: sealpost ca default NAME'
    : 'keep another one as the default'
  return [
    ...(missing === undefined ? [] : [incompleteChain(missing)]),
    ...(why === undefined ? [] : [`"${name}" cannot issue for certificate: auto: ${why}; ${cure}`]),
  ]
}

/** Returns the request of an authority that an outside authority must answer, and its key. */
const waitingFor = ({ certificate, key, request, renewal }: AuthorityRecord) =>
  renewal ?? (certificate === undefined ? { key, request } : undefined)

/** Prepares an authority that has a certificate for the next one, with the same key or another one. */
async function installRenewal(
  store: CertificateStore,
  draft: IndexDraft,
  record: AuthorityRecord,
  next: X509Certificate,
): Promise<void> {
  if (record.renewal === undefined) return
  if (record.renewal.key === record.key) {
    const [old] = await store.materials.authorityChain(record)
    return replaceIssuer(store, draft, old, next)
  }
  retireKey(record, store.clock.now())
  record.key = record.renewal.key
}

async function matchWaiting(store: CertificateStore, answer: Buffer) {
  const certificates = readCertificates(answer)
  const waiting = store.index.authorities.filter((one) => waitingFor(one) !== undefined)
  for (const authority of waiting) {
    const key = await openPrivateKey(store.materials, waitingFor(authority)?.key ?? authority.key)
    const own = certificates.find((one) => one.checkPrivateKey(key))
    if (own) return { authority, own, certificates }
  }
  const names = waiting.map(({ name }) => `"${name}"`).join(', ')
  const list = names ? `waiting: ${names}` : 'none is waiting'
  throw new PkiError('refused', `no authority that waits for its certificate has the key of this one; ${list}`)
}
