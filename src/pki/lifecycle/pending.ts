import type { RequestRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { formatName } from '../x509/name.ts'
import { findVirtualServer, type LifecycleContext } from './context.ts'

/** The requests that wait for an answer. */
export async function pendingRequests({ store }: LifecycleContext): Promise<readonly RequestRecord[]> {
  await store.refresh()
  return store.index.requests
}

/** The request of a virtual server, or of an identifier as `pending` shows it. @throws PkiError `unknown` */
export function findRequest(
  context: LifecycleContext,
  requests: readonly RequestRecord[],
  name: string,
): RequestRecord {
  const byId = requests.find(({ id }) => id === name)
  if (byId) return byId
  // A request outlives its virtual server's place in the configuration; its own name is asked first.
  const named = requests.find(({ virtualServer }) => virtualServer.toLowerCase() === name.toLowerCase())
  if (named) return named
  const server = findVirtualServer(context, name)
  const found = requests.find(({ virtualServer }) => virtualServer === server.name)
  if (found) return found
  throw new PkiError('unknown', `"${server.name}" has no request pending`)
}

/** What there is to choose from, for messages. */
export const requestList = (requests: readonly RequestRecord[]): string =>
  requests.length === 0
    ? 'no request is pending'
    : `pending: ${requests.map((one) => `"${one.virtualServer}" (${formatName(one.subject)})`).join(', ')}`

/** Deletes a pending request and its key: an answer to it can no more be installed. */
export async function cancelRequest(context: LifecycleContext, name: string): Promise<RequestRecord> {
  await context.store.refresh()
  return context.store.update((draft) => {
    const found = findRequest(context, draft.index.requests, name)
    draft.index.requests = draft.index.requests.filter(({ id }) => id !== found.id)
    return found
  })
}
