import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'

/** What the certificate lifecycle needs to know of a virtual server. */
export interface VirtualServerFacts {
  readonly name: string
  readonly protocol: string
  readonly address: string
  /** The `certificate:` setting. */
  readonly certificate: string | readonly string[]
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

const isSetting = (setting: string | readonly string[]): boolean => setting === 'auto' || setting === 'assigned'

/** Refuses to assign where the configuration says what is worn. @throws PkiError `refused` */
export function refusePinned(server: VirtualServerFacts): void {
  if (isSetting(server.certificate)) return
  const setting = Array.isArray(server.certificate) ? `[${server.certificate.join(', ')}]` : server.certificate
  const place = server.place === undefined ? 'its configuration' : server.place
  throw new PkiError(
    'refused',
    `"${server.name}" wears what ${place} says: certificate: ${setting}; write auto or assigned there to assign one`,
  )
}

/** Names of the virtual servers that wear a certificate by assignment or by name. */
export function usersOf({ store, lab }: LifecycleContext, thumbprint: string): string[] {
  const record = store.index.certificates.find((one) => one.thumbprint === thumbprint)
  const pins = (setting: string): boolean =>
    !isSetting(setting) && setting !== 'none' && matches(store, setting) === record?.thumbprint
  return lab()
    .virtualServers.filter(({ name, certificate }) =>
      typeof certificate === 'string' && isSetting(certificate)
        ? store.index.assignments[name] === thumbprint
        : [certificate].flat().some((one) => pins(one as string)),
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
