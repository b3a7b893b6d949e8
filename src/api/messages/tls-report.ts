import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { tlsReportIn } from '../../transport/tls-reports/read.ts'
import { type TlsReport, TlsReportError } from '../../transport/tls-reports/types.ts'

const count = z.number().int()

/** The sessions under one policy of a domain. */
export const tlsPolicyReport = z
  .object({
    policyType: z.string().describe('tlsa, sts or no-policy-found.'),
    policyDomain: z.string(),
    policyStrings: z.array(z.string()).describe('The policy as the sender found it.'),
    mxHosts: z.array(z.string()),
    successfulSessions: count,
    failedSessions: count,
    failures: z.array(
      z.object({
        resultType: z.string().describe('Such as certificate-expired. RFC 8460 section 4.3.'),
        failedSessions: count,
        sendingMtaIp: z.string().optional(),
        receivingMxHostname: z.string().optional(),
        receivingMxHelo: z.string().optional(),
        receivingIp: z.string().optional(),
        additionalInformation: z.string().optional(),
        failureReasonCode: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'TlsPolicyReport' })

/** The TLS report in a message. */
export const tlsReport = z
  .object({
    problem: z.string().nullable().describe('Why the report cannot be read; null if it can.'),
    organizationName: z.string(),
    contactInfo: z.string(),
    reportId: z.string(),
    startsAt: z.string().nullable(),
    endsAt: z.string().nullable(),
    policies: z.array(tlsPolicyReport),
  })
  .meta({ id: 'TlsReport' })

/** Returns the TLS report of a message (RFC 8460); null if it has none. */
export async function tlsReportOf(read: ReadableMessage): Promise<z.infer<typeof tlsReport> | null> {
  const found = await tlsReportIn(read.raw, read.structure)
  if (found === undefined) return null
  if (!(found instanceof TlsReportError)) return tlsReportFacts(found)
  const empty = { organizationName: '', contactInfo: '', reportId: '', startsAt: null, endsAt: null, policies: [] }
  return { problem: found.message, ...empty }
}

const tlsReportFacts = ({ startsAt, endsAt, policies, ...report }: TlsReport): z.infer<typeof tlsReport> => ({
  problem: null,
  ...report,
  startsAt: timeText(startsAt),
  endsAt: timeText(endsAt),
  policies: policies.map(policyFacts),
})

/** Returns a policy report in the form of the API. */
export const policyFacts = ({
  policyStrings,
  mxHosts,
  failures,
  ...policy
}: TlsReport['policies'][number]): z.infer<typeof tlsPolicyReport> => ({
  ...policy,
  policyStrings: [...policyStrings],
  mxHosts: [...mxHosts],
  failures: failures.map((failure) => ({ ...failure })),
})
