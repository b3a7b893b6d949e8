import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { issueFrom, openAuthority, serviceUrls } from '../authority/issue.ts'
import { readFacts } from '../certificate/certificate.ts'
import { renewAuto } from '../certificate-store/auto.ts'
import { addCertificate, type Draft, takeOver } from '../certificate-store/draft.ts'
import type { AuthorityRecord, CertificateRecord, RequestRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import type { Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { generateKey, readPrivateKey, specOf } from '../keys.ts'
import { findVirtualServer, type LifecycleContext, usersOf } from './context.ts'
import { issueCertificate } from './issue.ts'
import { type PlannedRequest, prepareRequest } from './request.ts'

export interface RenewOptions {
  /** Make a new key; the old one is kept otherwise. */
  readonly newKey?: boolean
}

export type Renewal =
  | { readonly state: 'renewed'; readonly record: CertificateRecord; readonly replaces: string }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number; readonly request: RequestRecord }
  /** An outside authority issued it: this request is to be sent to it. */
  | { readonly state: 'requested'; readonly request: RequestRecord; readonly pem: string }

function issuerOf(store: CertificateStore, certificate: X509Certificate): AuthorityRecord | undefined {
  return store.index.authorities.find(({ issued }) => issued.some(({ serial }) => serial === certificate.serialNumber))
}

async function reissue(
  store: CertificateStore,
  draft: Draft,
  old: X509Certificate,
  key: KeyObject,
  authorityName: string,
) {
  const authority = await openAuthority(draft, store.materials, authorityName)
  const facts = readFacts(old)
  const urls = serviceUrls(store.serviceUrl, authority.record.name)
  const certificate = issueFrom(draft, authority, {
    subject: facts.subject,
    publicKey: createPublicKey(key),
    names: facts.names,
    purposes: facts.purposes as Purpose[],
    nowMs: store.clock.now(),
    ...(urls ? { urls } : {}),
  })
  return [certificate, ...authority.chain] as const
}

/** What the certificate of a virtual server, or of a name, is renewed as. */
function planned(
  context: LifecycleContext,
  record: CertificateRecord,
  old: X509Certificate,
  key: KeyObject,
): PlannedRequest {
  const [user] = usersOf(context, record.thumbprint)
  if (user === undefined) {
    throw new PkiError(
      'refused',
      `"${record.friendlyName}" is worn by no virtual server: its request would belong to none; assign it first`,
    )
  }
  const facts = readFacts(old)
  return {
    virtualServer: findVirtualServer(context, user),
    friendlyName: record.friendlyName,
    key: specOf(key),
    subject: facts.subject,
    names: facts.names.filter(({ type }) => type !== 'other'),
    microsoft: false,
    warnings: [],
    renews: record.thumbprint,
  }
}

/**
 * Renews a certificate with the same names, under the old key or a new one. The old one stays in service until the new one
 * is in, and in the store after that. The lab's own authorities answer at once or queue the request; for an outside
 * authority a request is prepared.
 * @throws PkiError
 */
export async function renewCertificate(
  context: LifecycleContext,
  name: string,
  { newKey = false }: RenewOptions = {},
): Promise<Renewal> {
  const { store } = context
  await store.refresh()
  const record = store.find(name)
  const installed = await store.materials.load(record)
  const old = new X509Certificate(installed.certificatePem)
  const oldKey = readPrivateKey(installed.privateKeyPem)
  const key = newKey ? await generateKey(specOf(oldKey)) : oldKey
  if (record.auto) {
    return { state: 'renewed', record: await renewAuto(store, record, key), replaces: record.thumbprint }
  }
  const authority = issuerOf(store, old)
  if (authority?.type === 'standalone') {
    const outcome = await issueCertificate(context, planned(context, record, old, key), authority.name, key)
    if (outcome.state === 'queued') return outcome
    return { state: 'renewed', record: outcome.record, replaces: record.thumbprint }
  }
  if (authority === undefined) {
    const { record: request, pem } = await prepareRequest(context, planned(context, record, old, key), key)
    return { state: 'requested', request, pem }
  }
  const renewed = await store.update(async (draft) => {
    const certificates = await reissue(store, draft, old, key, authority.name)
    const { friendlyName } = record
    const added = { friendlyName, certificates, key: draft.putKey(friendlyName, key), origin: 'issued' } as const
    const next = addCertificate(draft, added, store.clock.now())
    takeOver(draft, record.thumbprint, next.thumbprint)
    return next
  })
  return { state: 'renewed', record: renewed, replaces: record.thumbprint }
}
