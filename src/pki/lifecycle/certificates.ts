import type { AcmeAuthority } from '../acme/client.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { assignCertificate, deleteCertificate, removeCertificate, replaceCertificate } from './assign.ts'
import { type LabFacts, type LifecycleContext, thumbprintInUse } from './context.ts'
import { type ExportOptions, exportCertificate, type ImportOptions, importCertificate } from './import-export.ts'
import { type InstallOptions, installPlanned, type PlannedInstall, planInstall } from './install.ts'
import { issueCertificate, pickUp } from './issue.ts'
import { listCertificates, showCertificate } from './list.ts'
import { type RenewOptions, renewCertificate } from './renew.ts'
import {
  cancelRequest,
  findRequest,
  type PlannedRequest,
  pendingRequests,
  planRequest,
  prepareRequest,
  type RequestOptions,
} from './request.ts'
import { certificateWarnings } from './warnings.ts'

/**
 * The certificate lifecycle of a lab's virtual servers: the verbs of `sealpost cert`, and of the certificate wizard before
 * it. A running lab wears each change at once. Every verb throws PkiError in clear words, with nothing changed.
 */
export class Certificates {
  readonly #context: LifecycleContext

  /** @param lab asked at each call, since a lab may be reloaded */
  constructor(store: CertificateStore, lab: () => LabFacts) {
    this.#context = { store, lab }
  }

  /** What `request` would do: the wizard's summary, with warnings. Changes nothing. */
  plan(options: RequestOptions) {
    return planRequest(this.#context, options)
  }

  /** Prepares a request to be sent later. It stays pending for its virtual server, its key in the store. */
  async request(options: RequestOptions) {
    return prepareRequest(this.#context, await planRequest(this.#context, options))
  }

  /** The second half of `request`: makes what was planned. */
  prepare(planned: PlannedRequest) {
    return prepareRequest(this.#context, planned)
  }

  pending() {
    return pendingRequests(this.#context)
  }

  /** The pending request of a virtual server, in PEM, to be sent once more. */
  async pendingPem(name: string) {
    const request = findRequest(this.#context, await pendingRequests(this.#context), name)
    return this.#context.store.materials.read(request.request)
  }

  /** @param name the virtual server, or the request's identifier */
  cancel(name: string) {
    return cancelRequest(this.#context, name)
  }

  /** Reads an authority's answer: what `install` would do. Changes nothing. */
  inspect(answer: Buffer, options?: InstallOptions) {
    return planInstall(this.#context, answer, options)
  }

  /** Processes the pending request with an authority's answer: installs the certificate and assigns it. */
  async install(answer: Buffer, options?: InstallOptions) {
    const planned = await planInstall(this.#context, answer, options)
    return { ...planned.summary, record: await installPlanned(this.#context, planned) }
  }

  /** The second half of `install`. */
  installPlanned(planned: PlannedInstall) {
    return installPlanned(this.#context, planned)
  }

  /** Installs what the lab's standalone authorities have approved since. */
  installApproved(virtualServer?: string) {
    return pickUp(this.#context, virtualServer)
  }

  /** Sends a request to one of the lab's authorities at once, and installs the answer. */
  async issue(options: RequestOptions & { readonly authority?: string }) {
    return issueCertificate(this.#context, await planRequest(this.#context, options), options.authority)
  }

  /** The second half of `issue`. */
  issuePlanned(planned: PlannedRequest, authority?: string) {
    return issueCertificate(this.#context, planned, authority)
  }

  /** Sends what was planned to an ACME authority anywhere, and installs the answer. Needs the package `acme-client`. */
  async issueByAcme(planned: PlannedRequest, authority: AcmeAuthority) {
    const { issueByAcme } = await import('../acme/client.ts')
    return issueByAcme(this.#context, planned, authority)
  }

  /** @param name friendly name or thumbprint */
  assign(name: string, virtualServer: string) {
    return assignCertificate(this.#context, name, virtualServer)
  }

  /** Takes the certificate off; it stays in the store. */
  remove(virtualServer: string) {
    return removeCertificate(this.#context, virtualServer)
  }

  replace(virtualServer: string, name: string) {
    return replaceCertificate(this.#context, virtualServer, name)
  }

  /** Thumbprint of what a virtual server wears. @throws PkiError `refused` where it wears none */
  wornBy(virtualServer: string) {
    return thumbprintInUse(this.#context, virtualServer)
  }

  renew(name: string, options?: RenewOptions) {
    return renewCertificate(this.#context, name, options)
  }

  delete(name: string) {
    return deleteCertificate(this.#context, name)
  }

  import(file: Buffer, options?: ImportOptions) {
    return importCertificate(this.#context, file, options)
  }

  export(name: string, options: ExportOptions) {
    return exportCertificate(this.#context, name, options)
  }

  list() {
    return listCertificates(this.#context)
  }

  show(name: string) {
    return showCertificate(this.#context, name)
  }

  /** PEM of the root that old clients are to trust; empty until the first certificate for them is issued. */
  oldClientRootPem() {
    return this.#context.store.oldClientRootPem()
  }

  /** What is wrong, or soon will be, with what the virtual servers wear. */
  warnings() {
    return certificateWarnings(this.#context)
  }
}
