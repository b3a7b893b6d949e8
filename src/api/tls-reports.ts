import { z } from 'zod'
import type { SentReport } from './lab.ts'
import { policyFacts, tlsPolicyReport } from './messages/tls-report.ts'
import { defineOperation } from './operation.ts'

const input = z.strictObject({ domain: z.string().min(1).optional().describe('Only this domain. Default: all.') })

/** The outcomes of reports to other domains. */
export const sentReports = z.object({
  reports: z.array(
    z.object({
      domain: z.string(),
      day: z.string(),
      to: z.string().nullable().describe('The address or URL of the domain; null if it asks for no reports.'),
      problem: z.string().nullable().describe('Why the report could not be sent; null if it was sent or queued.'),
    }),
  ),
})

/** Returns what became of reports in the form of the API. */
export const sentFacts = (sent: readonly SentReport[]): z.infer<typeof sentReports> => ({
  reports: sent.map(({ to, problem, ...one }) => ({ ...one, to: to ?? null, problem: problem ?? null })),
})

const list = defineOperation('tlsReports.list', 'GET /tls-reports', {
  runsAt: 'outgoing',
  summary:
    'List the results of TLS sessions with mail hosts of other domains, by domain and day, as reports would contain them.',
  access: 'inspect',
  input,
  output: z.object({
    items: z.array(
      z.object({
        domain: z.string(),
        day: z.string().describe('The day in UTC, as 2026-01-31.'),
        policies: z.array(tlsPolicyReport),
      }),
    ),
  }),
  async run({ api, input: { domain } }) {
    const days = await api.lab.tlsReports.list(domain)
    return { items: days.map(({ policies, ...day }) => ({ ...day, policies: policies.map(policyFacts) })) }
  },
})

const send = defineOperation('tlsReports.send', 'POST /tls-reports/send', {
  runsAt: 'outgoing',
  summary: 'Send TLS reports (RFC 8460) to the domains that request them. Sent results are deleted.',
  access: 'administer',
  input,
  output: sentReports,
  run: async ({ api, input: { domain }, signal }) => sentFacts(await api.lab.tlsReports.send(domain, signal)),
})

export const tlsReportOperations = [list, send] as const
