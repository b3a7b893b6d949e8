import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { readFacts } from '../certificate/certificate.ts'
import { authorityConstraints, keyUsage, type NameConstraints, nameConstraints } from '../certificate/extensions.ts'
import { constraintProblem } from '../certificate/name-constraints.ts'
import { type DistinguishedName, subjectNames } from '../certificate/names.ts'
import { type AuthorityProfile, createAuthorityCertificate } from '../certificate/profiles.ts'
import { createRequest } from '../certificate/request.ts'
import { type SubjectFields, subjectName } from '../certificate/subject.ts'
import { refuseBadText } from '../certificate/values.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import type { AuthorityRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { generateKey, type HashName, type KeySpec } from '../keys.ts'
import { latestEnd, refuseRejected } from './acceptance.ts'
import { type OpenAuthority, openAuthority, recordIssued } from './issue.ts'
import { putAuthorityChain } from './key-change.ts'

export interface AuthorityOptions {
  /** Name in the lab. It is also the common name, unless the subject has one. */
  readonly name: string
  /** enterprise: issues immediately. standalone: queues every request until it is approved. Default enterprise. */
  readonly type?: AuthorityRecord['type']
  readonly key?: KeySpec
  readonly subject?: SubjectFields
  readonly days?: number
  /** How many authorities a chain may have below this one. */
  readonly pathLength?: number
  readonly constraints?: NameConstraints
  /** Hash of its signatures: sha1 or md5 for clients that support nothing newer. */
  readonly hash?: HashName
  /** Makes it the authority that issues for `certificate: auto`. */
  readonly makeDefault?: boolean
  /** Names of the certificates that `auto` issues. Default: the names of the newest one in the store. */
  readonly autoNames?: readonly string[]
  /** Creates it even if every client would refuse it or what it issues. */
  readonly force?: boolean
}

/** Default lifetime of a subordinate authority. */
const SUBORDINATE_DAYS = 1825

/** Creates a root authority. @throws PkiError `refused` if the name is taken */
export async function createRoot(store: CertificateStore, options: AuthorityOptions): Promise<AuthorityRecord> {
  subjectOf(options) // Refuses a bad subject before the key is generated, which takes time.
  const key = await generateKey(options.key ?? store.key)
  return store.update((draft) => {
    const record = addRoot(draft, options, key, store.clock.now())
    makeDefault(draft, options, record)
    return record
  })
}

/** Adds a root authority to a draft. Does not make it the default one. @throws PkiError `refused` if the name is taken */
export function addRoot(draft: IndexDraft, options: AuthorityOptions, key: KeyObject, nowMs: number): AuthorityRecord {
  refuseTaken(draft, options.name)
  const { hash } = options
  const certificate = createAuthorityCertificate(profileOf(options, key, nowMs), {
    key,
    certificate: 'self',
    ...(hash ? { hash } : {}),
  })
  refuseAsDefault(draft, options, [certificate])
  const path = putAuthorityChain(draft, options.name, [certificate])
  return addAuthority(draft, options, 'root', key, nowMs, { certificate: path })
}

/**
 * Creates an authority below another one of the lab.
 * @param options `parent` defaults to the authority that issues for `auto`
 * @throws PkiError
 */
export async function createSubordinate(
  store: CertificateStore,
  options: AuthorityOptions & { readonly parent?: string },
): Promise<AuthorityRecord> {
  subjectOf(options)
  const key = await generateKey(options.key ?? store.key)
  return store.update(async (draft) => {
    refuseTaken(draft, options.name)
    const parent = await openAuthority(store, options.parent, draft)
    const nowMs = store.clock.now()
    const certificate = issueSubordinate(draft, parent, profileOf(options, key, nowMs), options.force)
    refuseAsDefault(draft, options, [certificate, ...parent.chain])
    const path = putAuthorityChain(draft, options.name, [certificate, ...parent.chain])
    const record = addAuthority(draft, options, 'subordinate', key, nowMs, { certificate: path })
    makeDefault(draft, options, record)
    return record
  })
}

/** Issues the certificate of a subordinate authority and records it. @throws PkiError `refused` if every client would refuse it */
export function issueSubordinate(
  draft: IndexDraft,
  { record, chain, issuer, urls }: OpenAuthority,
  profile: Omit<AuthorityProfile, 'urls' | 'latestMs'>,
  force = false,
): X509Certificate {
  if (!force) {
    refuseTooDeep(chain)
    refuseRejected(draft.index, record.name, chain, { ...profile, names: [] })
  }
  const { days = SUBORDINATE_DAYS } = profile
  const latestMs = latestEnd(chain, profile.days, force)
  const certificate = createAuthorityCertificate({ ...profile, days, latestMs, urls }, issuer)
  recordIssued(draft, record, certificate)
  return certificate
}

