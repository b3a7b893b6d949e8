import { coalesce } from '../../../core/async/coalesce.ts'
import {
  type CertificateChoice,
  choicesOf,
  type SingleCertificateChoice,
} from '../../../core/config/schema/certificate.ts'
import { DATABASE } from '../../../core/config/schema/certificates.ts'
import type { Clock } from '../../../core/time/clock.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../../core/time/real-timers.ts'

import { readFacts } from '../certificate/certificate.ts'
import { issuedToOf } from '../certificate/names.ts'
import { RecipeCertificates } from '../defects/recipe-certificates.ts'
import { PkiError } from '../errors.ts'
import type { KeySpec } from '../keys.ts'
import { staple } from '../revocation/ocsp.ts'
import { judge } from '../servability.ts'
import type { Audience, InstalledCertificate, StoreLog } from '../types.ts'
import { autoCertificate, ensureRoot, renewalDue } from './auto.ts'
import type { IndexDraft } from './draft.ts'
import { FileCertificates } from './file-certificates.ts'
import type { CertificateDatabase, StoreFiles } from './files.ts'
import { folderFiles } from './folder-files.ts'
import { certificatesNamed, SHORT_THUMBPRINT } from './friendly-names.ts'
import { type CertificateRecord, certificateNamed, indexPath, type StoreIndex } from './index-file.ts'
import { Journal } from './journal.ts'
import { Materials } from './materials.ts'
import { memoryFiles } from './memory-files.ts'
import { oldClientRoot, rootBundle } from './roots.ts'
import { type KeyProtection, sealedFiles } from './sealed-files.ts'
import type { CertificateStore } from './types.ts'

export interface CertificateStoreOptions {
  /** A folder, `memory`, or `database`. */
  readonly folder: string
  /** Required for `database`. The store does not close it. */
  readonly database?: CertificateDatabase | undefined
  /** How a database keeps private keys. Default: not encrypted. */
  readonly keyProtection?: KeyProtection | undefined
  readonly clock: Clock
  readonly log: StoreLog
  /** Key type of the lab's root and of the certificates that `auto` issues. */
  readonly key: KeySpec
  /** Creates the lab's root authority in an empty store. Default true. */
  readonly makeRoot?: boolean
  /** Address of the lab's authority service, such as http://pki.example.test:8080. */
  readonly serviceUrl?: string
}

