import type { ResolvedLab } from '../../core/config/resolve.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import { AcmeRenewals } from '../../tls/pki/acme/client/automatic.ts'
import type { AcmeDirectories } from '../../tls/pki/acme/directory.ts'
import type { TxtLookup } from '../../tls/pki/acme/validation/txt-records.ts'
import { type Authorities, authoritiesOf } from '../../tls/pki/authority/authorities.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { type Certificates, certificatesOf } from '../../tls/pki/lifecycle/certificates.ts'
import { logWarnings } from '../../tls/pki/lifecycle/warnings.ts'
import type { AuthorityService } from '../../tls/pki/service/service.ts'
import type { StoreLog } from '../../tls/pki/types.ts'
import { labFacts } from './lab-facts.ts'

/** The parts of a lab that its certificates depend on. */
interface PkiServices {
  readonly certificateStore: CertificateStore
  readonly config: ResolvedLab
  readonly log: StoreLog
  /** The authority service does not keep the process running. */
  readonly isBackground: boolean
  /** Reads TXT records from the DNS of the lab, for dns-01. */
  readonly dns: { texts: TxtLookup }
}

/** The certificates of a lab: their lifecycle, and the lab's authorities with their HTTP service. */
export class LabPki implements AsyncDisposable {
  readonly store: CertificateStore
  readonly certificates: Certificates
  readonly authorities: Authorities
  readonly #lab: PkiServices
  #service: AuthorityService | undefined
  #acme: AcmeDirectories | undefined
  #serviceKey = ''
  #stopWarning: () => void = () => {}
  #renewals: AcmeRenewals | undefined

  constructor(lab: PkiServices) {
    this.#lab = lab
    this.store = lab.certificateStore
    this.certificates = certificatesOf(this.store, () => labFacts(lab.config))
    this.authorities = authoritiesOf(this.store)
  }

  /** The HTTP service of the authorities; undefined if it is off. */
  get service(): { readonly http: AuthorityService; readonly acme: AcmeDirectories | undefined } | undefined {
    return this.#service && { http: this.#service, acme: this.#acme }
  }

  /** Address of the authority service; undefined if it is off. */
  get serviceUrl(): string | undefined {
    return this.#service?.url
  }

  /** `ADDRESS:PORT` of the authority service's listeners, as the configuration names the address. */
  get servicePorts(): readonly string[] {
    const address = this.#lab.config.certificates.service?.address
    const { port, tlsPort } = this.#service ?? {}
    return [port, tlsPort].flatMap((one) => (one === undefined ? [] : [`${address}:${one}`]))
  }

  /** Opens, moves or closes the authority service to match the configuration. @throws PkiError if its port cannot be opened; the service is then off */
  async serve(lab: ResolvedLab): Promise<void> {
    const { certificates, hostname } = lab
    const { service: authorityService } = certificates
    const { names } = labFacts(lab)
    // Without a source of its own, dns-01 reads the zones of the lab.
    const ownTexts =
      lab.dns && authorityService?.acme.dns === undefined ? (name: string) => this.#lab.dns.texts(name) : undefined
    const key = JSON.stringify([
      authorityService,
      hostname,
      authorityService?.tlsPort === 'off' || names,
      ownTexts !== undefined,
    ])
    if (key === this.#serviceKey) return
    this.#serviceKey = ''
    await this.#service?.[Symbol.asyncDispose]()
    this.#service = undefined
    this.#acme = undefined
    if (authorityService) {
      const { address, port, tlsPort, url, acme } = authorityService
      const { AuthorityService } = await import('../../tls/pki/service/service.ts')
      const { AcmeDirectories } = await import('../../tls/pki/acme/directory.ts')
      const { acmeOptions } = await import('../../tls/pki/acme/options.ts')
      this.#acme = acme.enabled
        ? new AcmeDirectories(this.store, acmeOptions(acme, ownTexts), this.#lab.log)
        : undefined
      this.#service = await AuthorityService.open(this.store, {
        address,
        port,
        hostname,
        isBackground: this.#lab.isBackground,
        log: this.#lab.log,
        ...(url ? { url } : {}),
        ...(tlsPort === 'off' ? {} : { tls: { port: tlsPort, names } }),
        routes: () => this.#acme?.routes() ?? [],
      })
    }
    this.#serviceKey = key
  }

  /** Starts to log warnings about the certificates that the virtual servers use. */
  warn(): void {
    const context = { store: this.store, lab: () => labFacts(this.#lab.config) }
    this.#stopWarning = logWarnings(context, this.#lab.log)
  }

  /** Renews certificates that were obtained by ACME until `signal` is aborted. Resolves when no renewal is under way. */
  async renew(signal: AbortSignal): Promise<void> {
    if (this.#lab.config.certificates.renew)
      this.#renewals = new AcmeRenewals({ store: this.store, lab: () => labFacts(this.#lab.config) }, this.#lab.log)
    await untilAborted(signal)
    await this.#renewals?.stop()
    this.#renewals = undefined
  }

  /** Renews the certificates that are due. Resolves when they are installed, or when that has failed. */
  async renewDue(): Promise<void> {
    await this.#renewals?.check()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWarning()
    await this.#service?.[Symbol.asyncDispose]()
  }
}
