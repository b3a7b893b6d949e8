import { X509Certificate } from 'node:crypto'
import { formatName, issuedToOf } from '../certificate/names.ts'
import { type ReadRequest, readRequest } from '../certificate/request.ts'
import { signingKey } from '../certificate-store/authority-keys.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority, findIssued, type QueuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { readPem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { type IssuedChain, openKey } from './issue.ts'
import { type SignOptions, signInDraft } from './sign.ts'

/** How a request is answered that an authority decides about itself. */
export type IssueOptions = Pick<SignOptions, 'force' | 'days' | 'purposes' | 'server' | 'hash' | 'mustStaple'>

/** The result of submitting a request: an enterprise authority issues immediately, a standalone one queues the request. */
export type Submitted =
  | { readonly state: 'issued'; readonly authority: string; readonly chain: IssuedChain }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number }

/** Submits a request to an authority. @throws PkiError */
export async function submitRequest(
  store: CertificateStore,
  request: Buffer,
  authorityName?: string,
  options: IssueOptions = {},
): Promise<Submitted> {
  const read = readRequest(request)
  return store.update((draft) => submitInDraft(store, draft, authorityName, read, options))
}

/** Submits a request to an authority, in a draft. @throws PkiError */
export async function submitInDraft(
  store: CertificateStore,
  draft: IndexDraft,
  authorityName: string | undefined,
  request: ReadRequest,
  options: IssueOptions = {},
): Promise<Submitted> {
  const authority = findAuthority(draft.index, authorityName)
  if (authority.type === 'standalone') {
    const id = enqueue(draft, authority, request, store.clock.now(), options)
    return { state: 'queued', authority: authority.name, id }
  }
  const chain = await signInDraft(store, draft, authority.name, request, options)
  return { state: 'issued', authority: authority.name, chain }
}

/** Adds a request to a standalone authority's queue. Returns its number there. */
function enqueue(
  draft: IndexDraft,
  authority: AuthorityRecord,
  request: ReadRequest,
  nowMs: number,
  { server }: IssueOptions,
): number {
  const id = nextId(draft.index.authorities)
  authority.queue.push({
    id,
    request: draft.put(`authorities/${slug(authority.name)}/requests/${id}.pem`, request.pem),
    subject: formatName(request.subject) || issuedToOf(request),
    receivedAt: new Date(nowMs).toISOString(),
    state: 'pending',
    ...(server ? { server } : {}),
  })
  return id
}

/** Returns the next number, unique across all authorities of the lab, so that `ca approve` needs no authority name. */
const nextId = (authorities: readonly AuthorityRecord[]): number =>
  1 + Math.max(0, ...authorities.flatMap(({ queue }) => queue.map(({ id }) => id)))

/** Issues the certificate of a queued request. @throws PkiError */
export function approveRequest(store: CertificateStore, id: number, options: SignOptions = {}): Promise<IssuedChain> {
  return store.update(async (draft) => {
    const { authority, entry } = pendingEntry(draft, id)
    const request = readRequest(Buffer.from(await draft.read(entry.request)))
    const server = entry.server === true
    const chain = await signInDraft(store, draft, authority.name, request, { server, ...options })
    entry.state = 'issued'
    entry.serial = chain[0].serialNumber
    return chain
  })
}

/** Denies a queued request. @throws PkiError */
export function denyRequest(store: CertificateStore, id: number): Promise<QueuedRecord> {
  return store.update((draft) => {
    const { entry } = pendingEntry(draft, id)
    entry.state = 'denied'
    return entry
  })
}

function pendingEntry(draft: IndexDraft, id: number): { authority: AuthorityRecord; entry: QueuedRecord } {
  const all = draft.index.authorities.flatMap((authority) => authority.queue.map((entry) => ({ authority, entry })))
  const found = all.find(({ entry }) => entry.id === id)
  if (found?.entry.state === 'pending') return found
  if (found) throw new PkiError('refused', `request ${id} is already ${found.entry.state}`)
  const pending = all.filter(({ entry }) => entry.state === 'pending').map(({ entry }) => entry.id)
  const list = pending.length > 0 ? `pending: ${pending.join(', ')}` : 'none is pending'
  throw new PkiError('unknown', `no request ${id}; ${list}`)
}

/** Returns the state of a queued request, with the chain once it is issued. @throws PkiError `unknown` */
export async function queuedAnswer(
  store: CertificateStore,
  authorityName: string,
  id: number,
): Promise<{ state: QueuedRecord['state']; chain?: IssuedChain }> {
  const authority = findAuthority(store.index, authorityName)
  const entry = authority.queue.find((one) => one.id === id)
  if (entry === undefined) throw new PkiError('unknown', `"${authorityName}" has no request ${id}`)
  if (entry.state !== 'issued' || entry.serial === undefined) return { state: entry.state }
  const { entry: issued } = findIssued(store.index, entry.serial, authority.name)
  const [own] = readPem(await store.materials.read(issued.certificate))
  if (own === undefined) throw new PkiError('store', `${issued.certificate} is not a certificate`)
  const { served } = await openKey(store, authority, signingKey(authority, issued))
  return {
    state: 'issued',
    chain: [new X509Certificate(own.der), ...served],
  }
}
