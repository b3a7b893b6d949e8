import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import type { Directory } from '../directory/types.ts'
import type { ClientCertificateSettings } from '../net/tls-acceptor.ts'
import { Authorities } from '../pki/authority/authorities.ts'
import { certificateNames } from '../pki/certificate/names.ts'
import type { CertificateStore, StoreLog } from '../pki/certificate-store/store.ts'
import { type AccountFinder, clientAuthorities, identifyClient } from '../pki/client-identity.ts'
import { Certificates } from '../pki/lifecycle/certificates.ts'
import type { LabFacts } from '../pki/lifecycle/context.ts'
import { warnInLog } from '../pki/lifecycle/warnings.ts'
import type { AuthorityService } from '../pki/service/service.ts'

/** What the certificate lifecycle needs to know of a lab. */
const labFacts = (lab: ResolvedLab): LabFacts => ({
  hostname: lab.hostname,
  names: certificateNames(lab.hostname, lab.alternativeNames),
  virtualServers: lab.virtualServers,
})

const plain = (thumbprint: string): string => thumbprint.replaceAll(/[\s:]/g, '').toUpperCase()

function finder({ directory: { accounts } }: ResolvedLab, directory: Directory): AccountFinder {
  return {
    byThumbprint: (thumbprint) =>
      accounts.find((one) => one.certificates?.some((own) => plain(own) === thumbprint))?.user,
    byPrincipalName: (name) => directory.find(name)?.user,
    byAddress: (address) => directory.findByAddress(address)?.user,
  }
}

/** The certificates of a running lab: the lifecycle's verbs, the authorities' service, and what clients' certificates are worth. */
export class LabPki implements AsyncDisposable {
  readonly store: CertificateStore
  readonly certificates: Certificates
  readonly authorities: Authorities
  readonly #log: StoreLog
  readonly #lab: () => { readonly config: ResolvedLab; readonly directory: Directory }
  #service: AuthorityService | undefined
  #serviceWish = ''
  #stopWarning: () => void = () => {}

  /** @param lab asked each time, since a lab may be reloaded */
  constructor(
    store: CertificateStore,
    lab: () => { readonly config: ResolvedLab; readonly directory: Directory },
    log: StoreLog,
  ) {
    this.store = store
    this.#lab = lab
    this.#log = log
    this.certificates = new Certificates(store, () => labFacts(lab().config))
    this.authorities = new Authorities(store)
  }

  /** Address of the authority service; undefined where there is none. */
  get serviceUrl(): string | undefined {
    return this.#service?.url
  }

  /** Opens, moves or closes the authority service as the configuration says. @throws PkiError where its port cannot be opened: then there is none */
  async serve(lab: ResolvedLab): Promise<void> {
    const { authorityService, hostname } = lab
    const { names } = labFacts(lab)
    const wish = JSON.stringify([authorityService, hostname, authorityService?.tlsPort === 'off' || names])
    if (wish === this.#serviceWish) return
    this.#serviceWish = ''
    await this.#service?.[Symbol.asyncDispose]()
    this.#service = undefined
    if (authorityService) {
      const { address, port, tlsPort, url, acme } = authorityService
      const { AuthorityService } = await import('../pki/service/service.ts')
      const { acmeRoutes } = await import('../pki/acme/directory.ts')
      this.#service = await AuthorityService.open(this.store, {
        address,
        port,
        hostname,
        log: this.#log,
        ...(url ? { url } : {}),
        ...(tlsPort === 'off' ? {} : { tls: { port: tlsPort, names } }),
        ...(acme.enabled ? { routes: acmeRoutes(this.store, acme, this.#log) } : {}),
      })
    }
    this.#serviceWish = wish
  }

  /** From now on the log tells what is wrong with what the virtual servers wear. */
  warn(): void {
    const context = { store: this.store, lab: () => labFacts(this.#lab().config) }
    this.#stopWarning = warnInLog(context, this.#log)
  }

  /** How a virtual server treats its clients' certificates. */
  async clientCertificates({
    clientCertificates: mode,
  }: ResolvedVirtualServer): Promise<ClientCertificateSettings | undefined> {
    if (mode === 'off') return undefined
    return {
      mode,
      authoritiesPem: await clientAuthorities(this.store),
      judge: ({ der }) => {
        const { config, directory } = this.#lab()
        return identifyClient(this.store, der, finder(config, directory))
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWarning()
    await this.#service?.[Symbol.asyncDispose]()
  }
}
