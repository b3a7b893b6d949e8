import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import type { MovableClock } from '../../core/time/movable-clock.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { dayOf } from '../../transport/daily-results.ts'
import type { DmarcReporting } from './dmarc-reporting.ts'
import type { OutgoingPolicies } from './outgoing-policies.ts'
import type { TlsReporting } from './tls-reporting.ts'

/** The parts of a lab that its daily work needs. */
interface DailyServices {
  readonly config: ResolvedLab
  readonly clock: MovableClock
  readonly log: Logger
  readonly tlsReports: TlsReporting
  readonly dmarcReports: DmarcReporting
  readonly outgoing: { readonly policies: OutgoingPolicies }
}

/** Longest time between two looks at the clock, in milliseconds. */
const MAX_WAIT_MS = 3_600_000
const DAY_MS = 86_400_000

/**
 * Does what a mail server does once a day, after midnight in UTC by the lab's clock: sends the reports about the days before
 * (RFC 8460 section 4.1, RFC 9990 section 3.1), and fetches MTA-STS policies again (RFC 8461 section 3.3).
 */
export class DailyReports {
  readonly #lab: DailyServices
  #doneOn = ''
  #working: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(lab: DailyServices) {
    this.#lab = lab
  }

  /** Works until `signal` is aborted. A day that ended while no node worked is done at the start. */
  async lead(signal: AbortSignal): Promise<void> {
    const unwatch = this.#lab.clock.watch(() => this.#look(signal))
    void this.#look(signal)
    await untilAborted(signal)
    unwatch()
    clearTimeout(this.#timer)
    await this.#working
  }

  /** Works if a day has begun since the last time. A move of the clock waits for it. */
  #look(signal: AbortSignal): Promise<void> {
    this.#working = this.#working.then(async () => {
      const { clock, log } = this.#lab
      const today = dayOf(clock.now())
      if (today !== this.#doneOn && !signal.aborted) {
        this.#doneOn = today
        await this.#work(today, signal).catch((err: unknown) =>
          log.error({ err }, 'the daily reports could not be sent'),
        )
      }
      clearTimeout(this.#timer)
      if (signal.aborted || clock.isFrozen) return
      const waitMs = Math.min(DAY_MS - (clock.now() % DAY_MS), MAX_WAIT_MS)
      this.#timer = setTimeout(() => void this.#look(signal), waitMs).unref()
    })
    return this.#working
  }

  async #work(today: string, signal: AbortSignal): Promise<void> {
    const { config, tlsReports, dmarcReports, outgoing, log } = this.#lab
    await outgoing.policies.refresh(config.outgoing.connectors, signal)
    const isDaily = (settings: { readonly schedule: string } | undefined): boolean => settings?.schedule === 'daily'
    const sent = [
      ...(isDaily(config.outgoing.tlsReports) ? await tlsReports.send(undefined, signal, today) : []),
      ...(isDaily(config.mail.authentication.reports) ? await dmarcReports.send(undefined, { before: today }) : []),
    ]
    for (const { domain, day, to, problem } of sent) log.info({ domain, day, to, problem }, 'daily report')
  }
}
