import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { generateKey } from '../keys.ts'
import { subjectNames } from '../names.ts'
import type { Audience } from '../types.ts'
import { certificatePem, thumbprintOf } from '../x509/certificate.ts'
import { formatGeneralName, type GeneralName } from '../x509/general-names.ts'
import { audiences } from './audience.ts'
import type { CertificateStore } from './certificate-store.ts'
import { type Draft, slug } from './draft.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'
import { chainToSend, issueFrom, openAuthority } from './issue.ts'
import { ensureRoot } from './root.ts'

/** An automatic certificate is issued anew this long before it expires. */
const renewBeforeMs = 30 * 86_400_000

export const renewalDue = (record: CertificateRecord, nowMs: number): boolean =>
  Date.parse(record.notAfter) - nowMs < renewBeforeMs

function findUsable(
  index: StoreIndex,
  names: string,
  key: string,
  authorityName: string | undefined,
  nowMs: number,
): CertificateRecord | undefined {
  const authority = index.authorities.find(({ name }) => name === authorityName)
  return index.certificates.findLast(
    (record) =>
      record.auto?.names.join() === names &&
      record.auto.key === key &&
      record.auto.authority === authorityName &&
      !renewalDue(record, nowMs) &&
      !authority?.issued.some(({ serial, revoked }) => revoked && serial === record.auto?.serial),
  )
}

/** Adds the certificate to the store's own, and takes away automatic ones that are expired and not assigned. */
function add(draft: Draft, record: CertificateRecord, nowMs: number): CertificateRecord {
  const assigned = new Set(Object.values(draft.index.assignments))
  draft.index.certificates = draft.index.certificates.filter(
    (old) => !old.auto || assigned.has(old.thumbprint) || Date.parse(old.notAfter) > nowMs,
  )
  draft.index.certificates.push(record)
  return record
}

function describe(
  draft: Draft,
  chain: readonly X509Certificate[],
  key: KeyObject,
  title: string,
): Pick<CertificateRecord, 'thumbprint' | 'certificate' | 'key' | 'notAfter'> {
  const [certificate] = chain
  if (certificate === undefined) throw new TypeError('an empty chain')
  const thumbprint = thumbprintOf(certificate)
  const path = `certificates/${slug(title)}-${thumbprint.slice(0, 8)}.pem`
  return {
    thumbprint,
    certificate: draft.put(path, chain.map(certificatePem).join('')),
    key: draft.putKey(title, key),
    notAfter: new Date(certificate.validTo).toISOString(),
  }
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
  const certificate = issueFrom(draft, authority, {
    subject: [{ type: 'CN', value: subject.slice(0, 64) }],
    publicKey: createPublicKey(key),
    names,
    purposes: ['serverAuth'],
    nowMs,
  })
  const title = `${subject} (${wish.titleSuffix})`
  const record: CertificateRecord = {
    ...describe(draft, [certificate, ...chainToSend(authority.chain)], key, title),
    friendlyName: title,
    origin: 'auto',
    addedAt: new Date(nowMs).toISOString(),
    auto: {
      names: names.map(formatGeneralName),
      key: wish.key ?? store.key,
      serial: certificate.serialNumber,
      authority: authority.record.name,
    },
  }
  return add(draft, record, nowMs)
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
  const wish = audiences[audience]
  const keySpec = wish.key ?? store.key
  const wanted = subjectNames(names)
  const list = wanted.map(formatGeneralName).join()
  const find = (index: Readonly<StoreIndex>) =>
    findUsable(index, list, keySpec, index[wish.authority], store.clock.now())
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
