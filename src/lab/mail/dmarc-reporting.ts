import { randomBytes } from 'node:crypto'
import { splitAddress } from '../../accounts/directory/names.ts'
import type { ApiDmarcReports, SentReport } from '../../api/lab.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { DmarcReportDefect } from '../../core/config/schema/mail-authentication.ts'
import type { Clock } from '../../core/time/clock.ts'
import type { Rates } from '../../net/rates.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { timesOf } from '../../transport/daily-results.ts'
import { composeDmarcReport } from '../../transport/dmarc-reports/compose.ts'
import { composeFailureReport, wantsFailureReport } from '../../transport/dmarc-reports/failure.ts'
import { countOf, type DmarcDay, DmarcResults } from '../../transport/dmarc-reports/results.ts'
import { type ReportTarget, reportTargets } from '../../transport/dmarc-reports/targets.ts'
import type { DmarcReport, PublishedPolicy } from '../../transport/dmarc-reports/types.ts'
import { tagsOf } from '../../transport/mail-authentication/check-dmarc.ts'
import { discoveries } from '../../transport/mail-authentication/dmarc-discovery.ts'
import type { JudgedMessage, MailAuthentication } from '../../transport/mail-authentication/mail-authentication.ts'
import { type ReportSender, sendReport } from './send-report.ts'

/** The parts of a lab that DMARC reports need. */
interface DmarcReportServices extends ReportSender {
  readonly config: ResolvedLab
  readonly store: MessageStore
  readonly clock: Clock
  readonly rates: Rates
  readonly mailAuthentication: MailAuthentication
  readonly cluster: { readonly node: string }
  logError(error: unknown, message: string): void
}

/** Failure reports about a domain in a day: a flood of forged mail must not become a flood of reports. RFC 9991 section 2. */
const FAILURE_RATE = { count: 100, perMs: 86_400_000 }

/** DMARC reports about mail that was checked on arrival. RFC 9990, RFC 9991. */
export class DmarcReporting implements ApiDmarcReports {
  readonly #lab: DmarcReportServices
  readonly #results: DmarcResults

  constructor(lab: DmarcReportServices) {
    this.#lab = lab
    this.#results = new DmarcResults(lab.store, lab.clock, lab.cluster.node)
    this.#results.onError = (error) => lab.logError(error, 'messages could not be counted for DMARC reports')
    lab.mailAuthentication.onJudged = (judged) => this.#note(judged)
  }

  /** Returns the counts by policy domain and day, the latest day first. */
  list(domain?: string): Promise<readonly DmarcDay[]> {
    return this.#results.list(domain)
  }

  /** Writes the counts that are in memory. */
  flush(): Promise<void> {
    return this.#results.flush()
  }

  /** Forgets the counts that are in memory. */
  forget(): void {
    this.#results.discard()
  }

  /** Sends a report for each domain and day. What was sent is forgotten. */
  async send(
    domain: string | undefined,
    { defect, before }: { readonly defect?: DmarcReportDefect | undefined; readonly before?: string } = {},
  ): Promise<readonly SentReport[]> {
    const sent: SentReport[] = []
    for (const results of await this.list(domain)) {
      if (before !== undefined && results.day >= before) continue
      const outcomes = await this.#sendOne(results, defect)
      if (outcomes.some(({ problem }) => problem === undefined)) await this.#results.delete(results)
      sent.push(...outcomes)
    }
    return sent
  }

  async #sendOne(results: DmarcDay, defect: DmarcReportDefect | undefined): Promise<readonly SentReport[]> {
    const { domain, day } = results
    const { dmarc: edition, reports } = this.#lab.config.mail.authentication
    const targets = await this.#targets('rua', results)
    if (targets.length === 0) {
      return [{ domain, day, to: undefined, problem: `${domain} asks for no aggregate reports at _dmarc.${domain}` }]
    }
    const report = this.#reportOf(results)
    const sent: SentReport[] = []
    for (const { uri, to, problem } of targets) {
      if (to === undefined) sent.push({ domain, day, to: uri, problem })
      else {
        const form = { edition, defect: defect ?? reports?.defect }
        const raw = await composeDmarcReport(report, this.#addressing(to), form)
        sent.push({ domain, day, to: uri, problem: await sendReport(this.#lab, { from: this.#from, to, raw }) })
      }
    }
    return sent
  }

  #reportOf({ domain, day, record, rows }: DmarcDay): DmarcReport {
    return {
      organizationName: this.#lab.config.mail.authentication.reports?.organization ?? 'Sealpost',
      email: this.#from,
      reportId: randomBytes(12).toString('hex'),
      ...timesOf(day),
      policy: publishedIn(record, domain, this.#lab.config.mail.authentication.dmarc),
      rows,
    }
  }

  get #from(): string {
    const { config } = this.#lab
    return config.mail.authentication.reports?.from ?? `dmarc-reports@${config.domain}`
  }

  #addressing(to: string) {
    return { from: this.#from, to, submitter: splitAddress(this.#from).domain, at: this.#lab.clock.now() }
  }

  #targets(
    tag: 'rua' | 'ruf',
    of: { readonly record: string; readonly domain: string },
  ): Promise<readonly ReportTarget[]> {
    const { mailAuthentication, config } = this.#lab
    const names = mailAuthentication.names()
    const { organizationOf } = discoveries[config.mail.authentication.dmarc](names)
    return reportTargets(tag, of, names, organizationOf)
  }

  /** Counts a message, and sends a failure report about it if its domain asks for one. */
  async #note(judged: JudgedMessage): Promise<void> {
    const { reports } = this.#lab.config.mail.authentication
    if (!reports) return
    const count = countOf(judged)
    if (!count) return
    this.#results.add([count])
    if (!reports.failureReports || !wantsFailureReport(judged)) return
    if (!this.#lab.rates.take(`dmarc-failures\n${count.domain}`, FAILURE_RATE)) return
    // The message does not wait for it.
    void this.#reportFailure(judged, count).catch((error: unknown) =>
      this.#lab.logError(error, 'a DMARC failure report could not be sent'),
    )
  }

  async #reportFailure(judged: JudgedMessage, of: { readonly record: string; readonly domain: string }): Promise<void> {
    for (const { to, problem: missing } of await this.#targets('ruf', of)) {
      const raw = to && composeFailureReport(judged, this.#addressing(to), this.#lab.config.hostname)
      const problem = to && raw ? await sendReport(this.#lab, { from: this.#from, to, raw }) : missing
      if (problem !== undefined) throw new Error(problem)
    }
  }
}

/** Returns the published policy, with the defaults of tags that the record does not have. RFC 9990 section 3.1.1.5. */
function publishedIn(record: string, domain: string, edition: keyof typeof discoveries): PublishedPolicy {
  const tags = tagsOf(record)
  const oneOf = (tag: string, values: readonly string[], otherwise: string): string => {
    const value = tags.get(tag)?.toLowerCase() ?? ''
    return values.includes(value) ? value : otherwise
  }
  const policies = ['none', 'quarantine', 'reject']
  const p = oneOf('p', policies, 'none')
  const sp = oneOf('sp', policies, p)
  return {
    domain,
    discoveryMethod: edition === 'rfc7489' ? 'psl' : 'treewalk',
    p,
    sp,
    np: oneOf('np', policies, sp),
    adkim: oneOf('adkim', ['r', 's'], 'r'),
    aspf: oneOf('aspf', ['r', 's'], 'r'),
    fo: tags.get('fo') ?? '0',
    testing: oneOf('t', ['y', 'n'], 'n'),
  }
}