/** Opens a store, and creates the lab's root authority if the store has no authority. @throws PkiError `store` */
export async function openCertificateStore(options: CertificateStoreOptions): Promise<CertificateStore> {
  const files = await openFiles(options)
  const store = new FileCertificateStore(files, options)
  try {
    await store.refresh()
    if (options.makeRoot !== false) await ensureRoot(store)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens the files of a store. @throws PkiError `store` */
export async function openFiles({
  folder,
  database,
  keyProtection = {},
}: Pick<CertificateStoreOptions, 'folder' | 'database' | 'keyProtection'>): Promise<StoreFiles> {
  if (folder === 'memory') return memoryFiles()
  if (folder !== DATABASE) return folderFiles(folder, indexPath)
  if (!database) throw new PkiError('store', 'the certificates are in a database, but none is open')
  return sealedFiles(await database.certificateFiles(indexPath), keyProtection)
}

/** Wait after a change by another program, since it changes several files in a row. */
const SETTLE_MS = 40
/** Interval at which the store looks for certificates that are about to expire. */
const EXPIRY_CHECK_MS = 3_600_000

class FileCertificateStore implements CertificateStore {
  readonly clock: Clock
  readonly log: StoreLog
  readonly key: KeySpec
  readonly materials: Materials
  serviceUrl: string | undefined
  readonly files: StoreFiles
  readonly #listeners = new Set<() => void>()
  readonly #journal: Journal
  #unwatch: (() => void) | undefined
  #settling: NodeJS.Timeout | undefined
  readonly #expiryCheck: NodeJS.Timeout
  readonly #stapled = new WeakMap<InstalledCertificate, InstalledCertificate>()
  readonly #byRecipe = new RecipeCertificates(this)
  readonly #ofFiles = new FileCertificates()
  #rootPem = ''
  /** The index that the root was read from. */
  #rootIndex: StoreIndex | undefined

  constructor(files: StoreFiles, options: CertificateStoreOptions) {
    this.files = files
    this.clock = options.clock
    this.log = options.log
    this.key = options.key
    this.serviceUrl = options.serviceUrl
    this.materials = new Materials(files, options.log)
    this.#journal = new Journal(
      files,
      (path) => this.materials.read(path),
      async (index) => {
        await this.#readRoot(index)
        this.#notify()
      },
      () => this.materials.forget(),
    )
    this.#expiryCheck = setInterval(() => {
      if (this.index.certificates.some((record) => record.auto && renewalDue(record, this.clock.now()))) this.#notify()
    }, EXPIRY_CHECK_MS).unref()
  }

  get place(): string {
    return this.files.place
  }

  get index(): StoreIndex {
    return this.#journal.index
  }

  get rootPem(): string {
    return this.#rootPem
  }

  oldClientRootPem(): Promise<string> {
    return oldClientRoot(this.index, this.materials)
  }

  read(path: string): Promise<string> {
    return this.materials.read(path)
  }

  async find(name: string): Promise<CertificateRecord> {
    const [found, ...others] = certificatesNamed(this.index, name)
    if (found === undefined) throw this.#unknown(name)
    if (others.length === 0) return found
    const candidates = await Promise.all([found, ...others].map((one) => this.#candidateText(one)))
    throw new PkiError(
      'unknown',
      `"${name}" is ambiguous: ${candidates.join('; ')}. Give the first digits of the thumbprint instead, or a name of its own: sealpost cert rename ${found.thumbprint.slice(0, SHORT_THUMBPRINT)} NEWNAME`,
    )
  }

  #unknown(name: string): PkiError {
    const known = this.index.certificates.map((record) => record.friendlyName)
    const list = known.length ? `there are: ${[...new Set(known)].join(', ')}` : 'the store is empty'
    return new PkiError('unknown', `no certificate "${name}" in ${this.place}; ${list}`)
  }

  /** Returns what tells a certificate from others of the same name. */
  async #candidateText({ thumbprint, friendlyName, certificate, notAfter }: CertificateRecord): Promise<string> {
    const [own] = await this.materials.certificates(certificate)
    const issuedTo = own ? issuedToOf(readFacts(own)) : friendlyName
    return `${thumbprint.slice(0, SHORT_THUMBPRINT)} (issued to ${issuedTo}, expires ${notAfter.slice(0, 10)})`
  }

  update<T>(change: (draft: IndexDraft) => T | Promise<T>): Promise<T> {
    return this.#journal.update(change)
  }

  async refresh(): Promise<void> {
    await this.#journal.refresh()
    if (this.#rootIndex !== this.index) await this.#readRoot(this.index)
  }

  async #readRoot(index: StoreIndex): Promise<void> {
    this.#rootPem = await rootBundle(index, this.materials)
    this.#rootIndex = index
  }

  async resolve(
    virtualServer: string,
    choice: CertificateChoice,
    names: readonly string[],
    audience: Audience = 'modern',
  ): Promise<readonly InstalledCertificate[]> {
    const found = await Promise.all(
      choicesOf(choice).map((one) => this.#resolveOne(virtualServer, one, names, audience)),
    )
    const certificates = new Map(found.flatMap((one) => (one ? [[one.thumbprint, one]] : [])))
    // The engine for old clients does without OpenSSL.
    return [...certificates.values()].map((one) => (audience === 'old' ? one : judge(one)))
  }

  async #resolveOne(
    virtualServer: string,
    choice: SingleCertificateChoice,
    names: readonly string[],
    audience: Audience,
  ): Promise<InstalledCertificate | undefined> {
    switch (choice.kind) {
      case 'none':
        return undefined
      case 'defect':
      case 'variant':
        return this.#byRecipe.certificateFor(choice, names)
      case 'file':
        return this.#ofFiles.certificateFor(choice)
      case 'named':
        return this.#withStaple(this.#pinned(choice.name))
      default: {
        const thumbprint = this.index.assignments[virtualServer]
        const assigned = this.index.certificates.find((record) => record.thumbprint === thumbprint)
        if (assigned) return this.#withStaple(assigned)
        return choice.kind === 'auto' ? this.#withStaple(await autoCertificate(this, names, audience)) : undefined
      }
    }
  }

  /** Returns the newest certificate of a name in the configuration. @throws PkiError `unknown` */
  #pinned(name: string): CertificateRecord {
    const found = certificateNamed(this.index, name)
    if (found === undefined) throw this.#unknown(name)
    return found
  }

  /** Loads a certificate, with OCSP responses if an authority of the store issued it. */
  async #withStaple(record: CertificateRecord): Promise<InstalledCertificate> {
    const installed = await this.materials.load(record)
    const known = this.#stapled.get(installed)
    if (known) return known
    const ocspResponse = await staple(this, installed)
    const stapled = ocspResponse ? { ...installed, ocspResponse } : installed
    this.#stapled.set(installed, stapled)
    return stapled
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#unwatch ??= this.files.watch(() => this.#reloadSoon())
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stopWatching()
    }
  }

  #reloadSoon(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#reload()
    }, SETTLE_MS).unref()
  }

  readonly #reload = coalesce(async () => {
    try {
      await this.reread()
      this.#notify()
    } catch (error) {
      this.log.error(
        { err: error as Error },
        `the certificate store cannot be read, its last readable state stays in use: ${(error as Error).message}`,
      )
    }
  })

  async reread(): Promise<void> {
    if (await this.#journal.isGone()) throw new PkiError('store', `${this.place}/${indexPath} does not exist any more`)
    this.materials.forget()
    await this.refresh()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #stopWatching(): void {
    clearTimeout(this.#settling)
    this.#settling = undefined
    this.#unwatch?.()
    this.#unwatch = undefined
  }

  async close(): Promise<void> {
    clearInterval(this.#expiryCheck)
    this.#listeners.clear()
    this.#stopWatching()
    await this.#journal.settled
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
