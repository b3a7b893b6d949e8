import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'

/** A request that waits for the approval of a standalone authority. */
interface QueuedRequest {
  readonly id: number
  readonly authority: string
  readonly subject: string
}

/** Calls `listener` for each request that is queued, by any process. Returns the function that stops it. */
export function watchQueuedRequests(store: CertificateStore, listener: (request: QueuedRequest) => void): () => void {
  let known = new Set(pending(store).map(({ id }) => id))
  return store.watch(() => {
    const now = pending(store)
    const added = now.filter(({ id }) => !known.has(id))
    known = new Set(now.map(({ id }) => id))
    for (const request of added) listener(request)
  })
}

const pending = ({ index }: CertificateStore): QueuedRequest[] =>
  index.authorities.flatMap(({ name: authority, queue }) =>
    queue.filter(({ state }) => state === 'pending').map(({ id, subject }) => ({ id, authority, subject })),
  )
