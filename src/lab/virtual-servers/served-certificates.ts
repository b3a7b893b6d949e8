import type { CertificateName, NotServed, ServedCertificate } from '../../api/lab.ts'
import { coalesce } from '../../core/async/coalesce.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import type { TlsSettings } from '../../net/virtual-server-settings.ts'
import type { ServedTls } from '../../tls/negotiation/routing.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import { type TlsServices, tlsSettings, tlsSettingsWith } from '../certificates/tls-settings.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { type ChangeQueue, LabStopped } from '../change-queue.ts'
import type { VirtualServers } from './virtual-servers.ts'

/** Wait before a failed change is tried again: a folder that is being copied may still lack files. */
const RETRY_MS = 1000

/** The parts of a lab that serve certificates, or publish which ones are served. */
interface ServingServices extends TlsServices {
  readonly virtualServers: VirtualServers
  readonly dns: { refresh(): void }
  readonly changes: ChangeFeed
  readonly queue: ChangeQueue
}

/** The certificates that the virtual servers of a running lab serve. */
export class ServedCertificates {
  readonly #lab: ServingServices
  /** The default certificate of each virtual server, when it was last noted. */
  #noted = new Map<string, CertificateName | null>()
  readonly #notServed = new Map<string, readonly NotServed[]>()
  /** Errors that a later attempt may not have. */
  readonly #broken = new Map<string, PkiError>()

  constructor(lab: ServingServices) {
    this.#lab = lab
  }

  /** Returns the certificates of each virtual server. */
  list(): ServedCertificate[] {
    const { config, virtualServers } = this.#lab
    return config.virtualServers.flatMap(({ name }) =>
      virtualServers.certificatesOf(name).map(({ friendlyName, thumbprint, certificatePem }) => ({
        virtualServer: name,
        friendlyName,
        thumbprint,
        certificatePem,
      })),
    )
  }

  /** Returns what clients can negotiate with a virtual server by TLS; undefined without a certificate. */
  async tls(virtualServer: string): Promise<ServedTls | undefined> {
    return this.#lab.virtualServers.get(virtualServer)?.servedTls()
  }

  /**
   * Refreshes the certificates after each change of the certificate store, and again after a failure. Several changes at the
   * same time are applied together.
   * @returns a function that stops it
   */
  follow(): () => void {
    const { certificateStore, log, queue } = this.#lab
    let retry: NodeJS.Timeout | undefined
    let reported: string | undefined
    let stopped = false
    const changed = coalesce(async () => {
      clearTimeout(retry)
      try {
        await queue.run(() => this.refresh({ expectsFiles: true }))
        reported = undefined
      } catch (error) {
        if (error instanceof LabStopped) return
        const { message } = error as Error
        if (message !== reported) {
          log.error({ err: error }, 'cannot use the changed certificate; the servers keep the previous one')
        }
        reported = message
        if (!stopped) retry = setTimeout(changed, RETRY_MS).unref()
      }
    })
    const unwatch = certificateStore.watch(changed)
    return () => {
      stopped = true
      clearTimeout(retry)
      unwatch()
    }
  }

  /**
   * Resolves and applies the certificates of all servers. Where one fails, the others change all the same.
   * @param expectsFiles whether an unreadable certificate file is an error even if the server serves another certificate
   * @throws the first error, after all servers
   */
  async refresh({ expectsFiles = false } = {}): Promise<void> {
    const { config, virtualServers } = this.#lab
    const errors: unknown[] = []
    for (const server of config.virtualServers) {
      try {
        await virtualServers.get(server.name)?.setTls(await this.settingsOf(server, { isRefresh: true }))
        const broken = this.#broken.get(server.name)
        if (broken && expectsFiles) errors.push(broken)
      } catch (error) {
        errors.push(error)
      }
    }
    this.note()
    if (errors.length > 0) throw errors[0]
  }

