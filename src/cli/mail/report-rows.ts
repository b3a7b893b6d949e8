import type { OutputOf } from '../../api/operation-types.ts'

type WholeMessage = OutputOf<'messages.get'>
type Row = readonly [label: string, lines: readonly string[] | undefined]

/** Returns the reports in a message, as a person reads them in a terminal. */
export const reportRows = ({ tlsReport, dmarcReport, feedbackReport }: WholeMessage): Row[] => [
  ['TLS report', tlsReport ? (problemOf(tlsReport) ?? tlsLines(tlsReport)) : undefined],
  ['DMARC report', dmarcReport ? (problemOf(dmarcReport) ?? dmarcLines(dmarcReport)) : undefined],
  ['Feedback', feedbackReport?.fields.map(({ name, value }) => `${name}: ${value}`)],
]

const problemOf = ({ problem }: { readonly problem: string | null }): string[] | undefined =>
  problem === null ? undefined : [problem]

const days = ({ startsAt, endsAt }: { readonly startsAt: string | null; readonly endsAt: string | null }): string =>
  `${startsAt} to ${endsAt}`

const tlsLines = (report: NonNullable<WholeMessage['tlsReport']>): string[] => [
  `${report.organizationName}, ${days(report)}`,
  ...report.policies.map(
    ({ policyDomain, policyType, successfulSessions, failedSessions, failures }) =>
      `${policyDomain} ${policyType}: ${successfulSessions} good, ${failedSessions} failed${failures.map((one) => `, ${one.resultType} (${one.failedSessions})`).join('')}`,
  ),
]

const dmarcLines = (report: NonNullable<WholeMessage['dmarcReport']>): string[] => [
  `${report.organizationName}, ${days(report)}`,
  Object.entries(report.policy ?? {})
    .map(([tag, value]) => `${tag}=${value}`)
    .join(' '),
  ...report.rows.map(
    ({ count, headerFrom, sourceIp, dkim, spf, disposition }) =>
      `${count} from ${headerFrom} at ${sourceIp}: DKIM ${dkim}, SPF ${spf}, ${disposition}`,
  ),
]
