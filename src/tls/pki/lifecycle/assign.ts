import { choicesOf } from '../../../core/config/schema/certificate.ts'
import type { CertificateRecord, StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { certificatesInUse, findVirtualServer, type LifecycleContext, refusePinned, usersOf } from './context.ts'
import { refuseInstalled } from './serving.ts'

/** A virtual server, by its full name, and the certificate assigned to it. */
export interface Assignment {
  readonly virtualServer: string
  readonly record: CertificateRecord
}

/** Assigns a certificate of the store to a virtual server, in place of any other. @throws PkiError */
export async function assignCertificate(
  context: LifecycleContext,
  name: string,
  virtualServer: string,
): Promise<Assignment> {
  const { virtualServer: server, record } = await assignOver(context, name, virtualServer)
  return { virtualServer: server, record }
}

/**
 * Assigns a certificate, and returns the thumbprint of the former one.
 * @throws PkiError if `mustHaveOne` and the virtual server has none
 */
async function assignOver(
  context: LifecycleContext,
  name: string,
  virtualServer: string,
  { mustHaveOne = false } = {},
): Promise<Assignment & { readonly former: string | undefined }> {
  const { store } = context
  await store.refresh()
  const server = findVirtualServer(context, virtualServer)
  if (mustHaveOne) assignedThumbprint(store.index, server.name)
  refusePinned(server)
  const record = await store.find(name)
  refuseInstalled(server, await store.materials.load(record))
  return store.update((draft) => {
    const former = mustHaveOne ? assignedThumbprint(draft.index, server.name) : draft.index.assignments[server.name]
    if (!draft.index.certificates.some(({ thumbprint }) => thumbprint === record.thumbprint)) {
      throw new PkiError('unknown', `"${name}" was deleted in the meantime`)
    }
    draft.index.assignments[server.name] = record.thumbprint
    return { virtualServer: server.name, record, former }
  })
}

/** A removed assignment, and what the virtual server uses from now on. */
export interface Removal {
  readonly virtualServer: string
  /** The certificate that was removed. It stays in the store. */
  readonly friendlyName: string
  readonly thumbprint: string
  readonly now: UsedAfterRemoval
}

/** Nothing, a certificate of the store, or one that a running lab issues when it needs it. */
export type UsedAfterRemoval =
  | { readonly kind: 'none' }
  | { readonly kind: 'stored'; readonly friendlyName: string; readonly thumbprint: string }
  | { readonly kind: 'issued-on-demand' }

/** Removes the assignment of a virtual server. The certificate stays in the store. @throws PkiError */
export async function removeCertificate(context: LifecycleContext, virtualServer: string): Promise<Removal> {
  const { store } = context
  await store.refresh()
  const { name } = findVirtualServer(context, virtualServer)
  const thumbprint = await store.update(({ index }) => {
    const found = assignedThumbprint(index, name)
    delete index.assignments[name]
    return found
  })
  return { virtualServer: name, thumbprint, friendlyName: nameOf(context, thumbprint), now: usedNow(context, name) }
}

function usedNow(context: LifecycleContext, virtualServer: string): UsedAfterRemoval {
  const server = findVirtualServer(context, virtualServer)
  const [used] = certificatesInUse(context, server)
  if (used) return { kind: 'stored', friendlyName: used.friendlyName, thumbprint: used.thumbprint }
  const issues = choicesOf(server.certificate).some(({ kind }) => kind === 'auto')
  return { kind: issues ? 'issued-on-demand' : 'none' }
}

const nameOf = ({ store }: LifecycleContext, thumbprint: string): string =>
  store.index.certificates.find((one) => one.thumbprint === thumbprint)?.friendlyName ?? thumbprint

/** Assigns another certificate to a virtual server that has one. `replaced` is the old one's thumbprint, `replacedName` its name. @throws PkiError */
export async function replaceCertificate(
  context: LifecycleContext,
  virtualServer: string,
  name: string,
): Promise<Assignment & { readonly replaced: string; readonly replacedName: string }> {
  const { former, ...assignment } = await assignOver(context, name, virtualServer, { mustHaveOne: true })
  const replaced = former as string
  return { ...assignment, replaced, replacedName: nameOf(context, replaced) }
}

/** Deletes a certificate and its key from the store. @throws PkiError `refused` if a virtual server uses it */
export async function deleteCertificate(context: LifecycleContext, name: string): Promise<CertificateRecord> {
  const { store } = context
  await store.refresh()
  const record = await store.find(name)
  return store.update(({ index }) => {
    const users = usersOf(context, record.thumbprint, index)
    if (users.length > 0) {
      const list = users.map((user) => `"${user}"`).join(', ')
      throw new PkiError('refused', `"${record.friendlyName}" is in use by ${list}; unassign or replace it there first`)
    }
    index.certificates = index.certificates.filter(({ thumbprint }) => thumbprint !== record.thumbprint)
    for (const [server, thumbprint] of Object.entries(index.assignments)) {
      if (thumbprint === record.thumbprint) delete index.assignments[server]
    }
    return record
  })
}

/** Returns the thumbprint that is assigned to a virtual server. @throws PkiError `refused` if none is assigned */
function assignedThumbprint({ assignments }: Readonly<StoreIndex>, server: string): string {
  const thumbprint = assignments[server]
  if (thumbprint === undefined) throw new PkiError('refused', `"${server}" has no certificate assigned`)
  return thumbprint
}
