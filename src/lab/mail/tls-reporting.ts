import { randomBytes } from 'node:crypto'
import { splitAddress } from '../../accounts/directory/names.ts'
import type { ApiTlsReports, SentReport } from '../../api/lab.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { Clock } from '../../core/time/clock.ts'
import { rootsOf } from '../../tls/pki/authority/exported-roots.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { timesOf } from '../../transport/daily-results.ts'
import { DnsError } from '../../transport/dns/errors.ts'
import { lookupAt } from '../../transport/dns/resolver.ts'
import { dnsConnectorFor, forbiddenBy } from '../../transport/outgoing/connectors.ts'
import { type ResolvedConnector, RouteError } from '../../transport/outgoing/types.ts'
import { addressOf } from '../../transport/report-address.ts'
import { composeTlsReport } from '../../transport/tls-reports/compose.ts'
import { type ReportSettings, reportSettings } from '../../transport/tls-reports/configured.ts'
import { postTlsReport, reportHost } from '../../transport/tls-reports/post.ts'
import { ruaInRecords } from '../../transport/tls-reports/record.ts'
import type { DayResults } from '../../transport/tls-reports/results.ts'
import type { TlsReport } from '../../transport/tls-reports/types.ts'
import type { OutgoingPolicies } from './outgoing-policies.ts'
import { type ReportSender, sendReport } from './send-report.ts'

/** The parts of a lab that TLS reports need. */
interface TlsReportServices extends ReportSender {
  readonly config: ResolvedLab
  readonly outgoing: ReportSender['outgoing'] & { readonly policies: OutgoingPolicies }
  readonly certificateStore: CertificateStore
  readonly clock: Clock
}

/** Most URIs of a domain that get a report. */
const MAX_TARGETS = 5
const HTTPS_PORT = 443

/** Where a report goes: a URI of the domain, and the connector for the domain. */
interface Target {
  readonly uri: string
  readonly connector: ResolvedConnector
}

/** Reports about the TLS of outgoing mail, sent on demand. RFC 8460. */
export class TlsReporting implements ApiTlsReports {
  readonly #lab: TlsReportServices

  constructor(lab: TlsReportServices) {
    this.#lab = lab
  }

  list(domain?: string): Promise<readonly DayResults[]> {
    return this.#lab.outgoing.policies.results.list(domain)
  }

  /**
   * Sends a report for each domain and day. Results that were sent are forgotten.
   * @param before only about days before this one
   */
  async send(domain: string | undefined, signal: AbortSignal, before?: string): Promise<readonly SentReport[]> {
    const sent: SentReport[] = []
    for (const results of await this.list(domain)) {
      if (before !== undefined && results.day >= before) continue
      const outcomes = await this.#sendOne(results, signal)
      if (outcomes.some(({ problem }) => problem === undefined))
        await this.#lab.outgoing.policies.results.delete(results)
      sent.push(...outcomes)
    }
    return sent
  }

  async #sendOne(results: DayResults, signal: AbortSignal): Promise<readonly SentReport[]> {
    const { domain, day } = results
    const settings = reportSettings(this.#lab.config)
    const report = this.#reportOf(results, settings)
    const targets = await this.#targetsOf(domain, signal)
    if (typeof targets === 'string') return [{ domain, day, to: undefined, problem: targets }]
    const sent: SentReport[] = []
    for (const target of targets) {
      const problem = await this.#sendTo(target, report, domain, settings, signal)
      sent.push({ domain, day, to: target.uri, problem })
    }
    return sent
  }

  #reportOf({ domain, day, policies }: DayResults, { organization, from }: ReportSettings): TlsReport {
    // A domain gets another report of the same day if there are further results.
    const reportId = `${day}_${domain}_${randomBytes(4).toString('hex')}`
    return { organizationName: organization, contactInfo: from, reportId, ...timesOf(day), policies }
  }

  /** Returns where a domain wants reports, or why that is not known. RFC 8460 section 3. */
  async #targetsOf(domain: string, signal: AbortSignal): Promise<readonly Target[] | string> {
    const connector = dnsConnectorFor(this.#lab.config.outgoing.connectors, domain)
    if (!connector) return `no connector with route: dns sends to ${domain}`
    try {
      const resolver = await this.#lab.outgoing.policies.resolverOf(connector)
      const { records } = await resolver.txt(`_smtp._tls.${domain}`, signal)
      const targets = ruaInRecords(records).slice(0, MAX_TARGETS)
      if (targets.length > 0) return targets.map((uri) => ({ uri, connector }))
    } catch (error) {
      if (!(error instanceof DnsError || error instanceof RouteError)) throw error
      if (!(error instanceof DnsError && error.isPermanent)) return error.message
    }
    return `${domain} asks for no reports at _smtp._tls.${domain}`
  }

  /** Returns why a report could not be sent; undefined if it was sent or queued. */
  async #sendTo(
    target: Target,
    report: TlsReport,
    domain: string,
    settings: ReportSettings,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { uri } = target
    const to = addressOf(uri)
    if (to === undefined && /^mailto:/i.test(uri)) return `${uri} is not a valid mail address`
    if (to !== undefined) return this.#mail(report, to, domain, settings)
    try {
      await this.#post(report, target, domain, signal)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Sends the report by HTTPS, where the connector would send mail. @throws Error */
  async #post(report: TlsReport, { uri, connector }: Target, domain: string, signal: AbortSignal): Promise<void> {
    const host = reportHost(uri, [...new Set([HTTPS_PORT, connector.policyPort])])
    const forbidden =
      forbiddenBy(connector, `postmaster@${domain}`) ??
      forbiddenBy({ ...connector, allow: undefined }, `postmaster@${host}`)
    if (forbidden !== undefined) throw new Error(forbidden)
    const lookup = lookupAt(await this.#lab.outgoing.policies.resolverOf(connector), signal)
    const roots = await rootsOf(this.#lab.certificateStore, connector.authority)
    await postTlsReport(report, uri, { lookup, roots, signal })
  }

  async #mail(report: TlsReport, to: string, domain: string, { from }: ReportSettings): Promise<string | undefined> {
    const submitter = splitAddress(from).domain
    const raw = await composeTlsReport(report, { from, to, domain, submitter, at: this.#lab.clock.now() })
    return sendReport(this.#lab, { from, to, raw })
  }
}
