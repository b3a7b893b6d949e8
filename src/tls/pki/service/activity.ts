import { clearInterval, setInterval } from '../../../core/time/real-timers.ts'
import { type OpenAuthority, openKey, servicePaths } from '../authority/issue.ts'
import { type AuthorityKey, issuedWith, keysOf } from '../certificate-store/authority-keys.ts'
import {
  type AuthorityRecord,
  findAuthority,
  type IssuedRecord,
  type StoreIndex,
} from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { CRL_LIFE_MS, createCrl, nextCrlNumber } from '../revocation/crl.ts'
import { type CertId, certStatusOf, isFresh } from '../revocation/ocsp.ts'

/** A revocation list as clients get it. Times are by the lab's clock. */
interface ServedCrl {
  /** Below the address of the service. */
  readonly path: string
  readonly der: Buffer
  /** Its number, which is its time in milliseconds. RFC 5280 section 5.2.3. */
  readonly number: number
  readonly nextUpdateMs: number
  /** Number of certificates that it lists. */
  readonly revoked: number
}

/** An OCSP answer about a certificate. */
interface OcspAnswer {
  readonly at: string
  readonly serial: string
  /** Undefined: no certificate of the authority. */
  readonly subject: string | undefined
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly client: string
}

/** OCSP answers that are kept for each authority. */
const MAX_ANSWERS = 100
/** How often the store is read if nobody asks, so that its last known state is not old. */
const READ_MS = 3_600_000

/**
 * The revocation lists that a service serves, and its latest OCSP answers. While the store cannot be read, they tell its last
 * known state, as long as that is valid.
 */
export class ServiceActivity implements Disposable {
  readonly #store: CertificateStore
  /** When the state was last read, by the lab's clock. */
  #readAtMs: number
  #isBehind = false
  /** The keys as they were opened last, by the path of the key. */
  readonly #opened = new Map<string, OpenAuthority>()
  readonly #timer: NodeJS.Timeout
  readonly #lists = new Map<string, { readonly crl: ServedCrl; readonly index: StoreIndex; readonly atMs: number }>()
  readonly #answers = new Map<string, OcspAnswer[]>()

  constructor(store: CertificateStore) {
    this.#store = store
    this.#readAtMs = store.clock.now()
    this.#timer = setInterval(() => void this.prepare(), READ_MS).unref()
  }

  /** Reads the store and opens every key, so that the service can answer without the store. Never rejects. */
  async prepare(): Promise<void> {
    const { log } = this.#store
    try {
      await this.#read()
      for (const record of this.#store.index.authorities) {
        if (record.certificate !== undefined) for (const key of keysOf(record)) await this.open(record, key)
      }
    } catch (err) {
      log.warn({ err }, `authority service: a key cannot be opened: ${(err as Error).message}`)
    }
  }

  /**
   * Reads the store, which another process may just have changed. Returns the moment of the state that is known now, by the
   * lab's clock: earlier if the store cannot be read.
   * @param lifeMs how long an answer about the state is valid
   * @throws PkiError `store` if the last known state is older
   */
  async readAt(lifeMs: number): Promise<number> {
    await this.#read()
    if (this.#store.clock.now() > this.#readAtMs + lifeMs) {
      throw new PkiError('store', 'the last known state of the certificate store is too old for an answer')
    }
    return this.#readAtMs
  }

  async #read(): Promise<void> {
    const { clock, log } = this.#store
    try {
      await this.#store.refresh()
      this.#readAtMs = clock.now()
      this.#isBehind = false
    } catch (err) {
      const why = (err as Error).message
      if (!this.#isBehind) log.warn({ err }, `authority service: answers tell the last known state, because ${why}`)
      this.#isBehind = true
    }
  }

  /** Opens a key of an authority. If it cannot be read, returns it as it was opened last. @throws PkiError `store` */
  async open(record: AuthorityRecord, key: AuthorityKey): Promise<OpenAuthority> {
    try {
      const opened = await openKey(this.#store, record, key)
      this.#opened.set(key.key, opened)
      return opened
    } catch (err) {
      const known = this.#opened.get(key.key)
      if (!known) throw err
      this.#store.log.warn(
        { err },
        `authority service: ${(err as Error).message}; the key that was read before stays in use`,
      )
      return { ...known, record }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** Returns the list of a key of an authority: a new one after each change of the store, and after half its lifetime. */
  async crl(name: string, key: AuthorityKey): Promise<ServedCrl> {
    const store = this.#store
    const nowMs = await this.readAt(CRL_LIFE_MS)
    const { crl: path } = servicePaths(name, key.number)
    const known = this.#lists.get(path)
    if (known?.index === store.index && isFresh(known.atMs, nowMs, CRL_LIFE_MS)) return known.crl
    const { record, issuer } = await this.open(findAuthority(store.index, name), key)
    const issued = issuedWith(record, key)
    const revoked = issued.filter((one) => one.revoked && Date.parse(one.notAfter) > nowMs).length
    const number = nextCrlNumber(store, record)
    const der = createCrl(issued, issuer, nowMs, number)
    const crl = { path, der, number, nextUpdateMs: nowMs + CRL_LIFE_MS, revoked }
    this.#lists.set(path, { crl, index: store.index, atMs: nowMs })
    return crl
  }

  /** Returns the lists of all keys of an authority, the present key's first. */
  async crls(name: string): Promise<ServedCrl[]> {
    const record = findAuthority(this.#store.index, name)
    return record.certificate === undefined ? [] : Promise.all(keysOf(record).map((key) => this.crl(name, key)))
  }

  recordOcsp(name: string, ids: readonly CertId[], find: (id: CertId) => IssuedRecord | undefined, client: string) {
    const at = new Date(this.#store.clock.now()).toISOString()
    const answers = ids.map((id): OcspAnswer => {
      const entry = find(id)
      return { at, serial: id.serial, subject: entry?.subject, status: certStatusOf(entry), client }
    })
    const kept = [...answers.toReversed(), ...(this.#answers.get(name) ?? [])]
    this.#answers.set(name, kept.slice(0, MAX_ANSWERS))
  }

  /** Returns the latest OCSP answers of an authority, the newest first. */
  ocspAnswers(name: string): readonly OcspAnswer[] {
    return this.#answers.get(name) ?? []
  }
}
