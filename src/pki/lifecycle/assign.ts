import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { findVirtualServer, type LifecycleContext, refusePinned, usersOf } from './context.ts'

/** A virtual server, its full name, and the certificate it wears by assignment. */
export interface Assignment {
  readonly virtualServer: string
  readonly record: CertificateRecord
}

/** Assigns a certificate of the store to a virtual server, in place of what it wore. @throws PkiError */
export async function assignCertificate(context: LifecycleContext, name: string, server: string): Promise<Assignment> {
  const { store } = context
  await store.refresh()
  const facts = findVirtualServer(context, server)
  refusePinned(facts)
  const record = store.find(name)
  return store.update((draft) => {
    if (!draft.index.certificates.some(({ thumbprint }) => thumbprint === record.thumbprint)) {
      throw new PkiError('unknown', `"${name}" was deleted meanwhile`)
    }
    draft.index.assignments[facts.name] = record.thumbprint
    return { virtualServer: facts.name, record }
  })
}

/** Thumbprint assigned to a virtual server. @throws PkiError `refused` where none is */
function assigned(context: LifecycleContext, server: string): { virtualServer: string; thumbprint: string } {
  const { name } = findVirtualServer(context, server)
  const thumbprint = context.store.index.assignments[name]
  if (thumbprint === undefined) throw new PkiError('refused', `"${name}" has no certificate assigned`)
  return { virtualServer: name, thumbprint }
}

/** Takes the certificate off a virtual server. It stays in the store and can be assigned again. @throws PkiError */
export async function removeCertificate(
  context: LifecycleContext,
  server: string,
): Promise<{ virtualServer: string; thumbprint: string }> {
  await context.store.refresh()
  const found = assigned(context, server)
  await context.store.update((draft) => {
    delete draft.index.assignments[found.virtualServer]
  })
  return found
}

/** Assigns another certificate where one is assigned; `replaced` is the old one's thumbprint. @throws PkiError */
export async function replaceCertificate(
  context: LifecycleContext,
  server: string,
  name: string,
): Promise<Assignment & { readonly replaced: string }> {
  await context.store.refresh()
  const { virtualServer, thumbprint } = assigned(context, server)
  return { ...(await assignCertificate(context, name, virtualServer)), replaced: thumbprint }
}

/** Deletes a certificate and its key from the store. @throws PkiError `refused` while a virtual server wears it */
export async function deleteCertificate(context: LifecycleContext, name: string): Promise<CertificateRecord> {
  const { store } = context
  await store.refresh()
  const record = store.find(name)
  const users = usersOf(context, record.thumbprint)
  if (users.length > 0) {
    const list = users.map((user) => `"${user}"`).join(', ')
    throw new PkiError('refused', `"${record.friendlyName}" is in use by ${list}: remove or replace it there first`)
  }
  return store.update((draft) => {
    const { index } = draft
    index.certificates = index.certificates.filter(({ thumbprint }) => thumbprint !== record.thumbprint)
    for (const [server, thumbprint] of Object.entries(index.assignments)) {
      if (thumbprint === record.thumbprint) delete index.assignments[server]
    }
    return record
  })
}
