import { currentAuto } from '../certificate-store/auto.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { findVirtualServer, type LifecycleContext, type VirtualServerFacts } from './context.ts'

/** The certificates of the store that a virtual server wears now. Pinned names that are not in the store are left out. */
export function wornBy({ store, lab }: LifecycleContext, server: VirtualServerFacts): CertificateRecord[] {
  return [server.certificate].flat().flatMap((setting) => {
    const name = setting as string
    if (name === 'none') return []
    if (name !== 'auto' && name !== 'assigned') {
      const plain = name.replace(/[\s:]/g, '').toUpperCase()
      return store.index.certificates.filter((one) => one.friendlyName === name || one.thumbprint === plain).slice(-1)
    }
    const assigned = store.index.certificates.find(
      ({ thumbprint }) => thumbprint === store.index.assignments[server.name],
    )
    const automatic = name === 'auto' ? currentAuto(store, lab().names) : undefined
    return assigned ?? automatic ?? []
  })
}

/** Thumbprint of what a virtual server wears, the first where there are several. @throws PkiError `refused` where it is none */
export async function thumbprintInUse(context: LifecycleContext, virtualServer: string): Promise<string> {
  await context.store.refresh()
  const server = findVirtualServer(context, virtualServer)
  const [first] = wornBy(context, server)
  if (first) return first.thumbprint
  throw new PkiError('refused', `"${server.name}" has no certificate`)
}
