import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { endOf } from '../authority/acceptance.ts'
import { issueFrom, type OpenAuthority, openAuthority } from '../authority/issue.ts'
import { certificateFields, readFacts, requiresStaple } from '../certificate/certificate.ts'
import { DAY_MS } from '../certificate/profiles.ts'
import { renewAuto } from '../certificate-store/auto.ts'
import { addCertificate } from '../certificate-store/draft.ts'
import { type CertificateRecord, issuedBy, type RequestRecord } from '../certificate-store/index-file.ts'
import type { Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { canSignWith, generateKey, hashOfSignature, readPrivateKey, specOf } from '../keys.ts'
import { findVirtualServer, type LifecycleContext, usersOf } from './context.ts'
import { issuePlanned } from './issue.ts'
import { type PlannedRequest, prepareRequest } from './request.ts'

export interface RenewOptions {
  /** Generates a new key. Default: keeps the old one. */
  readonly newKey?: boolean
}

export type Renewal =
  /** `replaces` is the old certificate's thumbprint. */
  | { readonly state: 'renewed'; readonly record: CertificateRecord; readonly replaces: string }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number; readonly request: RequestRecord }
  /** An outside authority issued the certificate: send it this request. */
  | { readonly state: 'requested'; readonly request: RequestRecord; readonly pem: string }

/** A certificate to renew, and the key of the new one. */
interface Renewing {
  readonly record: CertificateRecord
  readonly old: X509Certificate
  readonly key: KeyObject
}

/**
 * Renews a certificate with the same names. The old one stays in use until the new one is installed, and in the store
 * after that. Authorities of the lab answer immediately or queue the request; for an outside authority, a request is prepared.
 * @throws PkiError
 */
export async function renewCertificate(
  context: LifecycleContext,
  name: string,
  { newKey = false }: RenewOptions = {},
): Promise<Renewal> {
  const { store } = context
  await store.refresh()
  const record = await store.find(name)
  const installed = await store.materials.load(record)
  const old = new X509Certificate(installed.certificatePem)
  const oldKey = readPrivateKey(installed.privateKeyPem)
  const key = newKey ? await generateKey(specOf(oldKey)) : oldKey
  const renewing = { record, old, key }
  if (record.acme) {
    const { renewByAcme } = await import('../acme/client/issue.ts')
    return { state: 'renewed', record: await renewByAcme(context, record, old, key), replaces: record.thumbprint }
  }
  if (record.auto) {
    return { state: 'renewed', record: await renewAuto(store, record, key), replaces: record.thumbprint }
  }
  const authority = issuedBy(store.index, record.thumbprint)?.authority
  if (authority === undefined) {
    const { record: request, pem } = await prepareRequest(context, plannedRenewal(context, renewing), key)
    return { state: 'requested', request, pem }
  }
  if (authority.type === 'standalone') {
    const outcome = await issuePlanned(context, plannedRenewal(context, renewing), authority.name, key)
    if (outcome.state === 'queued') return outcome
    return { state: 'renewed', record: outcome.record, replaces: record.thumbprint }
  }
  const renewed = await issueAgain(context, renewing, authority.name)
  return { state: 'renewed', record: renewed, replaces: record.thumbprint }
}

/**
 * Issues a certificate again from an enterprise authority, with the same names, purposes, lifetime and hash, and assigns it
 * to the virtual servers that have the old one.
 */
function issueAgain(
  { store }: LifecycleContext,
  { record, old, key }: Renewing,
  authorityName: string,
): Promise<CertificateRecord> {
  return store.update(async (draft) => {
    const authority = withHashOf(old, await openAuthority(store, authorityName, draft))
    const nowMs = store.clock.now()
    const { subject, names, purposes } = readFacts(old)
    const certificate = issueFrom(draft, authority, {
      subject,
      publicKey: createPublicKey(key),
      names,
      purposes: purposes as Purpose[],
      nowMs,
      ...(requiresStaple(old) ? { mustStaple: true } : {}),
      ...lifetimeOf(old, authority, nowMs),
    })
    const { friendlyName } = record
    const certificates = [certificate, ...authority.served] as const
    const keyPath = draft.putKey(friendlyName, key)
    return addCertificate(
      draft,
      { friendlyName, certificates, key: keyPath, origin: 'issued', replaces: record },
      nowMs,
    )
  })
}

/** Returns an authority that signs with the hash of an old certificate, if its key can. */
function withHashOf(old: X509Certificate, authority: OpenAuthority): OpenAuthority {
  const hash = hashOfSignature(certificateFields(old.raw).signature)
  if (hash === null || !canSignWith(authority.issuer.key, hash)) return authority
  return { ...authority, issuer: { ...authority.issuer, hash } }
}

/** Returns the lifetime of an old certificate in days; nothing if the authority has no more than that left. */
function lifetimeOf(
  { validFrom, validTo }: X509Certificate,
  { chain }: OpenAuthority,
  nowMs: number,
): { days?: number } {
  const lifeMs = Date.parse(validTo) - Date.parse(validFrom)
  return nowMs + lifeMs < endOf(chain) ? { days: lifeMs / DAY_MS } : {}
}

/** Returns the request that renews a certificate. @throws PkiError `refused` if no virtual server uses the certificate */
function plannedRenewal(context: LifecycleContext, { record, old, key }: Renewing): PlannedRequest {
  const [user] = usersOf(context, record.thumbprint)
  if (user === undefined) {
    throw new PkiError(
      'refused',
      `no virtual server uses "${record.friendlyName}", and a request must belong to one: assign it first`,
    )
  }
  const { subject, names } = readFacts(old)
  return {
    virtualServer: findVirtualServer(context, user),
    friendlyName: record.friendlyName,
    key: specOf(key),
    subject,
    names: names.filter(({ type }) => type !== 'other'),
    microsoft: false,
    warnings: [],
    renews: record.thumbprint,
  }
}
