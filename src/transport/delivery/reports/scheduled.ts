import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { ReportSettings } from '../../../core/config/schema/reports.ts'
import { untilAborted } from '../../../core/time/abort-after.ts'
import type { MovableClock } from '../../../core/time/movable-clock.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { StoreError } from '../../../storage/store/errors.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { ValueSpace } from '../../../storage/store/value-types.ts'
import { DeliveryError, type DeliveryServices } from '../types.ts'
import { sendOwnMail } from './send.ts'
import type { OwnMail, ReportSchedule } from './types.ts'

/** The parts of a lab that reports need. */
interface ReportServices {
  readonly store: MessageStore
  readonly clock: MovableClock
  readonly log: Logger
  /** Delivers the reports. */
  readonly services: DeliveryServices
  readonly config: { readonly mail: { readonly reports: ReportSettings } }
  /** Notifies the node that sends the reports, on which `woken` is called. */
  readonly cluster: { wake(role: 'reports'): void }
}

const SPACE: ValueSpace = { kind: 'report' }
/** Longest time of a timer of Node.js. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** Time after which a report is sent again that the store could not take. */
const RETRY_MS = 10_000

/**
 * Sends reports when their time comes. If several nodes share the store, one sends them. They are small values of the
 * store, so that a restart keeps them where the store is on disk, and that clearing the store drops them. A crash between
 * sending and removing sends a report twice.
 */
export class ScheduledReports implements ReportSchedule {
  readonly #lab: ReportServices
  /** When each report is due, by its name. */
  readonly #due = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()
  /** While this process sends the reports. */
  #isSending = false

  constructor(lab: ReportServices) {
    this.#lab = lab
  }

  get settings(): ReportSettings {
    return this.#lab.config.mail.reports
  }

  /** Sends the reports that the store has, and further ones, until `signal` is aborted. @throws StoreError */
  async lead(signal: AbortSignal): Promise<void> {
    this.#isSending = true
    const unwatch = this.#lab.clock.watch(() => this.#sendDue())
    try {
      await this.#read()
      void this.#sendDue()
      await untilAborted(signal)
    } finally {
      this.#isSending = false
      unwatch()
      this.clear()
      await this.#sending
    }
  }

  /** Takes up the reports that another node has scheduled. */
  woken(): void {
    this.#read().then(
      () => this.#sendDue(),
      (err: Error) => this.#lab.log.error({ err }, 'the scheduled reports could not be read'),
    )
  }

  async #read(): Promise<void> {
    for (const [name, value] of await this.#lab.store.values(SPACE)) this.#due.set(name, parse(value).dueAt)
  }

  async schedule(mail: OwnMail, dueAt: number): Promise<void> {
    const { store, clock, services } = this.#lab
    if (dueAt <= clock.now()) return sendOwnMail(services, mail, dueAt)
    const name = randomUUID()
    await store.changeValues(SPACE, () => new Map([[name, format(mail, dueAt)]]))
    if (!this.#isSending) return this.#lab.cluster.wake('reports')
    this.#due.set(name, dueAt)
    this.#wake()
  }

  /** Forgets all reports. Called after the store was cleared. */
  clear(): void {
    this.#due.clear()
    clearTimeout(this.#timer)
  }

  /** Sends what is due, one report after the other. */
  #sendDue(): Promise<void> {
    this.#sending = this.#sending.then(async () => {
      const { clock } = this.#lab
      const due = [...this.#due].filter(([, dueAt]) => dueAt <= clock.now()).sort(([, one], [, other]) => one - other)
      for (const [name] of due) {
        if (!this.#isSending || !(await this.#send(name))) break
      }
      this.#wake()
    })
    return this.#sending
  }

  /** Sends a report and removes it. Returns false if it stays, because the store failed. */
  async #send(name: string): Promise<boolean> {
    const { store, services, log } = this.#lab
    try {
      const value = (await store.values({ ...SPACE, names: [name] })).get(name)
      if (value) await this.#deliver(parse(value), services)
      await store.changeValues(SPACE, () => new Map([[name, undefined]]))
      this.#due.delete(name)
      return true
    } catch (err) {
      if (!(err instanceof StoreError && err.code === 'closed')) log.error({ err }, 'a report could not be sent')
      return false
    }
  }

  async #deliver({ mail, dueAt }: Pending, services: DeliveryServices): Promise<void> {
    try {
      await sendOwnMail(services, mail, dueAt)
    } catch (err) {
      if (!(err instanceof DeliveryError)) throw err
      this.#lab.log.warn({ err, session: mail.session }, 'a report could not be delivered')
    }
  }

  /** Sets the timer to the next report. A clock that stands still is moved by tests only, and wakes by its own watch. */
  #wake(): void {
    clearTimeout(this.#timer)
    const { clock } = this.#lab
    if (!this.#isSending || this.#due.size === 0 || clock.isFrozen) return
    const next = Math.min(...this.#due.values()) - clock.now()
    const waitMs = next <= 0 ? RETRY_MS : Math.min(next, MAX_TIMER_MS)
    this.#timer = setTimeout(() => void this.#sendDue(), waitMs).unref()
  }
}

/** A report that waits. */
interface Pending {
  readonly mail: OwnMail
  readonly dueAt: number
}

/** Returns a line of JSON, and the message after it. */
const format = ({ raw, ...facts }: OwnMail, dueAt: number): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify({ ...facts, dueAt })}\n`), raw])

function parse(value: Buffer): Pending {
  const end = value.indexOf('\n')
  const { dueAt, ...facts } = JSON.parse(value.toString('utf8', 0, end)) as Omit<OwnMail, 'raw'> & { dueAt: number }
  return { mail: { ...facts, raw: value.subarray(end + 1) }, dueAt }
}
