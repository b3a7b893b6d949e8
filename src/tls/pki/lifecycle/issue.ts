import type { KeyObject } from 'node:crypto'
import { type IssueOptions, queuedAnswer, submitInDraft } from '../authority/queue.ts'
import { readRequest } from '../certificate/request.ts'
import type { CertificateRecord, RequestRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { generateKey } from '../keys.ts'
import type { LifecycleContext } from './context.ts'
import { installInDraft, installPlanned } from './install.ts'
import { addPendingRequest, findRequest, type PlannedRequest, planRequest, type RequestOptions } from './request.ts'
import { refuseNotServed } from './serving.ts'

/** An enterprise authority issues immediately; a standalone one queues the request. */
export type IssueOutcome =
  | { readonly state: 'issued'; readonly authority: string; readonly record: CertificateRecord }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number; readonly request: RequestRecord }

/** Sends a request to an authority of the lab and installs the answer. @throws PkiError */
export async function issueCertificate(
  context: LifecycleContext,
  options: RequestOptions & IssueOptions & { readonly authority?: string },
): Promise<IssueOutcome> {
  // `names` belong to the request, in addition to the common name. For an authority they would replace those requested.
  const { names: _, ...issuing } = options
  return issuePlanned(context, await planRequest(context, options), options.authority, undefined, issuing)
}

/**
 * Sends a planned request to an authority of the lab. An enterprise authority answers immediately: the certificate is
 * installed and assigned. A standalone one queues the request, which stays pending until it is approved.
 * @param authorityName Default: the authority that issues for `auto`
 * @param existingKey Default: a new key
 * @param options `force` issues the certificate even if every client would refuse it
 * @throws PkiError
 */
export async function issuePlanned(
  context: LifecycleContext,
  planned: PlannedRequest,
  authorityName?: string,
  existingKey?: KeyObject,
  options: IssueOptions = {},
): Promise<IssueOutcome> {
  const { store } = context
  await store.refresh()
  const key = existingKey ?? (await generateKey(planned.key))
  return store.update(async (draft): Promise<IssueOutcome> => {
    const nowMs = store.clock.now()
    const request = addPendingRequest(draft, planned, key, nowMs)
    const read = readRequest(Buffer.from(await draft.read(request.request)))
    const answer = await submitInDraft(store, draft, authorityName, read, options)
    const { authority } = answer
    if (answer.state === 'queued') {
      refuseUndecided(authority, options)
      request.queued = { authority, id: answer.id }
      return { state: 'queued', authority, id: answer.id, request }
    }
    refuseNotServed(planned.virtualServer, answer.chain, key)
    const record = await installInDraft(draft, { request, certificates: answer.chain }, 'issued', nowMs)
    return { state: 'issued', authority, record }
  })
}

/** Refuses what a standalone authority would not see. @throws PkiError `refused` */
function refuseUndecided(authority: string, { days, purposes, hash, mustStaple }: IssueOptions): void {
  if (days === undefined && purposes === undefined && hash === undefined && !mustStaple) return
  throw new PkiError(
    'refused',
    `"${authority}" is a standalone authority, and decides about lifetime and purposes when it approves: give them to ca approve`,
  )
}

/** The state of a request in an authority's queue. */
export type QueueOutcome =
  | { readonly state: 'installed'; readonly record: CertificateRecord; readonly request: RequestRecord }
  | { readonly state: 'pending' | 'denied'; readonly request: RequestRecord }

/**
 * Installs the certificates that the lab's standalone authorities have approved since the request.
 * @param virtualServer considers only the request of this virtual server
 * @throws PkiError `unknown` if no request is in a queue of the lab
 */
export async function installApproved(context: LifecycleContext, virtualServer?: string): Promise<QueueOutcome[]> {
  const { store } = context
  await store.refresh()
  const { requests } = store.index
  const wanted = virtualServer === undefined ? requests : [findRequest(context, requests, virtualServer)]
  const outcomes: QueueOutcome[] = []
  for (const request of wanted) {
    if (request.queued === undefined) continue
    const { state, chain } = await queuedAnswer(store, request.queued.authority, request.queued.id)
    if (chain) {
      const record = await installPlanned(context, { request, certificates: chain }, 'issued')
      outcomes.push({ state: 'installed', record, request })
    } else outcomes.push({ state: state === 'denied' ? 'denied' : 'pending', request })
  }
  if (outcomes.length === 0) throw new PkiError('unknown', 'no request is in the queue of an authority of this lab')
  return outcomes
}