/** Creates an authority that an outside authority signs. Returns the request to send. @throws PkiError */
export async function requestSubordinate(
  store: CertificateStore,
  options: AuthorityOptions,
): Promise<{ record: AuthorityRecord; pem: string }> {
  const subject = subjectOf(options)
  const key = await generateKey(options.key ?? store.key)
  const extensions = [
    authorityConstraints(options.pathLength),
    keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
    ...nameConstraints(options.constraints),
  ]
  const pem = createRequest({ subject, key, names: [], extensions })
  const record = await store.update((draft) => {
    refuseTaken(draft, options.name)
    const request = draft.put(`authorities/${slug(options.name)}/request.pem`, pem)
    return addAuthority(draft, options, 'subordinate', key, store.clock.now(), { request })
  })
  return { record, pem }
}

/** @throws PkiError `refused` for a bad name or subject */
function subjectOf({ name, subject }: AuthorityOptions): DistinguishedName {
  refuseBadText('the name of the authority', name)
  return subjectName({ ...subject, commonName: subject?.commonName ?? name })
}

function profileOf(
  options: AuthorityOptions,
  key: KeyObject,
  nowMs: number,
): Omit<AuthorityProfile, 'urls' | 'latestMs'> {
  const { days, pathLength, constraints } = options
  return {
    subject: subjectOf(options),
    publicKey: createPublicKey(key),
    nowMs,
    ...(days === undefined ? {} : { days }),
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(constraints ? { constraints } : {}),
  }
}

/** Refuses a name that differs from another only in case or punctuation: both would have the same folder and address. */
function refuseTaken(draft: IndexDraft, name: string): void {
  const taken = draft.index.authorities.find((one) => slug(one.name) === slug(name))
  if (taken) throw new PkiError('refused', `there is already an authority "${taken.name}"; choose another name`)
}

/** Refuses a chain that no client would accept. RFC 5280 section 4.2.1.9. */
function refuseTooDeep(chain: readonly X509Certificate[]): void {
  chain.forEach((certificate, below) => {
    const { pathLength, subject } = readFacts(certificate)
    if (pathLength === undefined || below < pathLength) return
    const name = subject.at(-1)?.value ?? ''
    throw new PkiError('refused', `"${name}" allows no further authority below it: its path length is ${pathLength}`)
  })
}

/** Refuses to make an authority the default one if its name constraints forbid what `auto` issues. */
export function refuseAsDefault(
  draft: IndexDraft,
  {
    name,
    makeDefault: wanted,
    autoNames,
    force,
  }: Pick<AuthorityOptions, 'name' | 'makeDefault' | 'autoNames' | 'force'>,
  chain: readonly X509Certificate[],
): void {
  if (!wanted || force) return
  const { names, why } = forbiddenNames(draft, autoNames, chain) ?? {}
  if (names === undefined) return
  throw new PkiError(
    'refused',
    `"${name}" cannot issue for certificate: auto: ${why}; permit every name of the lab (${names.join(', ')}), or leave out --default and select it with --authority; --force makes it the default anyway`,
  )
}

/** Returns the names that `auto` issues for and why the name constraints of a chain forbid one; undefined if they permit all. */
export function forbiddenNames(
  { index }: IndexDraft,
  autoNames: readonly string[] | undefined,
  chain: readonly X509Certificate[],
): { readonly names: readonly string[]; readonly why: string } | undefined {
  const newest = index.certificates.findLast(({ auto }) => auto?.authority === index.defaultAuthority)
  const names = autoNames ?? newest?.auto?.names ?? []
  const why = constraintProblem([], subjectNames(names), chain)
  return why === undefined ? undefined : { names, why }
}

function addAuthority(
  draft: IndexDraft,
  { name, type = 'enterprise', hash }: AuthorityOptions,
  role: AuthorityRecord['role'],
  key: KeyObject,
  nowMs: number,
  files: Pick<AuthorityRecord, 'certificate' | 'request'>,
): AuthorityRecord {
  const record: AuthorityRecord = {
    name,
    role,
    type,
    key: draft.putKey(name, key),
    ...(hash ? { hash } : {}),
    createdAt: new Date(nowMs).toISOString(),
    issued: [],
    queue: [],
    ...files,
  }
  draft.index.authorities.push(record)
  return record
}

/** Makes an authority the default one if `makeDefault` is set or the store has no default authority. */
export function makeDefault(
  draft: IndexDraft,
  options: Pick<AuthorityOptions, 'makeDefault'>,
  { name }: AuthorityRecord,
): void {
  if (options.makeDefault || draft.index.defaultAuthority === undefined) draft.index.defaultAuthority = name
}
