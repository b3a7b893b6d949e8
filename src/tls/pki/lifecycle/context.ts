import { nearestWord } from '../../../core/config/nearest.ts'
import { type CertificateChoice, certificateText, choicesOf } from '../../../core/config/schema/certificate.ts'
import { currentAuto } from '../certificate-store/auto.ts'
import { type CertificateRecord, certificateNamed, type StoreIndex } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import type { InstalledCertificate } from '../types.ts'

/** The facts about a virtual server that the certificate lifecycle needs. */
export interface VirtualServerFacts {
  readonly name: string
  readonly protocol: string
  readonly address: string
  /** Its `certificate:` setting. */
  readonly certificate: CertificateChoice
  readonly requireSecureChannel?: boolean
  /** The part of its TLS settings that decides whether a response is stapled. */
  readonly tls?: { readonly ocspStapling: boolean }
  /** Its clear-text port. */
  readonly port?: number | 'off'
  /** Where the configuration has that setting: `FILE:LINE:COLUMN`. */
  readonly place?: string
  /** Returns why its TLS policy cannot serve a certificate, as the end of a sentence; undefined if it can. */
  readonly rejects?: (certificate: InstalledCertificate) => string | undefined
}

/** The facts about a lab that the certificate lifecycle needs. */
export interface LabFacts {
  readonly hostname: string
  /** Names in the certificates that `certificate: auto` issues. */
  readonly names: readonly string[]
  readonly virtualServers: readonly VirtualServerFacts[]
}

/** The store and the lab that a verb works on. `lab` is called each time, because a lab can be reloaded. */
export interface LifecycleContext {
  readonly store: CertificateStore
  readonly lab: () => LabFacts
}

/** Returns a virtual server by name in any case, or by protocol if only one has it. @throws PkiError `unknown` */
export function findVirtualServer({ lab }: LifecycleContext, name: string): VirtualServerFacts {
  const servers = lab().virtualServers
  const same = (text: string): boolean => text.toLowerCase() === name.toLowerCase()
  const byName = servers.filter((server) => same(server.name))
  const found = byName.length > 0 ? byName : servers.filter(({ protocol }) => same(protocol))
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only
  if (only !== undefined) throw new PkiError('unknown', `"${name}" is ambiguous: ${quoteNames(found)}`)
  const near = nearestWord(name, [...servers.map((one) => one.name), ...servers.map(({ protocol }) => protocol)])
  const cure = near === undefined ? `there are: ${quoteNames(servers) || 'none'}` : `did you mean ${near}?`
  throw new PkiError('unknown', `no virtual server "${name}"; ${cure}`)
}

const quoteNames = (servers: readonly VirtualServerFacts[]): string => servers.map(({ name }) => `"${name}"`).join(', ')

const usesAssigned = ({ kind }: CertificateChoice): boolean => kind === 'auto' || kind === 'assigned'

/** Returns the virtual servers that a name means: `all` those that a certificate can be assigned to. @throws PkiError `unknown` */
export function findVirtualServers(context: LifecycleContext, name: string): readonly VirtualServerFacts[] {
  const { virtualServers } = context.lab()
  if (name !== 'all' || virtualServers.some((one) => one.name === name)) return [findVirtualServer(context, name)]
  const usable = virtualServers.filter(({ certificate }) => usesAssigned(certificate))
  if (usable.length > 0) return usable
  throw new PkiError('unknown', 'no virtual server uses an assigned certificate; write certificate: auto or assigned')
}

/** Refuses to assign a certificate if the configuration names another one. @throws PkiError `refused` */
export function refusePinned(server: VirtualServerFacts): void {
  if (usesAssigned(server.certificate)) return
  const { name, certificate, place = 'its configuration' } = server
  throw new PkiError(
    'refused',
    `the certificate of "${name}" is set in ${place}: ${certificateText(certificate)}; write auto or assigned there to assign one`,
  )
}

/**
 * Returns the names of the virtual servers that use a certificate because it is assigned to them or named by them.
 * @param index the index of a draft, if something is decided by the answer
 */
export const usersOf = (
  { store, lab }: LifecycleContext,
  thumbprint: string,
  index: Readonly<StoreIndex> = store.index,
): string[] =>
  lab()
    .virtualServers.filter(({ name, certificate }) =>
      usesAssigned(certificate)
        ? index.assignments[name] === thumbprint
        : choicesOf(certificate).some(
            (one) => one.kind === 'named' && certificateNamed(index, one.name)?.thumbprint === thumbprint,
          ),
    )
    .map(({ name }) => name)

/** Returns the certificates of the store that a virtual server uses now. Ignores names that the store does not have. */
export function certificatesInUse({ store, lab }: LifecycleContext, server: VirtualServerFacts): CertificateRecord[] {
  const assigned = store.index.certificates.find(
    ({ thumbprint }) => thumbprint === store.index.assignments[server.name],
  )
  return choicesOf(server.certificate).flatMap((choice) => {
    switch (choice.kind) {
      case 'named':
        return certificateNamed(store.index, choice.name) ?? []
      case 'assigned':
        return assigned ?? []
      case 'auto':
        return assigned ?? currentAuto(store, lab().names) ?? []
      default:
        return []
    }
  })
}

/** Returns the thumbprint of a virtual server's first certificate. @throws PkiError `refused` if it uses none */
export async function thumbprintInUse(context: LifecycleContext, virtualServer: string): Promise<string> {
  await context.store.refresh()
  const server = findVirtualServer(context, virtualServer)
  const [first] = certificatesInUse(context, server)
  if (first) return first.thumbprint
  throw new PkiError('refused', `"${server.name}" has no certificate`)
}
