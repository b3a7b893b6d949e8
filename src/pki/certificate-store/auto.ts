import { createPublicKey, type KeyObject } from 'node:crypto'
import { serviceUrls } from '../authority/urls.ts'
import { generateKey } from '../keys.ts'
import { subjectNames } from '../names.ts'
import type { Audience } from '../types.ts'
import { formatGeneralName, type GeneralName, generalName } from '../x509/general-names.ts'
import { addCertificate, takeOver } from './add.ts'
import { audiences } from './audience.ts'
import type { Draft } from './draft.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'
import { issueFrom, openAuthority } from './issue.ts'
import { ensureRoot } from './root.ts'
import type { CertificateStore } from './store.ts'

/** An automatic certificate is issued anew this long before it expires. */
const renewBeforeMs = 30 * 86_400_000

export const renewalDue = (record: CertificateRecord, nowMs: number): boolean =>
  Date.parse(record.notAfter) - nowMs < renewBeforeMs

const listOf = (names: readonly string[]): string => subjectNames(names).map(formatGeneralName).join()

/** The newest certificate in service that is what `auto` asks of the store for an audience. */
function findUsable(
  store: CertificateStore,
  index: StoreIndex,
  names: string,
  audience: Audience,
): CertificateRecord | undefined {
  const wish = audiences[audience]
  const wanted = { key: wish.key ?? store.key, authority: index[wish.authority] }
  const authority = index.authorities.find(({ name }) => name === wanted.authority)
  return index.certificates.findLast(
    (record) =>
      record.auto?.names.join() === names &&
      record.auto.key === wanted.key &&
      record.auto.authority === wanted.authority &&
      // Where the authority service has moved, or is new, its addresses are to stand in the certificate.
      (store.serviceUrl === undefined || record.auto.serviceUrl === store.serviceUrl) &&
      !renewalDue(record, store.clock.now()) &&
      !authority?.issued.some(({ serial, revoked }) => revoked && serial === record.auto?.serial),
  )
}

/** Takes away automatic certificates that are expired and not assigned. */
function dropExpired(draft: Draft, nowMs: number): void {
  const assigned = new Set(Object.values(draft.index.assignments))
  draft.index.certificates = draft.index.certificates.filter(
    (old) => !old.auto || assigned.has(old.thumbprint) || Date.parse(old.notAfter) > nowMs,
  )
}

async function issueAuto(
  store: CertificateStore,
  draft: Draft,
  names: readonly GeneralName[],
  key: KeyObject,
  audience: Audience,
) {
  const wish = audiences[audience]
  const authority = await openAuthority(draft, store.materials, draft.index[wish.authority])
  const nowMs = store.clock.now()
  const subject = names[0]?.value ?? 'localhost'
  const urls = serviceUrls(store.serviceUrl, authority.record.name)
  const certificate = issueFrom(draft, authority, {
    subject: [{ type: 'CN', value: subject.slice(0, 64) }],
    publicKey: createPublicKey(key),
    names,
    purposes: ['serverAuth'],
    nowMs,
    ...(urls ? { urls } : {}),
  })
  dropExpired(draft, nowMs)
  const friendlyName = `${subject} (${wish.titleSuffix})`
  const record = addCertificate(
    draft,
    {
      friendlyName,
      certificates: [certificate, ...authority.chain],
      key: draft.putKey(friendlyName, key),
      origin: 'auto',
    },
    nowMs,
  )
  record.auto = {
    names: names.map(formatGeneralName),
    key: wish.key ?? store.key,
    serial: certificate.serialNumber,
    authority: authority.record.name,
    ...(store.serviceUrl ? { serviceUrl: store.serviceUrl } : {}),
  }
  return record
}

/** Those being issued, so that virtual servers that start together share one key. */
const underway = new WeakMap<CertificateStore, Map<string, Promise<CertificateRecord>>>()

/**
 * The certificate that `certificate: auto` wears where none is assigned: one for all virtual servers of the same names,
 * issued by the store's default authority (to old clients, by one of theirs); anew when it is about to expire, was
 * revoked, or other names are wanted.
 */
export async function autoCertificate(
  store: CertificateStore,
  names: readonly string[],
  audience: Audience = 'modern',
): Promise<CertificateRecord> {
  const keySpec = audiences[audience].key ?? store.key
  const wanted = subjectNames(names)
  const list = listOf(names)
  const find = (index: StoreIndex) => findUsable(store, index, list, audience)
  const existing = find(store.index)
  if (existing) return existing
  const pending = underway.get(store) ?? new Map<string, Promise<CertificateRecord>>()
  underway.set(store, pending)
  const issue = async (): Promise<CertificateRecord> => {
    if (audience === 'old') await ensureRoot(store, audience)
    const key = await generateKey(keySpec)
    return store.update(async (draft) => find(draft.index) ?? issueAuto(store, draft, wanted, key, audience))
  }
  const underwayKey = `${audience} ${list}`
  const started = pending.get(underwayKey) ?? issue().finally(() => pending.delete(underwayKey))
  pending.set(underwayKey, started)
  return started
}

/** The certificate that `certificate: auto` wears now where none is assigned, if one is issued. */
export function currentAuto(
  store: CertificateStore,
  names: readonly string[],
  audience: Audience = 'modern',
): CertificateRecord | undefined {
  return findUsable(store, store.index, listOf(names), audience)
}

/** Issues an automatic certificate anew before its time, under the key given. */
export function renewAuto(
  store: CertificateStore,
  record: CertificateRecord,
  key: KeyObject,
): Promise<CertificateRecord> {
  return store.update(async (draft) => {
    const audience = record.auto?.authority === draft.index.oldClientAuthority ? 'old' : 'modern'
    const next = await issueAuto(store, draft, (record.auto?.names ?? []).map(generalName), key, audience)
    takeOver(draft, record.thumbprint, next.thumbprint)
    return next
  })
}
