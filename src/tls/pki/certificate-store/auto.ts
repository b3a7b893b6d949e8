import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { endOf } from '../authority/acceptance.ts'
import { addRoot } from '../authority/create.ts'
import { issueFrom, openAuthority } from '../authority/issue.ts'
import { formatGeneralName, type GeneralName, generalName, subjectNames } from '../certificate/names.ts'
import { BACKDATED_MS } from '../certificate/profiles.ts'
import { generateKey, type HashName, type KeySpec } from '../keys.ts'
import type { Audience } from '../types.ts'
import { addCertificate, type IndexDraft, takeName } from './draft.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'
import type { CertificateStore } from './types.ts'

/** The kind of certificate that `certificate: auto` issues to an audience, and the authority that issues it. */
interface AutoProfile {
  /** Where the index keeps the name of the authority. */
  readonly authority: 'defaultAuthority' | 'oldClientAuthority'
  readonly rootTitle: string
  readonly titleSuffix: string
  /** Default: the key type of the store. */
  readonly key?: KeySpec
  /** Default: the hash that fits the key. */
  readonly hash?: HashName
}

/** Windows before XP SP3 supports neither SHA-2 nor elliptic curves, not even in the root: its clients get another root. */
const autoProfiles: Record<Audience, AutoProfile> = {
  modern: { authority: 'defaultAuthority', rootTitle: 'Sealpost Lab Root CA', titleSuffix: 'issued by the lab' },
  old: {
    authority: 'oldClientAuthority',
    rootTitle: 'Sealpost Lab Root CA for old clients',
    titleSuffix: 'issued by the lab for old clients',
    key: 'rsa-2048',
    hash: 'sha1',
  },
}

/** The key of the first automatic certificate of a new store, which is generated at the same time as the root's key. */
const preparedKeys = new WeakMap<CertificateStore, Promise<KeyObject>>()

function prepareKey(store: CertificateStore): void {
  const key = generateKey(store.key)
  preparedKeys.set(store, key)
  key.catch(() => {}) // whoever takes the key gets the error
}

/** Returns the prepared key, once, or another one. */
function takeKey(store: CertificateStore, spec: KeySpec | undefined): Promise<KeyObject> {
  const prepared = spec === undefined ? preparedKeys.get(store) : undefined
  if (prepared) preparedKeys.delete(store)
  return prepared ?? generateKey(spec ?? store.key)
}

/** Creates a root for an audience if the store has no authority that issues for it. */
export async function ensureRoot(store: CertificateStore, audience: Audience = 'modern'): Promise<void> {
  const { authority, key: keySpec, rootTitle, hash } = autoProfiles[audience]
  if (store.index[authority] !== undefined) return
  const generated = generateKey(keySpec ?? store.key)
  if (audience === 'modern') prepareKey(store)
  const key = await generated
  const made = await store.update((draft) => {
    if (draft.index[authority] !== undefined) return false
    // Each lab's root has another name, so that a client that trusts one of them reports the other as unknown.
    const name = `${rootTitle} ${randomBytes(3).toString('hex').toUpperCase()}`
    const options = { name, subject: { organization: 'Sealpost' }, ...(hash ? { hash } : {}) }
    draft.index[authority] = addRoot(draft, options, key, store.clock.now()).name
    return true
  })
  if (made) store.log.info({ authority: store.index[authority] }, `created a root authority in ${store.place}`)
}

/** An automatic certificate is replaced this long before it expires. */
const RENEW_BEFORE_MS = 30 * 86_400_000

/** Returns whether a certificate should be renewed. It should not if its authority expires at the same time. */
export const renewalDue = (record: CertificateRecord, nowMs: number): boolean =>
  !record.auto?.endsWithAuthority && Date.parse(record.notAfter) - nowMs < RENEW_BEFORE_MS

/** Returns whether a certificate was issued before a time. If the clock went back since, clients would not accept it yet. */
const isValidYet = ({ addedAt }: CertificateRecord, nowMs: number): boolean =>
  Date.parse(addedAt) - BACKDATED_MS <= nowMs

/**
 * Returns the certificate that `certificate: auto` uses if none is assigned, and issues it if necessary. All virtual
 * servers with the same names share one. A new one is issued when it is about to expire, when it was revoked, or when
 * the names, the key type or the authority change.
 */
