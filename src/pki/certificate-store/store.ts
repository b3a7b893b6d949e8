import type { Clock } from '../../common/clock.ts'
import { type CertificateChoice, choicesOf, type SingleCertificateChoice } from '../../config/schema/certificate.ts'
import { RecipeCertificates } from '../defects/recipe-certificates.ts'
import { PkiError } from '../errors.ts'
import type { KeySpec } from '../keys.ts'
import { staple } from '../revocation/ocsp.ts'
import type { Audience, CertificateSource, InstalledCertificate } from '../types.ts'
import { autoCertificate, ensureRoot, renewalDue } from './auto.ts'
import type { Draft } from './draft.ts'
import { folderFiles, memoryFiles, type StoreFiles } from './files.ts'
import { type CertificateRecord, indexPath, type StoreIndex } from './index-file.ts'
import { Journal } from './journal.ts'
import { Materials } from './materials.ts'

export interface StoreLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface CertificateStoreOptions {
  /** A folder, or `memory`. */
  readonly folder: string
  readonly clock: Clock
  readonly log: StoreLog
  /** Key of what `auto` issues, and of the lab's root. */
  readonly key: KeySpec
  /** Whether an empty store gets the lab's root authority at once. Default true. */
  readonly makeRoot?: boolean
  /** Address of the lab's authority service, as http://pki.example.test:8080. */
  readonly serviceUrl?: string
}

/** Changes by other programs come in bursts of several files. */
const settleMs = 40
/** How often dates are looked at. */
const lookMs = 3_600_000

/** Certificates, keys, pending requests and authorities of a lab, in a folder that several processes may share. */
export class CertificateStore implements CertificateSource, AsyncDisposable {
  readonly clock: Clock
  readonly log: StoreLog
  readonly key: KeySpec
  readonly materials: Materials
  /** Address of the lab's authority service: what is issued from now on says where to ask about revocation. */
  serviceUrl: string | undefined
  readonly #files: StoreFiles
  readonly #listeners = new Set<() => void>()
  readonly #journal: Journal
  #unwatch: (() => void) | undefined
  #settling: NodeJS.Timeout | undefined
  readonly #looking: NodeJS.Timeout
  readonly #stapled = new WeakMap<InstalledCertificate, InstalledCertificate>()
  readonly #byRecipe = new RecipeCertificates(this)
  #rootPem = ''

  private constructor(files: StoreFiles, options: CertificateStoreOptions) {
    this.#files = files
    this.clock = options.clock
    this.log = options.log
    this.key = options.key
    this.serviceUrl = options.serviceUrl
    this.materials = new Materials(files, options.log)
    this.#journal = new Journal(
      files,
      (path) => this.materials.read(path),
      async (index) => {
        this.#rootPem = await this.materials.rootOf(index)
        this.#tell()
      },
    )
    this.#looking = setInterval(() => {
      if (this.index.certificates.some((record) => record.auto && renewalDue(record, this.clock.now()))) this.#tell()
    }, lookMs).unref()
  }

  /** Opens the store, and makes the lab's root authority where there is none. @throws PkiError `store` */
  static async open(options: CertificateStoreOptions): Promise<CertificateStore> {
    const files = options.folder === 'memory' ? memoryFiles() : await folderFiles(options.folder, indexPath)
    const store = new CertificateStore(files, options)
    try {
      await store.refresh()
      if (options.makeRoot !== false) await ensureRoot(store)
      return store
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** The folder, or `memory`. */
  get place(): string {
    return this.#files.place
  }

  /** A file of the store. @throws PkiError `store` */
  read(path: string): Promise<string> {
    return this.materials.read(path)
  }

  /** What the store holds now. Not to be altered: `update` is for that. */
  get index(): StoreIndex {
    return this.#journal.index
  }

  /** PEM of the root above the authority that issues for `auto`; empty where there is none. */
  get rootPem(): string {
    return this.#rootPem
  }

  /** PEM of the root that old clients are to trust; empty until the first certificate for them is issued. */
  oldClientRootPem(): Promise<string> {
    return this.materials.rootOf(this.index, 'old')
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
    const certificates = found.filter((one) => one !== undefined)
    return [...new Map(certificates.map((one) => [one.thumbprint, one])).values()]
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
      case 'named':
        return this.#withStaple(this.find(choice.name))
      default: {
        const thumbprint = this.index.assignments[virtualServer]
        const assigned = this.index.certificates.find((record) => record.thumbprint === thumbprint)
        if (assigned) return this.#withStaple(assigned)
        return choice.kind === 'auto' ? this.#withStaple(await autoCertificate(this, names, audience)) : undefined
      }
    }
  }

  /** With what its issuer says of it, where that is an authority of the store. */
  async #withStaple(record: CertificateRecord): Promise<InstalledCertificate> {
    const installed = await this.materials.load(record)
    const known = this.#stapled.get(installed)
    if (known) return known
    const ocspResponse = await staple(this, installed)
    const stapled = ocspResponse ? { ...installed, ocspResponse } : installed
    this.#stapled.set(installed, stapled)
    return stapled
  }

  /** The record of a friendly name or thumbprint (any case, spaces and colons allowed). @throws PkiError `unknown` */
  find(name: string): CertificateRecord {
    const thumbprint = name.replace(/[\s:]/g, '').toUpperCase()
    const exact = this.index.certificates.filter((record) => record.thumbprint === thumbprint)
    const found = exact.length > 0 ? exact : this.index.certificates.filter((record) => record.friendlyName === name)
    // A renewed certificate carries on the friendly name: the newest of that name is meant.
    const newest = found.at(-1)
    if (newest) return newest
    const known = this.index.certificates.map((record) => record.friendlyName)
    const list = known.length ? `there are: ${[...new Set(known)].join(', ')}` : 'the store holds none'
    throw new PkiError('unknown', `no certificate "${name}" in ${this.place}; ${list}`)
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#unwatch ??= this.#files.watch(() => this.#settle())
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stopWatching()
    }
  }

  /**
   * Changes the store: whole or not at all, one change at a time over all processes. `change` may run again when another
   * process came in between, so it must do nothing but alter the draft. Make keys before, not within.
   * @throws what `change` throws; then nothing has changed
   */
  update<T>(change: (draft: Draft) => T | Promise<T>): Promise<T> {
    return this.#journal.update(change)
  }

  /** Looks at the folder again: what a process that does not watch does before it reads. */
  async refresh(): Promise<void> {
    if (await this.#journal.refresh()) this.#rootPem = await this.materials.rootOf(this.index)
  }

  async close(): Promise<void> {
    clearInterval(this.#looking)
    this.#listeners.clear()
    this.#stopWatching()
    await this.#journal.settled
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#reload().catch((error: Error) =>
        this.log.error(
          { err: error },
          `the certificate store is broken, what was read last stays in service: ${error.message}`,
        ),
      )
    }, settleMs).unref()
  }

  async #reload(): Promise<void> {
    await this.#journal.settled
    if (await this.#journal.isGone()) throw new PkiError('store', `${this.place}/${indexPath} is gone`)
    this.materials.forget()
    await this.refresh()
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #stopWatching(): void {
    clearTimeout(this.#settling)
    this.#settling = undefined
    this.#unwatch?.()
    this.#unwatch = undefined
  }
}
