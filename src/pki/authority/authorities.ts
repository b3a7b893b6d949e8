import { readRequest } from '../certificate/request.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import type { RevocationReason } from '../revocation/crl.ts'
import { publishCrl, revokeCertificate } from '../revocation/revoke.ts'
import { type AuthorityOptions, createRoot, createSubordinate, installAuthority, requestSubordinate } from './create.ts'
import { type AuthorityFormat, exportAuthority, listAuthorities, listIssued, listQueue } from './list.ts'
import { approveRequest, denyRequest, submitInDraft } from './queue.ts'
import { issueUser, type SignOptions, signInDraft, type UserOptions } from './sign.ts'

/** A lab's own certificate authorities: the verbs of `sealpost ca`. Every verb throws PkiError, with nothing changed. */
export class Authorities {
  readonly #store: CertificateStore

  constructor(store: CertificateStore) {
    this.#store = store
  }

  createRoot(options: AuthorityOptions) {
    return createRoot(this.#store, options)
  }

  /** Below another authority of the lab; `parent` defaults to the one that issues for `auto`. */
  createSubordinate(options: AuthorityOptions & { readonly parent?: string }) {
    return createSubordinate(this.#store, options)
  }

  /** An authority whose certificate an outside authority signs: gives the request to send. */
  requestSubordinate(options: AuthorityOptions) {
    return requestSubordinate(this.#store, options)
  }

  /** Installs the outside authority's answer. */
  install(answer: Buffer, options?: { readonly force?: boolean }) {
    return installAuthority(this.#store, answer, options)
  }

  list() {
    return listAuthorities(this.#store)
  }

  /** The book of one authority. */
  issued(authority?: string) {
    return listIssued(this.#store, authority)
  }

  /** What waits, or waited, for approval at standalone authorities. */
  requests(authority?: string) {
    return listQueue(this.#store, authority)
  }

  /** Hands a request in: an enterprise authority issues at once, a standalone one queues it. */
  submit(request: Buffer, authority?: string) {
    const read = readRequest(request)
    return this.#store.update((draft) => submitInDraft(this.#store, draft, authority, read))
  }

  /** Signs a request, whatever the authority's type. Gives the certificate and its issuers. */
  async sign(request: Buffer, options: SignOptions & { readonly authority?: string } = {}) {
    const read = readRequest(request)
    const { chain } = await this.#store.update((draft) =>
      signInDraft(this.#store, draft, options.authority, read, options),
    )
    return chain
  }

  approve(id: number, options?: SignOptions) {
    return approveRequest(this.#store, id, options)
  }

  deny(id: number) {
    return denyRequest(this.#store, id)
  }

  /** Revokes a certificate by serial number or thumbprint; `removeFromCRL` lifts a `certificateHold`. */
  revoke(serial: string, reason?: RevocationReason, authority?: string) {
    return revokeCertificate(this.#store, serial, reason, authority)
  }

  crl(authority?: string) {
    return publishCrl(this.#store, authority)
  }

  export(authority?: string, format?: AuthorityFormat) {
    return exportAuthority(this.#store, authority, format)
  }

  /** Issues a user's certificate for log-on and S/MIME. */
  issueUser(options: UserOptions) {
    return issueUser(this.#store, options)
  }
}
