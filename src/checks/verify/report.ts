import type { Change } from './changes.ts'
import { protocolRows } from './protocols.ts'
import type { CheckOutcome, Endpoint, EndpointReport, Finding } from './types.ts'

/** The summary of all findings. */
interface Summary {
  readonly ok: boolean
  readonly counts: Readonly<Record<CheckOutcome, number>>
  /** The last line of a report: that no check failed, or which one failed first. */
  readonly verdict: string
}

export function summarize(reports: readonly EndpointReport[]): Summary {
  const all = reports.flatMap(({ endpoint, findings }) => findings.map((finding) => ({ endpoint, finding })))
  const counts = countOutcomes(all.map(({ finding }) => finding))
  const [first] = all.filter(({ finding }) => finding.outcome === 'fail')
  if (first) {
    const others = counts.fail > 1 ? ` (and ${counts.fail - 1} more)` : ''
    return { ok: false, counts, verdict: line(first.endpoint, first.finding) + others }
  }
  if (counts.pass === 0) return { ok: false, counts, verdict: 'failed: no port answers, so nothing could be verified' }
  const warnings = counts.warn === 0 ? '' : `, ${plural(counts.warn, 'warning')}`
  return { ok: true, counts, verdict: `no check failed: ${plural(counts.pass, 'check')} passed${warnings}` }
}

function countOutcomes(findings: readonly Finding[]): Record<CheckOutcome, number> {
  const counts = { pass: 0, fail: 0, warn: 0, 'not-applicable': 0 }
  for (const { outcome } of findings) counts[outcome]++
  return counts
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const line = (endpoint: Endpoint, { title, words }: Finding): string =>
  `failed: ${describe(endpoint)}: ${title}: ${words}`

/** Returns the findings as one JSON value. */
export const reportJson = (reports: readonly EndpointReport[]) => ({
  ...summarize(reports),
  ...endpointsJson(reports),
})

/** Returns the findings of each endpoint. */
export const endpointsJson = (reports: readonly EndpointReport[]) => ({
  endpoints: reports.map(({ endpoint, findings }) => {
    const { title, protocol, host, port, implicitTls, serverName } = endpoint
    return { name: title, protocol, host, port, implicitTls, serverName, checks: findings }
  }),
})

/** Returns the title and port of an endpoint: `Default SMTP Virtual Server, port 3025`. */
export const describe = ({ title, port }: Endpoint): string => `${title}, port ${port}`

const marks: Readonly<Record<CheckOutcome, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  warn: 'warn',
  'not-applicable': '-',
}

/** One line of a report. A line about a finding has its outcome. */
export interface ReportLine {
  readonly text: string
  readonly outcome?: CheckOutcome
}

/**
 * Returns the lines about one endpoint: a heading, and below it its warnings and failures.
 * @param verbose returns a line for every finding
 */
export function reportLines({ endpoint, findings }: EndpointReport, verbose: boolean): ReportLine[] {
  const shown = findings.filter(({ outcome }) => verbose || outcome === 'fail' || outcome === 'warn')
  const width = Math.max(0, ...shown.map(({ title }) => title.length))
  return [
    { text: `${heading(endpoint)}: ${countsText(findings)}` },
    ...shown.map(({ outcome, title, words }) => ({
      text: `  ${marks[outcome].padEnd(4)}  ${title.padEnd(width)}  ${words}`,
      outcome,
    })),
  ]
}

function heading(endpoint: Endpoint): string {
  const { title, startTls } = protocolRows[endpoint.protocol]
  const channel = endpoint.implicitTls ? 'implicit TLS' : (startTls?.command ?? 'clear text')
  return `${describe(endpoint)} (${title} at ${endpoint.host}, ${channel})`
}

function countsText(findings: readonly Finding[]): string {
  const counts = countOutcomes(findings)
  const [first] = findings
  // A closed port that need not be open: only `reachable` ran.
  if (first && counts['not-applicable'] === findings.length) return first.words
  return [
    `${counts.pass} passed`,
    ...(counts.fail > 0 ? [`${counts.fail} failed`] : []),
    ...(counts.warn > 0 ? [plural(counts.warn, 'warning')] : []),
    ...(counts['not-applicable'] > 0 ? [`${counts['not-applicable']} not tested`] : []),
  ].join(', ')
}

/** Describes a change between two runs: `Default SMTP Virtual Server, port 3025: certificate dates: FAIL (was pass): …`. */
export function changeLine({ endpoint, before, after }: Change): ReportLine {
  const place = `${describe(endpoint)}: ${(after ?? before)?.title}`
  if (!after) return { text: `${place}: no longer tested (was ${marks[before?.outcome ?? 'not-applicable']})` }
  const { outcome, words } = after
  const was = before && before.outcome !== outcome ? ` (was ${marks[before.outcome]})` : ''
  return { text: `${place}: ${marks[outcome]}${was}: ${words}`, outcome }
}
