import type { KeyObject, X509Certificate } from 'node:crypto'
import { type CertificateFacts, purposesText, readFacts, thumbprintOf } from '../certificate/certificate.ts'
import { buildChain, type Chain, checkChain, checkDates, refuseAuthority } from '../certificate/chain.ts'
import {
  commonName,
  formatGeneralName,
  formatName,
  type GeneralName,
  generalName,
  issuedToOf,
} from '../certificate/names.ts'
import { addCertificate, alreadyHeld, type IndexDraft } from '../certificate-store/draft.ts'
import type { CertificateRecord, RequestRecord, StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { readCertificates } from '../keystore/certificate-files.ts'
import { completeChain, longerChain, sentChain, topAuthority } from './chains.ts'
import { findVirtualServer, type LifecycleContext, refusePinned, usersOf } from './context.ts'
import { problemsOfSent } from './problems.ts'
import { findRequest, requestList } from './request.ts'
import { refuseNotServed } from './serving.ts'

export interface InstallOptions {
  /** Considers only the request of this virtual server. */
  readonly for?: string
  /** Accepts a certificate that is expired or not yet valid, or that belongs to an authority. */
  readonly force?: boolean
}

/** A summary of a certificate, for people to read before they install it. */
export interface InstallSummary {
  readonly issuedTo: string
  readonly issuedBy: string
  readonly subject: string
  readonly issuer: string
  /** Names that it is issued to, as `dns:mail.example.test`. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  readonly key: string
  readonly purposes: readonly string[]
  readonly friendlyName: string
  /** The name of the virtual server that has made the request or gets the certificate; empty if there is none. */
  readonly virtualServer: string
  /** Virtual servers that serve it once it is installed. */
  readonly usedBy: readonly string[]
  readonly thumbprint: string
  /** Common names of the issuers, upward. */
  readonly chain: readonly string[]
  /** Problems that do not prevent the installation, such as clients that will refuse the certificate. */
  readonly warnings: readonly string[]
  /** The authority that the chain of a certificate of the store reaches with the issuers of the file. */
  readonly completedTo?: string
}

export interface PlannedInstall {
  readonly summary: InstallSummary
  /** Absent if the file completes the chain of a certificate of the store. */
  readonly request?: RequestRecord
  /** The certificate first, then its issuers, the root last if it is known. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

/** Reads and checks an authority's answer. Changes nothing. @throws PkiError `refused`, `malformed` or `unknown` */
export async function planInstall(
  context: LifecycleContext,
  answer: Buffer,
  options: InstallOptions = {},
): Promise<PlannedInstall> {
  const { store } = context
  await store.refresh()
  const certificates = readCertificates(answer)
  const completion = await planCompletion(context, certificates)
  if (completion) return completion
  const { requests } = store.index
  const wanted = options.for === undefined ? requests : [findRequest(context, requests, options.for)]
  const found = await matchRequest(context, certificates, wanted)
  const { leaf, request, key } = found ?? refuseUnknown(context, certificates)
  const server = findVirtualServer(context, request.virtualServer)
  refusePinned(server)
  const facts = readFacts(leaf)
  const nowMs = store.clock.now()
  checkDates(facts, nowMs, options.force ?? false)
  refuseAuthority(facts, options.force ?? false)
  const chain = buildChain(leaf, [...certificates, ...(await store.materials.knownIssuers(store.index))])
  const others = certificates.filter((one) => one !== leaf)
  checkChain(chain, others, nowMs, options.force ?? false)
  refuseNotServed(server, chain.certificates, key)
  const replaced = renewedBy(store.index, request)
  const users = replaced ? usersOf(context, replaced.thumbprint) : []
  const summary = await certificateSummary(context, facts, chain)
  return {
    request,
    certificates: chain.certificates,
    summary: {
      ...summary,
      friendlyName: replaced?.friendlyName ?? request.friendlyName,
      virtualServer: request.virtualServer,
      usedBy: [...new Set([request.virtualServer, ...users])],
      warnings: [...nameWarnings(leaf, facts, request.names), ...summary.warnings],
    },
  }
}

/** Returns the plan to complete the chain of a certificate of the store; undefined if the file does not. */
async function planCompletion(
  context: LifecycleContext,
  certificates: readonly X509Certificate[],
): Promise<PlannedInstall | undefined> {
  const { store } = context
  const held = findStored(store.index, certificates)
  if (held === undefined) return undefined
  const issuers = [...certificates, ...(await store.materials.knownIssuers(store.index))]
  const completed = await completedSummary(context, held.record, readFacts(held.leaf), issuers)
  return completed && { certificates: completed.chain.certificates, summary: completed.summary }
}

/**
 * Returns the summary of a certificate of the store whose chain further issuers make longer; undefined if they do not.
 */
export async function completedSummary(
  context: LifecycleContext,
  { thumbprint, certificate, friendlyName }: CertificateRecord,
  facts: CertificateFacts,
  issuers: readonly X509Certificate[],
): Promise<{ readonly chain: Chain; readonly summary: InstallSummary } | undefined> {
  const stored = await context.store.materials.certificates(certificate)
  const chain = longerChain(stored as [X509Certificate, ...X509Certificate[]], issuers)
  if (chain === undefined) return undefined
  const usedBy = usersOf(context, thumbprint)
  const summary = await certificateSummary(context, facts, chain)
  return {
    chain,
    summary: { ...summary, friendlyName, virtualServer: usedBy.join(', '), usedBy, completedTo: topAuthority(chain) },
  }
}

/** Returns the first certificate that the store has. */
function findStored(
  { certificates: records }: StoreIndex,
  certificates: readonly X509Certificate[],
): { readonly leaf: X509Certificate; readonly record: CertificateRecord } | undefined {
  for (const leaf of certificates) {
    const record = records.find(({ thumbprint }) => thumbprint === thumbprintOf(leaf))
    if (record) return { leaf, record }
  }
  return undefined
}

/** Returns what a summary says about a certificate and its chain. */
export async function certificateSummary({ store, lab }: LifecycleContext, facts: CertificateFacts, chain: Chain) {
  // A file of the store that cannot be read, such as an outside revocation list, keeps no certificate out.
  const problems = await problemsOfSent(store, lab().hostname, sentChain(chain)).catch((error: Error) => [
    { message: `cannot be checked: ${error.message}` },
  ])
  return {
    issuedTo: issuedToOf(facts),
    issuedBy: commonName(facts.issuer),
    subject: formatName(facts.subject),
    issuer: formatName(facts.issuer),
    names: facts.names.map(formatGeneralName),
    notBefore: facts.notBefore,
    notAfter: facts.notAfter,
    key: facts.key,
    purposes: purposesText(facts),
    thumbprint: facts.thumbprint,
    chain: chain.certificates.slice(1).map((one) => commonName(readFacts(one).subject)),
    warnings: problems.map(({ message }) => `the certificate ${message}`),
  }
}

/** Installs an authority's answer to a pending request and assigns the certificate. @throws PkiError */
export async function installAnswer(
  context: LifecycleContext,
  answer: Buffer,
  options: InstallOptions = {},
): Promise<InstallSummary & { readonly record: CertificateRecord }> {
  const planned = await planInstall(context, answer, options)
  return { ...planned.summary, record: await installPlanned(context, planned) }
}

/** Installs a planned answer and assigns the certificate, or completes a chain. @throws PkiError */
export function installPlanned(
  { store }: LifecycleContext,
  { request, certificates }: Pick<PlannedInstall, 'request' | 'certificates'>,
  origin: CertificateRecord['origin'] = 'installed',
): Promise<CertificateRecord> {
  return store.update(async (draft) => {
    if (request) return installInDraft(draft, { request, certificates }, origin, store.clock.now())
    const [leaf, ...issuers] = certificates
    const record = draft.index.certificates.find(({ thumbprint }) => thumbprint === thumbprintOf(leaf))
    if (record === undefined) throw new PkiError('refused', 'the certificate was deleted in the meantime')
    await completeChain(draft, record, issuers)
    return record
  })
}

/**
 * Installs the answer to a request in a draft, assigns it and deletes the request. If the request renews a certificate,
 * assigns the new one to every virtual server that the old one is assigned to.
 */
export async function installInDraft(
  draft: IndexDraft,
  { request, certificates }: Pick<PlannedInstall, 'certificates'> & { readonly request: RequestRecord },
  origin: CertificateRecord['origin'],
  nowMs: number,
): Promise<CertificateRecord> {
  if (!draft.index.requests.some(({ id }) => id === request.id)) {
    throw new PkiError('refused', `the request of "${request.virtualServer}" was cancelled or answered in the meantime`)
  }
  const { friendlyName, key } = request
  const replaces = renewedBy(draft.index, request)
  // Before the certificate is added, because the request holds its friendly name.
  draft.index.requests = draft.index.requests.filter(({ id }) => id !== request.id)
  const added = { friendlyName, certificates, key, origin, ...(replaces ? { replaces } : {}) }
  const record = await addCertificate(draft, added, nowMs)
  draft.index.assignments[request.virtualServer] = record.thumbprint
  return record
}

/** Returns the certificate that a request renews; if another one has taken its place since, that one. */
function renewedBy(
  { certificates, assignments }: StoreIndex,
  { renews }: RequestRecord,
): CertificateRecord | undefined {
  const found = certificates.find(({ thumbprint }) => thumbprint === renews)
  if (found?.replacedBy === undefined || Object.values(assignments).includes(found.thumbprint)) return found
  return certificates.find(({ thumbprint }) => thumbprint === found.replacedBy) ?? found
}

async function matchRequest(
  { store }: LifecycleContext,
  certificates: readonly X509Certificate[],
  requests: readonly RequestRecord[],
): Promise<{ leaf: X509Certificate; request: RequestRecord; key: KeyObject } | undefined> {
  for (const request of requests) {
    const key = readPrivateKey(await store.materials.read(request.key))
    const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key))
    if (leaf) return { leaf, request, key }
  }
  return undefined
}

