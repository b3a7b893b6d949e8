import { type Bound, bind } from '../bound.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { publishCrl, revokeCertificate } from '../revocation/revoke.ts'
import { createRoot, createSubordinate, requestSubordinate } from './create.ts'
import { installAuthority } from './install.ts'
import { exportAuthority, listAuthorities, listIssued, listQueue } from './list.ts'
import { deleteAuthority, setDefaultAuthority } from './manage.ts'
import { approveRequest, denyRequest, submitRequest } from './queue.ts'
import { renewAuthority } from './renew.ts'
import { issueMark, issueUser, signContent, signRequest } from './sign.ts'
import { addTrusted, listTrusted, removeTrusted } from './trusted.ts'

/** The verbs of `sealpost ca`. Each takes the store first. If one throws PkiError, it has changed nothing. */
const verbs = {
  /** Creates a root authority. */
  createRoot,
  /** Creates an authority below another one of the lab. */
  createSubordinate,
  /** Creates an authority whose certificate an outside authority signs. Returns the request to send. */
  requestSubordinate,
  /** Installs the outside authority's answer. */
  install: installAuthority,
  /** Makes an authority the one that issues for `certificate: auto`. */
  setDefault: setDefaultAuthority,
  /** Renews the certificate of an authority with the same name, and with the same key or a new one. */
  renew: renewAuthority,
  /** Deletes an authority with its key and the record of what it has issued. */
  delete: deleteAuthority,
  /** Lists the authorities. */
  list: listAuthorities,
  /** Lists the certificates that one authority has issued. */
  issued: listIssued,
  /** Lists the requests at standalone authorities, answered ones included. */
  requests: listQueue,
  /** Submits a request: an enterprise authority issues immediately, a standalone one queues it. */
  submit: submitRequest,
  /** Signs a request immediately, even at a standalone authority. Returns the certificate and its issuers. */
  sign: signRequest,
  /** Issues the certificate of a queued request. */
  approve: approveRequest,
  /** Denies a queued request. */
  deny: denyRequest,
  /** Revokes a certificate by serial number or thumbprint; `removeFromCRL` lifts a `certificateHold`. */
  revoke: revokeCertificate,
  /** Creates an authority's CRL and stores it. */
  crl: publishCrl,
  /** Returns an authority's certificate, alone or with its issuers. */
  export: exportAuthority,
  /** Makes the lab's checks accept outside roots and revocation lists. */
  addTrusted,
  /** Lists the outside roots and revocation lists that the lab's checks accept. */
  listTrusted,
  /** Removes an outside root or revocation list. */
  removeTrusted,
  /** Issues a user's certificate for log-on and S/MIME. */
  issueUser,
  /** Issues a mark certificate, which proves that a domain may show a logo (BIMI). */
  issueMark,
  /** Signs content, such as a configuration profile. */
  signContent,
} as const

/** A lab's own certificate authorities. If a method rejects with PkiError, it has changed nothing. */
export type Authorities = Bound<CertificateStore, typeof verbs>

export const authoritiesOf = (store: CertificateStore): Authorities => bind(verbs, store)
