import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificatePem, readFacts } from '../certificate/certificate.ts'
import { buildChain, checkChain, checkDates } from '../certificate/chain.ts'
import { authorityConstraints, keyUsage, type NameConstraints } from '../certificate/extensions.ts'
import { commonName } from '../certificate/names.ts'
import { createAuthorityCertificate } from '../certificate/profiles.ts'
import { createRequest } from '../certificate/request.ts'
import { type SubjectFields, subjectName } from '../certificate/subject.ts'
import { type Draft, slug } from '../certificate-store/draft.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import { issuersKnown } from '../certificate-store/materials.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { generateKey, type HashName, type KeySpec, readPrivateKey } from '../keys.ts'
import { readCertificates } from '../keystore/certificate-files.ts'
import { openAuthority, recordIssued, serviceUrls } from './issue.ts'

export interface AuthorityOptions {
  /** Also the common name, where the subject gives none. */
  readonly name: string
  /** enterprise: answers at once. standalone: queues every request until it is approved. Default enterprise. */
  readonly type?: AuthorityRecord['type']
  readonly key?: KeySpec
  readonly subject?: SubjectFields
  readonly days?: number
  /** How many authorities may stand below this one in a path. */
  readonly pathLength?: number
  readonly constraints?: NameConstraints
  /** What it signs with: sha1 or md5 for clients that know nothing newer. */
  readonly hash?: HashName
  /** Whether it issues what `certificate: auto` wears from now on. */
  readonly makeDefault?: boolean
}

const subjectOf = ({ name, subject }: AuthorityOptions) =>
  subjectName({ ...subject, commonName: subject?.commonName ?? name })

/** Names that differ only in case or signs would share a folder and an address. */
function refuseTaken(draft: Draft, name: string): void {
  const taken = draft.index.authorities.find((one) => slug(one.name) === slug(name))
  if (taken) throw new PkiError('refused', `there is an authority "${taken.name}" already`)
}

function addAuthority(
  draft: Draft,
  options: AuthorityOptions,
  role: AuthorityRecord['role'],
  key: KeyObject,
  nowMs: number,
  papers: Pick<AuthorityRecord, 'certificate' | 'request'>,
): AuthorityRecord {
  const record: AuthorityRecord = {
    name: options.name,
    role,
    type: options.type ?? 'enterprise',
    key: draft.putKey(options.name, key),
    ...(options.hash ? { hash: options.hash } : {}),
    createdAt: new Date(nowMs).toISOString(),
    issued: [],
    queue: [],
    ...papers,
  }
  draft.index.authorities.push(record)
  if (papers.certificate && (options.makeDefault || draft.index.defaultAuthority === undefined)) {
    draft.index.defaultAuthority = options.name
  }
  return record
}

/** Where an authority's certificate stands; numbered by its thumbprint, since files of the store never change. */
export const authorityPath = (name: string, certificate: X509Certificate): string =>
  `authorities/${slug(name)}/authority-${certificate.fingerprint.replaceAll(':', '').slice(0, 8)}.pem`

const chainPem = (chain: readonly X509Certificate[]): string => chain.map(certificatePem).join('')

/** Makes a root authority. @throws PkiError `refused` where the name is taken */
export async function createRoot(store: CertificateStore, options: AuthorityOptions): Promise<AuthorityRecord> {
  const subject = subjectOf(options)
  const key = await generateKey(options.key ?? store.key)
  return store.update((draft) => {
    refuseTaken(draft, options.name)
    const nowMs = store.clock.now()
    const certificate = createAuthorityCertificate(
      {
        subject,
        publicKey: createPublicKey(key),
        nowMs,
        ...(options.days ? { days: options.days } : {}),
        ...(options.pathLength === undefined ? {} : { pathLength: options.pathLength }),
        ...(options.constraints ? { constraints: options.constraints } : {}),
      },
      { key, certificate: 'self', ...(options.hash ? { hash: options.hash } : {}) },
    )
    const path = draft.put(authorityPath(options.name, certificate), chainPem([certificate]))
    return addAuthority(draft, options, 'root', key, nowMs, { certificate: path })
  })
}

