import { openKey, servicePaths } from '../authority/issue.ts'
import { type AuthorityKey, issuedWith, keysOf } from '../certificate-store/authority-keys.ts'
import { findAuthority, type IssuedRecord, type StoreIndex } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { CRL_LIFE_MS, createCrl } from '../revocation/crl.ts'
import { type CertId, certStatusOf } from '../revocation/ocsp.ts'

/** A revocation list as clients get it. Times are those of the lab's clock. */
export interface ServedCrl {
  /** Below the address of the service. */
  readonly path: string
  readonly der: Buffer
  /** Its number, which is its time in milliseconds. RFC 5280 section 5.2.3. */
  readonly number: number
  readonly nextUpdateMs: number
  /** Number of certificates that it lists. */
  readonly revoked: number
}

/** What OCSP said about a certificate. */
export interface OcspAnswer {
  readonly at: string
  readonly serial: string
  /** Undefined: no certificate of the authority. */
  readonly subject: string | undefined
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly client: string
}

/** OCSP answers that are kept for each authority. */
const MAX_ANSWERS = 100

/** The revocation lists that a service serves, and its latest OCSP answers. */
export class ServiceActivity {
  readonly #store: CertificateStore
  readonly #lists = new Map<string, { readonly crl: ServedCrl; readonly index: StoreIndex }>()
  readonly #answers = new Map<string, OcspAnswer[]>()

  constructor(store: CertificateStore) {
    this.#store = store
  }

  /** Returns the list of a key of an authority: a new one after each change of the store, and after half its lifetime. */
  async crl(name: string, key: AuthorityKey): Promise<ServedCrl> {
    const store = this.#store
    // Another process may have revoked a certificate just now.
    await store.refresh()
    const { crl: path } = servicePaths(name, key.number)
    const nowMs = store.clock.now()
    const known = this.#lists.get(path)
    if (known?.index === store.index && Math.abs(nowMs - known.crl.number) <= CRL_LIFE_MS / 2) return known.crl
    const { record, issuer } = await openKey(store, findAuthority(store.index, name), key)
    const issued = issuedWith(record, key)
    const revoked = issued.filter((one) => one.revoked && Date.parse(one.notAfter) > nowMs).length
    const der = createCrl(issued, issuer, nowMs)
    const crl = { path, der, number: nowMs, nextUpdateMs: nowMs + CRL_LIFE_MS, revoked }
    this.#lists.set(path, { crl, index: store.index })
    return crl
  }

  /** Returns the lists of all keys of an authority, that of the present key first. */
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
