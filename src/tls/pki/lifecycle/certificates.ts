import type { AcmeAuthority } from '../acme/client/authority.ts'
import type { RolloverOptions } from '../acme/client/rollover.ts'
import { type Bound, bind } from '../bound.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { assignCertificate, deleteCertificate, removeCertificate, replaceCertificate } from './assign.ts'
import { type LabFacts, type LifecycleContext, thumbprintInUse } from './context.ts'
import { exportCertificate, importCertificate, importPlanned, planImport } from './import-export.ts'
import { installAnswer, installPlanned, planInstall } from './install.ts'
import { installApproved, issueCertificate, issuePlanned } from './issue.ts'
import { listCertificates, showCertificate } from './list.ts'
import { renameCertificate } from './rename.ts'
import { renewCertificate } from './renew.ts'
import {
  cancelRequest,
  type PlannedRequest,
  pendingPem,
  pendingRequests,
  planRequest,
  prepareRequest,
  requestCertificate,
} from './request.ts'
import { certificateWarnings } from './warnings.ts'

/** The verbs of `sealpost cert`. Each takes the context first. If one throws PkiError, it has changed nothing. */
const verbs = {
  /** Returns what `request` would do, with warnings. Changes nothing. */
  plan: planRequest,
  /** Prepares a request to send later. It stays pending for its virtual server; its key is in the store. */
  request: requestCertificate,
  /** Prepares a request that `plan` returned. */
  prepare: prepareRequest,
  /** Lists the pending requests. */
  pending: pendingRequests,
  /** Returns the pending request of a virtual server in PEM, to send it again. */
  pendingPem,
  /** Deletes the pending request of a virtual server, or the one with this identifier. */
  cancel: cancelRequest,
  /** Returns what `install` would do. Changes nothing. */
  inspect: planInstall,
  /** Installs an authority's answer to a pending request and assigns the certificate. */
  install: installAnswer,
  /** Installs what `inspect` returned. */
  installPlanned,
  /** Installs the certificates that the lab's standalone authorities have approved since the request. */
  installApproved,
  /** Sends a request to an authority of the lab and installs the answer. */
  issue: issueCertificate,
  /** Sends a request that `plan` returned to an authority of the lab and installs the answer. */
  issuePlanned,
  /** Sends a request that `plan` returned to any ACME authority and installs the answer. Needs the package `acme-client`. */
  issueByAcme: async (context: LifecycleContext, planned: PlannedRequest, authority: AcmeAuthority) => {
    const { issueByAcme } = await import('../acme/client/issue.ts')
    return issueByAcme(context, planned, authority)
  },
  /** Returns the ACME directories where the lab has an account. */
  acmeDirectories: async ({ store }: LifecycleContext) => {
    const { acmeDirectories } = await import('../acme/client/rollover.ts')
    return acmeDirectories(store)
  },
  /** Gives the lab's account at an ACME directory a new key. Returns the address of the directory. */
  rolloverAcmeAccount: async ({ store }: LifecycleContext, options?: RolloverOptions) => {
    const { rolloverAccount } = await import('../acme/client/rollover.ts')
    return rolloverAccount(store, options)
  },
  /** Assigns a certificate, by friendly name or thumbprint, to a virtual server. */
  assign: assignCertificate,
  /** Removes the assignment of a virtual server. The certificate stays in the store. */
  remove: removeCertificate,
  /** Assigns another certificate to a virtual server that has one. */
  replace: replaceCertificate,
  /** Returns the thumbprint of the certificate that a virtual server uses. @throws PkiError `refused` if it uses none */
  thumbprintInUse,
  /** Gives a certificate another friendly name. */
  rename: renameCertificate,
  /** Renews a certificate, with its old key or a new one. */
  renew: renewCertificate,
  /** Deletes a certificate and its key from the store. */
  delete: deleteCertificate,
  /** Imports a certificate with its key and chain from PKCS#12 or PEM. */
  import: importCertificate,
  /** Returns what `import` would do. Changes nothing. */
  planImport,
  /** Imports what `planImport` returned. */
  importPlanned,
  /** Exports a certificate with its chain and, in some formats, its key. */
  export: exportCertificate,
  /** Lists the certificates of the store. */
  list: listCertificates,
  /** Returns all facts about one certificate. */
  show: showCertificate,
  /** Returns the PEM of the root for old clients; empty until the first certificate for them is issued. */
  oldClientRootPem: ({ store }: LifecycleContext) => store.oldClientRootPem(),
  /** Returns current and upcoming problems with the certificates that virtual servers use. */
  warnings: certificateWarnings,
} as const

/**
 * The certificate lifecycle of a lab's virtual servers. A running lab serves each change immediately. Every method rejects
 * with PkiError, with nothing changed.
 */
export type Certificates = Bound<LifecycleContext, typeof verbs>

/** Returns the certificate lifecycle of a store. @param lab is called for each verb, because a lab can be reloaded */
export const certificatesOf = (store: CertificateStore, lab: () => LabFacts): Certificates =>
  bind(verbs, { store, lab })
