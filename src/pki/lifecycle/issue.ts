import type { KeyObject } from 'node:crypto'
import { answerTo, enqueue } from '../authority/queue.ts'
import { signInDraft } from '../authority/sign.ts'
import { readRequest } from '../certificate/request.ts'
import { type CertificateRecord, findAuthority, type RequestRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { generateKey } from '../keys.ts'
import type { LifecycleContext } from './context.ts'
import { installInDraft, installPlanned } from './install.ts'
import { addRequest, findRequest, type PlannedRequest } from './request.ts'

/** Issued at once by an enterprise authority, or waiting in the queue of a standalone one. */
export type IssueOutcome =
  | { readonly state: 'issued'; readonly authority: string; readonly record: CertificateRecord }
  | { readonly state: 'queued'; readonly authority: string; readonly id: number; readonly request: RequestRecord }

/**
 * Sends a request to one of the lab's authorities. An enterprise authority answers at once: the certificate is installed and
 * assigned. A standalone one queues the request until it is approved; it stays pending meanwhile.
 * @throws PkiError
 */
export async function issueCertificate(
  context: LifecycleContext,
  planned: PlannedRequest,
  authorityName?: string,
  reuse?: KeyObject,
): Promise<IssueOutcome> {
  const { store } = context
  await store.refresh()
  const key = reuse ?? (await generateKey(planned.key))
  return store.update(async (draft): Promise<IssueOutcome> => {
    const nowMs = store.clock.now()
    const authority = findAuthority(draft.index, authorityName)
    const request = addRequest(draft, planned, key, nowMs)
    const read = readRequest(Buffer.from(await draft.read(request.request)))
    if (authority.type === 'standalone') {
      const { id } = enqueue(draft, authority, read, nowMs)
      request.queued = { authority: authority.name, id }
      return { state: 'queued', authority: authority.name, id, request }
    }
    const { chain } = await signInDraft(store, draft, authority.name, read)
    const record = installInDraft(draft, { request, certificates: chain }, 'issued', nowMs)
    return { state: 'issued', authority: authority.name, record }
  })
}

export type PickUp =
  | { readonly state: 'installed'; readonly record: CertificateRecord; readonly request: RequestRecord }
  | { readonly state: 'pending' | 'denied'; readonly request: RequestRecord }

/**
 * Picks up what standalone authorities have answered since, and installs it.
 * @param name only the request of this virtual server
 * @throws PkiError `unknown` where no request waits at an authority of the lab
 */
export async function pickUp(context: LifecycleContext, name?: string): Promise<PickUp[]> {
  const { store } = context
  await store.refresh()
  const { requests } = store.index
  const wanted = name === undefined ? requests : [findRequest(context, requests, name)]
  const waiting = wanted.filter(({ queued }) => queued !== undefined)
  if (waiting.length === 0) throw new PkiError('unknown', 'no request waits at an authority of this lab')
  const found: PickUp[] = []
  for (const request of waiting) {
    const { authority, id } = request.queued ?? { authority: '', id: 0 }
    const { state, chain } = await answerTo(store, authority, id)
    if (chain) {
      const record = await installPlanned(context, { request, certificates: chain }, 'issued')
      found.push({ state: 'installed', record, request })
    } else found.push({ state: state === 'denied' ? 'denied' : 'pending', request })
  }
  return found
}
