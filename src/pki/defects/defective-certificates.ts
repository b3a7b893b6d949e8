import { type Defect, defectSetting } from '../../config/schema/defect.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { certificateNames } from '../names.ts'
import type { InstalledCertificate } from '../types.ts'

/** A clock that is moved by more makes the certificates anew: `expired` is to be expired by it. */
const FRESH_MS = 3_600_000

interface Made {
  readonly atMs: number
  readonly certificate: Promise<InstalledCertificate>
}

/** The defects that a store's virtual servers wear: each made once, and again when time has moved. Nothing of them is kept. */
export class DefectiveCertificates {
  readonly #store: CertificateStore
  readonly #made = new Map<string, Made>()

  constructor(store: CertificateStore) {
    this.#store = store
  }

  /** @param names the lab's names, for a defect that has no host name of its own */
  certificateFor(defect: Defect, names: readonly string[]): Promise<InstalledCertificate> {
    const hosts = defect.hostname === undefined ? names : certificateNames(defect.hostname)
    const key = `${defectSetting(defect)} ${hosts.join()}`
    const atMs = this.#store.clock.now()
    const known = this.#made.get(key)
    if (known && Math.abs(atMs - known.atMs) < FRESH_MS) return known.certificate
    const certificate = this.#make(defect, hosts)
    this.#made.set(key, { atMs, certificate })
    certificate.catch(() => this.#made.delete(key))
    return certificate
  }

  async #make({ defect }: Defect, hosts: readonly string[]): Promise<InstalledCertificate> {
    const { makeDefect } = await import('./make.ts')
    return makeDefect(this.#store, defect, hosts)
  }
}