/** Refuses a path that no client would follow. RFC 5280 section 4.2.1.9. */
export function checkDepth(chain: readonly X509Certificate[]): void {
  chain.forEach((certificate, below) => {
    const { pathLength } = readFacts(certificate)
    if (pathLength === undefined || below < pathLength) return
    const name = readFacts(certificate).subject.at(-1)?.value ?? ''
    throw new PkiError('refused', `"${name}" allows no further authority below it: its path length is ${pathLength}`)
  })
}

/** Makes an authority below another one of the lab. @throws PkiError */
export async function createSubordinate(
  store: CertificateStore,
  options: AuthorityOptions & { readonly parent?: string },
): Promise<AuthorityRecord> {
  const subject = subjectOf(options)
  const key = await generateKey(options.key ?? store.key)
  return store.update(async (draft) => {
    refuseTaken(draft, options.name)
    const parent = await openAuthority(draft, store.materials, options.parent)
    checkDepth(parent.chain)
    const nowMs = store.clock.now()
    const urls = serviceUrls(store.serviceUrl, parent.record.name)
    const certificate = createAuthorityCertificate(
      {
        subject,
        publicKey: createPublicKey(key),
        nowMs,
        days: options.days ?? 1825,
        ...(options.pathLength === undefined ? {} : { pathLength: options.pathLength }),
        ...(options.constraints ? { constraints: options.constraints } : {}),
        ...(urls ? { urls } : {}),
      },
      parent.issuer,
    )
    recordIssued(draft, parent.record, certificate)
    const path = draft.put(authorityPath(options.name, certificate), chainPem([certificate, ...parent.chain]))
    return addAuthority(draft, options, 'subordinate', key, nowMs, { certificate: path })
  })
}

/** Prepares an authority whose certificate an outside authority signs: its request goes out, the answer comes in. */
export async function requestSubordinate(
  store: CertificateStore,
  options: AuthorityOptions,
): Promise<{ record: AuthorityRecord; pem: string }> {
  const subject = subjectOf(options)
  const key = await generateKey(options.key ?? store.key)
  const extensions = [
    authorityConstraints(options.pathLength),
    keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
  ]
  const pem = createRequest({ subject, key, names: [], extensions })
  const record = await store.update((draft) => {
    refuseTaken(draft, options.name)
    const request = draft.put(`authorities/${slug(options.name)}/request.pem`, pem)
    return addAuthority(draft, options, 'subordinate', key, store.clock.now(), { request })
  })
  return { record, pem }
}

async function match(store: CertificateStore, octets: Buffer) {
  const certificates = readCertificates(octets)
  const waiting = store.index.authorities.filter(({ certificate }) => certificate === undefined)
  for (const authority of waiting) {
    const key = readPrivateKey(await store.materials.read(authority.key))
    const own = certificates.find((one) => one.checkPrivateKey(key))
    if (own) return { authority, own, certificates }
  }
  const names = waiting.map(({ name }) => `"${name}"`).join(', ')
  throw new PkiError(
    'refused',
    `the certificate has the key of no authority that waits for one; ${names ? `waiting: ${names}` : 'none is waiting'}`,
  )
}

/** Installs what an outside authority answered to a subordinate's request. @throws PkiError */
export async function installAuthority(
  store: CertificateStore,
  octets: Buffer,
  { force = false }: { readonly force?: boolean } = {},
): Promise<AuthorityRecord> {
  await store.refresh()
  const { authority, own, certificates } = await match(store, octets)
  const facts = readFacts(own)
  if (!facts.authority) {
    throw new PkiError(
      'refused',
      `the certificate issued to ${commonName(facts.subject)} is not one of an authority (no CA:TRUE)`,
    )
  }
  checkDates(facts, store.clock.now(), force)
  const chain = buildChain(own, [...certificates, ...(await issuersKnown(store))])
  checkChain(
    chain,
    certificates.filter((one) => one !== own),
    store.clock.now(),
    force,
  )
  return store.update((draft) => {
    const record = draft.index.authorities.find(({ name }) => name === authority.name)
    if (record === undefined || record.certificate !== undefined) {
      throw new PkiError('refused', `"${authority.name}" was changed meanwhile`)
    }
    record.certificate = draft.put(authorityPath(record.name, own), chain.certificates.map(certificatePem).join(''))
    delete record.request
    draft.index.defaultAuthority ??= record.name
    return record
  })
}
