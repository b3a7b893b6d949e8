import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { issueFrom, openAuthority, serviceUrls } from '../authority/issue.ts'
import { certificatePem } from '../certificate/certificate.ts'
import { formatGeneralName, type GeneralName, generalName, subjectNames } from '../certificate/names.ts'
import { createAuthorityCertificate } from '../certificate/profiles.ts'
import { generateKey, type HashName, type KeySpec } from '../keys.ts'
import type { Audience } from '../types.ts'
import { addCertificate, type Draft, slug, takeOver } from './draft.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'
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

/** What `certificate: auto` is, and who issues it, for the clients of a time. */
interface Wish {
  /** Where the store keeps the name of the authority. */
  readonly authority: 'defaultAuthority' | 'oldClientAuthority'
  readonly rootTitle: string
  readonly titleSuffix: string
  /** Absent: the key that the configuration names. */
  readonly key?: KeySpec
  /** Absent: what fits the key. */
  readonly hash?: HashName
}

/** Windows before XP SP3 knows neither SHA-2 nor elliptic curves, not even in the root: it gets a root of its own. */
export const audiences: Record<Audience, Wish> = {
  modern: { authority: 'defaultAuthority', rootTitle: 'Sealpost Lab Root CA', titleSuffix: 'issued by the lab' },
  old: {
    authority: 'oldClientAuthority',
    rootTitle: 'Sealpost Lab Root CA for old clients',
    titleSuffix: 'issued by the lab for old clients',
    key: 'rsa-2048',
    hash: 'sha1',
  },
}

/** The names of two labs' roots differ, so that a client that trusts one says clearly that it does not know the other. */
const rootName = (title: string): string => `${title} ${randomBytes(3).toString('hex').toUpperCase()}`

function addRoot(draft: Draft, audience: Audience, key: KeyObject, nowMs: number): void {
  const { rootTitle, hash: wished, authority } = audiences[audience]
  const name = rootName(rootTitle)
  const hash = wished ? { hash: wished } : {}
  const subject = [
    { type: 'O', value: 'Sealpost' },
    { type: 'CN', value: name },
  ]
  const certificate = createAuthorityCertificate(
    { subject, publicKey: createPublicKey(key), nowMs },
    { key, certificate: 'self', ...hash },
  )
  const folder = `authorities/${slug(name)}`
  draft.index.authorities.push({
    name,
    role: 'root',
    type: 'enterprise',
    key: draft.putKey(name, key),
    certificate: draft.put(`${folder}/authority.pem`, certificatePem(certificate)),
    createdAt: new Date(nowMs).toISOString(),
    ...hash,
    issued: [],
    queue: [],
  })
  draft.index[authority] = name
}

/** Makes the lab's root authority where the store has no authority to issue for `auto`. */
export async function ensureRoot(store: CertificateStore, audience: Audience = 'modern'): Promise<void> {
  const { authority, key: wished } = audiences[audience]
  if (store.index[authority] !== undefined) return
  const key = await generateKey(wished ?? store.key)
  const made = await store.update((draft) => {
    if (draft.index[authority] !== undefined) return false
    addRoot(draft, audience, key, store.clock.now())
    return true
  })
  if (made) store.log.info({ authority: store.index[authority] }, `made a root authority of the lab in ${store.place}`)
}