export async function autoCertificate(
  store: CertificateStore,
  names: readonly string[],
  audience: Audience = 'modern',
): Promise<CertificateRecord> {
  const existing = currentAuto(store, names, audience)
  if (existing) return existing
  const pending = underway.get(store) ?? new Map<string, Promise<CertificateRecord>>()
  underway.set(store, pending)
  const issue = async (): Promise<CertificateRecord> => {
    if (audience === 'old') await ensureRoot(store, audience)
    const key = await takeKey(store, autoProfiles[audience].key)
    return store.update(
      async (draft) =>
        findUsable(store, draft.index, names, audience) ?? issueAuto(store, draft, subjectNames(names), key, audience),
    )
  }
  const id = `${audience} ${listOf(names)}`
  const started = pending.get(id) ?? issue().finally(() => pending.delete(id))
  pending.set(id, started)
  return started
}

/** Certificates that are being issued, so that virtual servers that start together share one. */
const underway = new WeakMap<CertificateStore, Map<string, Promise<CertificateRecord>>>()

/** Returns the certificate that `certificate: auto` uses now if none is assigned. Issues none. */
export const currentAuto = (
  store: CertificateStore,
  names: readonly string[],
  audience: Audience = 'modern',
): CertificateRecord | undefined => findUsable(store, store.index, names, audience)

/** Replaces an automatic certificate before its time, with the key given. */
export function renewAuto(
  store: CertificateStore,
  record: CertificateRecord,
  key: KeyObject,
): Promise<CertificateRecord> {
  return store.update(async (draft) => {
    const audience = record.auto?.authority === draft.index.oldClientAuthority ? 'old' : 'modern'
    return issueAuto(store, draft, (record.auto?.names ?? []).map(generalName), key, audience, record)
  })
}

const listOf = (names: readonly string[]): string => subjectNames(names).map(formatGeneralName).join()

/** Returns the newest automatic certificate that still meets what `auto` asks for. */
function findUsable(
  store: CertificateStore,
  index: StoreIndex,
  names: readonly string[],
  audience: Audience,
): CertificateRecord | undefined {
  const profile = autoProfiles[audience]
  const key = profile.key ?? store.key
  const wanted = listOf(names)
  const authority = index.authorities.find(({ name }) => name === index[profile.authority])
  return index.certificates.findLast(
    (record) =>
      record.auto?.names.join() === wanted &&
      record.auto.key === key &&
      record.auto.authority === index[profile.authority] &&
      // When the authority service is new or has moved, the certificate must contain its present address.
      (store.serviceUrl === undefined || record.auto.serviceUrl === store.serviceUrl) &&
      isValidYet(record, store.clock.now()) &&
      !renewalDue(record, store.clock.now()) &&
      !authority?.issued.some(({ serial, revoked }) => revoked && serial === record.auto?.serial),
  )
}

async function issueAuto(
  store: CertificateStore,
  draft: IndexDraft,
  names: readonly GeneralName[],
  key: KeyObject,
  audience: Audience,
  replaces?: Readonly<CertificateRecord>,
): Promise<CertificateRecord> {
  const profile = autoProfiles[audience]
  const authority = await openAuthority(store, draft.index[profile.authority], draft)
  const nowMs = store.clock.now()
  const subject = names[0]?.value ?? 'localhost'
  const certificate = issueFrom(
    draft,
    authority,
    {
      subject: [{ type: 'CN', value: subject.slice(0, 64) }],
      publicKey: createPublicKey(key),
      names,
      purposes: ['serverAuth'],
      nowMs,
    },
    // A server without a certificate would be worse. `sealpost check` and the log report its problems.
    true,
  )
  dropExpired(draft, nowMs)
  const friendlyName = `${subject} (${profile.titleSuffix})`
  // The newest one has the plain name, whatever the reason for issuing another one was.
  const former = draft.index.certificates.find((one) => one.auto && one.friendlyName === friendlyName)
  if (former && replaces === undefined) takeName(draft.index, former)
  const record = await addCertificate(
    draft,
    {
      friendlyName,
      certificates: [certificate, ...authority.served],
      key: draft.putKey(friendlyName, key),
      origin: 'auto',
      ...(replaces ? { replaces } : {}),
    },
    nowMs,
  )
  record.auto = {
    names: names.map(formatGeneralName),
    key: profile.key ?? store.key,
    serial: certificate.serialNumber,
    authority: authority.record.name,
    ...(store.serviceUrl ? { serviceUrl: store.serviceUrl } : {}),
    ...(endOf(authority.chain) <= Date.parse(certificate.validTo) ? { endsWithAuthority: true } : {}),
  }
  return record
}

/** Removes automatic certificates that have expired and are not assigned. */
function dropExpired(draft: IndexDraft, nowMs: number): void {
  const assigned = new Set(Object.values(draft.index.assignments))
  draft.index.certificates = draft.index.certificates.filter(
    (old) => !old.auto || assigned.has(old.thumbprint) || Date.parse(old.notAfter) > nowMs,
  )
}
