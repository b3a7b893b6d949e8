import { X509Certificate } from 'node:crypto'
import { coalesce } from '../../../../core/async/coalesce.ts'
import { clearTimeout, setTimeout } from '../../../../core/time/real-timers.ts'
import type { CertificateRecord } from '../../certificate-store/index-file.ts'
import { certificatesInUse, type LifecycleContext } from '../../lifecycle/context.ts'
import { renewCertificate } from '../../lifecycle/renew.ts'
import type { StoreLog } from '../../types.ts'
import { renewalId } from '../renewal-id.ts'

/** When a certificate is renewed, and when the authority is asked again. In milliseconds since the epoch. */
interface RenewalPlan {
  readonly renewAtMs: number
  readonly askAtMs: number
}

/** Longest real time between two checks for due renewals. */
const LONGEST_WAIT_MS = 3_600_000
const SHORTEST_WAIT_MS = 1000

/**
 * Renews the certificates that virtual servers use and that were obtained by ACME, when their authority suggests it
 * (RFC 9773), or after two thirds of their lifetime if it suggests nothing. Servers use the old certificate
 * until the new one is installed.
 */
export class AcmeRenewals {
  readonly #context: LifecycleContext
  readonly #log: StoreLog
  readonly #plans = new Map<string, RenewalPlan>()
  readonly #unwatch: () => void
  #timer: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(context: LifecycleContext, log: StoreLog) {
    this.#context = context
    this.#log = log
    const check = coalesce(() => this.check())
    this.#unwatch = context.store.watch(check)
    check()
  }

  /** Renews the certificates that are due by the store's clock. Never rejects: failures are logged and tried again. */
  check(): Promise<void> {
    this.#last = this.#last.then(() => this.#check())
    return this.#last
  }

  /** Starts no further renewal, and resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unwatch()
    clearTimeout(this.#timer)
    await this.#last
  }

  async #check(): Promise<void> {
    const { store, lab } = this.#context
    const inUse = lab().virtualServers.flatMap((server) => certificatesInUse(this.#context, server))
    const records = new Map(inUse.filter(({ acme }) => acme).map((record) => [record.thumbprint, record]))
    for (const thumbprint of this.#plans.keys()) if (!records.has(thumbprint)) this.#plans.delete(thumbprint)
    for (const record of records.values()) {
      if (this.#stopped) return
      await this.#attend(record).catch((error: Error) => this.#postpone(record, error))
    }
    this.#wait(store.clock.now())
  }

  #wait(nowMs: number): void {
    clearTimeout(this.#timer)
    const next = Math.min(...[...this.#plans.values()].map(({ renewAtMs, askAtMs }) => Math.min(renewAtMs, askAtMs)))
    if (this.#stopped || next === Number.POSITIVE_INFINITY) return
    const waitMs = Math.min(Math.max(next - nowMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS)
    this.#timer = setTimeout(() => void this.check(), waitMs).unref()
  }

  async #attend(record: CertificateRecord): Promise<void> {
    const { store } = this.#context
    const known = this.#plans.get(record.thumbprint)
    const plan = known && store.clock.now() < known.askAtMs ? known : await this.#plan(record, known)
    this.#plans.set(record.thumbprint, plan)
    if (store.clock.now() < plan.renewAtMs || !(await this.#isStillUsed(record))) return
    const renewal = await renewCertificate(this.#context, record.thumbprint)
    if (renewal.state !== 'renewed') return
    this.#plans.delete(record.thumbprint)
    const next = await this.#plan(renewal.record)
    // A new certificate is not renewed again immediately, even if the authority suggests it.
    const earliestMs = store.clock.now() + (Date.parse(renewal.record.notAfter) - store.clock.now()) / 10
    this.#plans.set(renewal.record.thumbprint, { ...next, renewAtMs: Math.max(next.renewAtMs, earliestMs) })
    this.#log.info(
      { certificate: record.friendlyName, thumbprint: renewal.record.thumbprint },
      `renewed "${record.friendlyName}" by ACME until ${renewal.record.notAfter}`,
    )
  }

  /** Reads the store again: another process may have renewed or replaced the certificate. */
  async #isStillUsed({ thumbprint }: CertificateRecord): Promise<boolean> {
    const { store, lab } = this.#context
    await store.refresh()
    return lab()
      .virtualServers.flatMap((server) => certificatesInUse(this.#context, server))
      .some((one) => one.thumbprint === thumbprint)
  }

  /** Asks the authority when to renew. RFC 9773 section 4.2: a random moment of the window it suggests. */
  async #plan(record: CertificateRecord, known?: RenewalPlan): Promise<RenewalPlan> {
    const { store } = this.#context
    const installed = await store.materials.load(record)
    const certificate = new X509Certificate(installed.certificatePem)
    const fromMs = Date.parse(certificate.validFrom)
    const lifeMs = Date.parse(certificate.validTo) - fromMs
    const nowMs = store.clock.now()
    const id = renewalId(certificate)
    const ca = record.acme?.ca ? await store.materials.read(record.acme.ca) : undefined
    // Loaded here because most labs have no such certificate.
    const { renewalWindow } = await import('./directory.ts')
    const window =
      id && record.acme
        ? await renewalWindow(record.acme.directory, ca, id).catch((error: Error) => {
            this.#log.warn(
              { err: error },
              `"${record.friendlyName}": no renewal information from ${record.acme?.directory}: ${error.message}`,
            )
            return undefined
          })
        : undefined
    if (window === undefined) return { renewAtMs: fromMs + (lifeMs * 2) / 3, askAtMs: nowMs + lifeMs / 24 }
    const { startMs, endMs, askAgainAfterMs } = window
    const isSame = known !== undefined && known.renewAtMs >= startMs && known.renewAtMs <= endMs
    const renewAtMs = isSame ? known.renewAtMs : startMs + Math.random() * (endMs - startMs)
    return { renewAtMs, askAtMs: nowMs + askAgainAfterMs }
  }

  /** Tries again after a tenth of the remaining lifetime, but not too often. */
  #postpone(record: CertificateRecord, error: Error): void {
    const nowMs = this.#context.store.clock.now()
    const leftMs = Date.parse(record.notAfter) - nowMs
    const retryMs = Math.min(Math.max(leftMs / 10, 10_000), LONGEST_WAIT_MS)
    this.#plans.set(record.thumbprint, { renewAtMs: nowMs + retryMs, askAtMs: nowMs + retryMs })
    this.#log.error(
      { err: error, certificate: record.friendlyName },
      `"${record.friendlyName}" could not be renewed by ACME, the old certificate stays in use: ${error.message}`,
    )
  }
}
