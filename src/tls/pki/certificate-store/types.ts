import type { CertificateChoice } from '../../../core/config/schema/certificate.ts'
import type { Clock } from '../../../core/time/clock.ts'
import type { KeySpec } from '../keys.ts'
import type { Audience, InstalledCertificate, StoreLog } from '../types.ts'
import type { IndexDraft } from './draft.ts'
import type { StoreFiles } from './files.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'
import type { Materials } from './materials.ts'

/** The certificates, keys, pending requests and authorities of a lab, in a folder that several processes may share. */
export interface CertificateStore extends AsyncDisposable {
  readonly clock: Clock
  readonly log: StoreLog
  /** Key type of new certificates and authorities. */
  readonly key: KeySpec
  /** The folder, or `memory`; for messages. */
  readonly place: string
  readonly materials: Materials
  /** The files of the store, for data beside the index that changes often and that no certificate depends on. */
  readonly files: StoreFiles
  /** Address of the lab's authority service, which new certificates name for questions about revocation. */
  serviceUrl: string | undefined

  /** The current content of the store. Read only: changes go through `update`. */
  readonly index: StoreIndex
  /** PEM of every root that clients need: the one above the authority that issues for `auto` first. Empty if no root exists. */
  readonly rootPem: string
  /** Returns the PEM of the root for old clients; empty until the first certificate for them is issued. */
  oldClientRootPem(): Promise<string>
  /** Returns a text file of the store. @throws PkiError `store` */
  read(path: string): Promise<string>
  /**
   * Returns the record of a friendly name, or of a thumbprint or its first digits; case, and spaces and colons of a
   * thumbprint, do not count. @throws PkiError `unknown` for no certificate and, with a list of them, for several
   */
  find(name: string): Promise<CertificateRecord>

  /**
   * Changes the store: completely or not at all, one change at a time across all processes. `change` may run again if
   * another process changes the store first, so it must only alter the draft. Generate keys before the call, not in it.
   * @throws the errors of `change`; the store is unchanged then
   */
  update<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T>
  /** Reads the folder again. Processes that do not watch the store call this before they read. */
  refresh(): Promise<void>
  /**
   * Reads the folder again with all its files, also those that have been read before.
   * @throws PkiError `store` if the store is gone or cannot be read; the last readable state stays in use then
   */
  reread(): Promise<void>
  /**
   * Calls the listener after each change of the store, by any process, that may alter what `resolve` returns.
   * @returns a function that stops it
   */
  watch(listener: () => void): () => void
  close(): Promise<void>

  /**
   * Returns the certificates that a virtual server uses by its `certificate:` setting, the default one first. Empty if
   * none is assigned. For `auto`, issues one that the audience supports if none is assigned.
   * @throws PkiError `unknown` if the store has no certificate of that name
   */
  resolve(
    virtualServer: string,
    choice: CertificateChoice,
    names: readonly string[],
    audience?: Audience,
  ): Promise<readonly InstalledCertificate[]>
}