  /**
   * Returns the TLS settings of a virtual server. If it can serve none of its certificates, it keeps the ones that it serves
   * now, or gets a former one. Returns undefined, for no TLS, if it can serve none of these either.
   * @param isRefresh whether the configuration stays the same. A root that was removed from the store is then no error
   * @throws PkiError
   */
  async settingsOf(server: ResolvedVirtualServer, { isRefresh = false } = {}): Promise<TlsSettings | undefined> {
    const { config, directory, certificateStore, log, virtualServers } = this.#lab
    const { name: virtualServer } = server
    const running = virtualServers.certificatesOf(virtualServer)
    const onRemovedRoot = (err: PkiError): void => log.error({ err, virtualServer }, err.message)
    const services = { config, directory, certificateStore, log, ...(isRefresh && { onRemovedRoot }) }
    const { settings, notServed } = await this.#resolve(server, running, services)
    const before = this.#notServed.get(virtualServer) ?? []
    this.#notServed.set(virtualServer, notServed)
    for (const { friendlyName, thumbprint, why } of notServed) {
      if (before.some((one) => one.thumbprint === thumbprint && one.why === why)) continue
      log.error(
        { virtualServer, thumbprint },
        `${virtualServer}: the certificate "${friendlyName}" is installed but not served: ${why}`,
      )
    }
    return settings
  }

  /** Resolves the settings of a virtual server. Treats an unreadable certificate of the store as one that cannot be served. */
  async #resolve(
    server: ResolvedVirtualServer,
    running: readonly InstalledCertificate[],
    services: TlsServices,
  ): ReturnType<typeof tlsSettings> {
    const { name: virtualServer } = server
    this.#broken.delete(virtualServer)
    try {
      return await tlsSettings(server, services, running)
    } catch (error) {
      const { assignments, certificates } = this.#lab.certificateStore.index
      const assigned = certificates.find(({ thumbprint }) => thumbprint === assignments[virtualServer])
      if (!(error instanceof PkiError && error.code === 'store' && assigned)) throw error
      this.#broken.set(virtualServer, error)
      const { friendlyName, thumbprint } = assigned
      const kept = await tlsSettingsWith(running, server, services)
      // Without a name it has no assignment.
      const settings = kept ?? (await tlsSettings({ ...server, name: '' }, services, [])).settings
      return { settings, notServed: [{ virtualServer, friendlyName, thumbprint, why: error.message }] }
    }
  }

  /** Returns the certificates that are installed and cannot be served. */
  notServed(): NotServed[] {
    return this.#lab.config.virtualServers.flatMap(({ name }) => this.#notServed.get(name) ?? [])
  }

  /** Refuses certificates that cannot be served, except those that could not be served before. @throws PkiError `refused` */
  refuseNew(before: readonly NotServed[]): void {
    const found = this.notServed().find(
      (one) => !before.some((old) => old.virtualServer === one.virtualServer && old.thumbprint === one.thumbprint),
    )
    if (found === undefined) return
    const { virtualServer, friendlyName, why } = found
    throw new PkiError('refused', `"${virtualServer}" cannot serve the certificate "${friendlyName}": ${why}`)
  }

  /** Reports the virtual servers whose certificate has changed, after it was applied. New and removed ones do not count. */
  note(): void {
    // DNS publishes digests of the certificates.
    this.#lab.dns.refresh()
    const before = this.#noted
    this.#noted = new Map(this.#lab.config.virtualServers.map(({ name }) => [name, this.#defaultOf(name)]))
    for (const [virtualServer, certificate] of this.#noted) {
      const previous = before.get(virtualServer)
      if (previous === undefined || previous?.thumbprint === certificate?.thumbprint) continue
      this.#lab.changes.report({ type: 'certificate', virtualServer, certificate, previous })
    }
  }

  #defaultOf(virtualServer: string): CertificateName | null {
    const [first] = this.#lab.virtualServers.certificatesOf(virtualServer)
    return first ? { friendlyName: first.friendlyName, thumbprint: first.thumbprint } : null
  }
}

/** Returns a configuration with another certificate for one virtual server, or for all. */
export const withCertificate = (
  config: ResolvedLab,
  certificate: ResolvedVirtualServer['certificate'],
  only?: string,
): ResolvedLab => ({
  ...config,
  virtualServers: config.virtualServers.map((server) =>
    only === undefined || server.name === only ? { ...server, certificate } : server,
  ),
})
