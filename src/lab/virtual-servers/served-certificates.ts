import type { CertificateName, ServedCertificate } from '../../api/lab.ts'
import { coalesce } from '../../core/async/coalesce.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { ServedTls } from '../../tls/negotiation/routing.ts'
import { type TlsServices, tlsSettings } from '../certificates/tls-settings.ts'
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
        await queue.run(() => this.refresh())
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

  /** Resolves all certificates before it applies any, so that one failure leaves all servers unchanged. @throws PkiError */
  async refresh(): Promise<void> {
    const { config, virtualServers } = this.#lab
    const resolved = []
    for (const server of config.virtualServers) {
      resolved.push({ name: server.name, tls: await tlsSettings(server, this.#lab) })
    }
    for (const { name, tls } of resolved) await virtualServers.get(name)?.setTls(tls)
    this.note()
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