function refuseUnknown(context: LifecycleContext, certificates: readonly X509Certificate[]): never {
  const { index } = context.store
  const held = findStored(index, certificates)
  if (held) throw alreadyHeld(held.record)
  const leaf = certificates.find((one) => !one.ca) ?? certificates[0]
  const name = leaf ? issuedToOf(readFacts(leaf)) : '(no name)'
  throw new PkiError(
    'refused',
    `no pending request has the key of the certificate issued to ${name}; ${requestList(index.requests)}`,
  )
}

/** Warns if the answer is issued to other names than the request. */
function nameWarnings(leaf: X509Certificate, facts: CertificateFacts, requested: readonly string[]): string[] {
  const missing = requested.map(generalName).filter((name) => !isIssuedTo(leaf, facts, name))
  if (missing.length === 0) return []
  const issuedTo = facts.names.map(({ value }) => value).join(', ') || 'no name in subjectAltName'
  return [
    `the request was for ${missing.map(({ value }) => value).join(', ')}, but the certificate is issued to ${issuedTo}`,
  ]
}

function isIssuedTo(leaf: X509Certificate, { names }: CertificateFacts, { type, value }: GeneralName): boolean {
  if (names.some((one) => one.type === type && one.value.toLowerCase() === value.toLowerCase())) return true
  return type === 'dns' && leaf.checkHost(value, { subject: 'never' }) !== undefined
}
