import { choicesOf } from '../../config/schema/certificate.ts'
import { currentAuto } from '../certificate-store/auto.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { findVirtualServer, type LifecycleContext, type VirtualServerFacts } from './context.ts'

/** The certificates of the store that a virtual server wears now. Pinned names that are not in the store are left out. */
export function wornBy({ store, lab }: LifecycleContext, server: VirtualServerFacts): CertificateRecord[] {
  return choicesOf(server.certificate).flatMap((choice) => {
    if (choice.kind === 'named') {
      const plain = choice.name.replace(/[\s:]/g, '').toUpperCase()
      return store.index.certificates
        .filter((one) => one.friendlyName === choice.name || one.thumbprint === plain)
        .slice(-1)
    }
    if (choice.kind !== 'auto' && choice.kind !== 'assigned') return []
    const assigned = store.index.certificates.find(
      ({ thumbprint }) => thumbprint === store.index.assignments[server.name],
    )
    const automatic = choice.kind === 'auto' ? currentAuto(store, lab().names) : undefined
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
