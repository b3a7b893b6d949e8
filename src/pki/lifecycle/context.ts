import { type CertificateChoice, certificateText, choicesOf } from '../../config/schema/certificate.ts'
import { currentAuto } from '../certificate-store/auto.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'

/** What the certificate lifecycle needs to know of a virtual server. */
export interface VirtualServerFacts {
  readonly name: string
  readonly protocol: string
  readonly address: string
  /** The `certificate:` setting. */
  readonly certificate: CertificateChoice
  /** Where that setting stands: `FILE:LINE:COLUMN`. */
  readonly place?: string
}

/** What the certificate lifecycle needs to know of a lab. */
export interface LabFacts {
  readonly hostname: string
  /** What `certificate: auto` is issued to. */
  readonly names: readonly string[]
  readonly virtualServers: readonly VirtualServerFacts[]
}

/** What every verb works on. `lab` is asked each time, since a lab may be reloaded. */
export interface LifecycleContext {
  readonly store: CertificateStore
  readonly lab: () => LabFacts
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** A virtual server by its name in any case, or by its protocol where only one speaks it. @throws PkiError `unknown` */
export function findVirtualServer({ lab }: LifecycleContext, name: string): VirtualServerFacts {
  const servers = lab().virtualServers
  const same = (text: string): boolean => text.toLowerCase() === name.toLowerCase()
  const byName = servers.filter((server) => same(server.name))
  const found = byName.length > 0 ? byName : servers.filter(({ protocol }) => same(protocol))
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only
  const names = quoted((only ? found : servers).map((server) => server.name))
  throw new PkiError(
    'unknown',
    only ? `"${name}" may be ${names}` : `no virtual server "${name}"; there are: ${names || 'none'}`,
  )
}

const isAssignable = ({ kind }: CertificateChoice): boolean => kind === 'auto' || kind === 'assigned'

/** Refuses to assign a certificate where the configuration names another one. @throws PkiError `refused` */
export function refusePinned(server: VirtualServerFacts): void {
  if (isAssignable(server.certificate)) return
  const { name, certificate, place = 'its configuration' } = server
  throw new PkiError(
    'refused',
    `"${name}" uses what ${place} says: certificate: ${certificateText(certificate)}; write auto or assigned there to assign one`,
  )
}

/** Returns the names of the virtual servers that use a certificate by assignment or by name. */
export function usersOf({ store, lab }: LifecycleContext, thumbprint: string): string[] {
  return lab()
    .virtualServers.filter(({ name, certificate }) =>
      isAssignable(certificate)
        ? store.index.assignments[name] === thumbprint
        : choicesOf(certificate).some((one) => one.kind === 'named' && matches(store, one.name) === thumbprint),
    )
    .map(({ name }) => name)
}

function matches(store: CertificateStore, name: string): string | undefined {
  try {
    return store.find(name).thumbprint
  } catch {
    return undefined
  }
}

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
