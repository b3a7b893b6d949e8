import { X509Certificate } from 'node:crypto'
import { formatName } from '../certificate/names.ts'
import { type ReadRequest, readRequest } from '../certificate/request.ts'
import { type Draft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority, findIssued, type QueuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { readPem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { type IssuedChain, type SignOptions, signInDraft } from './sign.ts'

/** Numbers are unique over all authorities of the lab, so that `ca approve` needs no other name. */
const nextId = (authorities: readonly AuthorityRecord[]): number =>
  1 + Math.max(0, ...authorities.flatMap(({ queue }) => queue.map(({ id }) => id)))

/** Puts a request into a standalone authority's queue. */
export function enqueue(draft: Draft, authority: AuthorityRecord, request: ReadRequest, nowMs: number): QueuedRecord {
  const id = nextId(draft.index.authorities)
  const entry: QueuedRecord = {
    id,
    request: draft.put(`authorities/${slug(authority.name)}/requests/${id}.pem`, request.pem),
    subject: formatName(request.subject),
    receivedAt: new Date(nowMs).toISOString(),
    state: 'pending',
  }
  authority.queue.push(entry)
  return entry
}

export type Submitted =
  | { readonly state: 'issued'; readonly authority: string; readonly chain: IssuedChain }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number }

/** Hands a request to an authority: an enterprise one issues, a standalone one queues it. */
export async function submitInDraft(
  store: CertificateStore,
  draft: Draft,
  authorityName: string | undefined,
  request: ReadRequest,
): Promise<Submitted> {
  const authority = findAuthority(draft.index, authorityName)
  if (authority.type === 'standalone') {
    return { state: 'queued', authority: authority.name, id: enqueue(draft, authority, request, store.clock.now()).id }
  }
  const { chain } = await signInDraft(store, draft, authority.name, request)
  return { state: 'issued', authority: authority.name, chain }
}

function pendingEntry(draft: Draft, id: number): { authority: AuthorityRecord; entry: QueuedRecord } {
  const all = draft.index.authorities.flatMap((authority) => authority.queue.map((entry) => ({ authority, entry })))
  const found = all.find(({ entry }) => entry.id === id)
  if (found?.entry.state === 'pending') return found
  if (found) throw new PkiError('refused', `request ${id} is ${found.entry.state} already`)
  const waiting = all.filter(({ entry }) => entry.state === 'pending').map(({ entry }) => entry.id)
  throw new PkiError(
    'unknown',
    `no request ${id}; ${waiting.length ? `waiting: ${waiting.join(', ')}` : 'none is waiting'}`,
  )
}

/** Issues what a queued request asks for. @throws PkiError */
export function approveRequest(store: CertificateStore, id: number, options: SignOptions = {}): Promise<IssuedChain> {
  return store.update(async (draft) => {
    const { authority, entry } = pendingEntry(draft, id)
    const request = readRequest(Buffer.from(await draft.read(entry.request)))
    const { chain } = await signInDraft(store, draft, authority.name, request, options)
    entry.state = 'issued'
    entry.serial = chain[0].serialNumber
    return chain
  })
}

/** Turns a queued request down. @throws PkiError */
export function denyRequest(store: CertificateStore, id: number): Promise<QueuedRecord> {
  return store.update((draft) => {
    const { entry } = pendingEntry(draft, id)
    entry.state = 'denied'
    return entry
  })
}

/** What became of a queued request; the chain once it is issued. @throws PkiError `unknown` */
export async function answerTo(
  store: CertificateStore,
  authorityName: string,
  id: number,
): Promise<{ state: QueuedRecord['state']; chain?: IssuedChain }> {
  const authority = findAuthority(store.index, authorityName)
  const entry = authority.queue.find((one) => one.id === id)
  if (entry === undefined) throw new PkiError('unknown', `"${authorityName}" knows of no request ${id}`)
  if (entry.state !== 'issued' || entry.serial === undefined) return { state: entry.state }
  const { entry: issued } = findIssued(store.index, entry.serial, authority.name)
  const [own] = readPem(await store.materials.read(issued.certificate))
  if (own === undefined) throw new PkiError('store', `${issued.certificate} is broken`)
  return {
    state: 'issued',
    chain: [new X509Certificate(own.der), ...(await store.materials.authorityChain(authority))],
  }
}
