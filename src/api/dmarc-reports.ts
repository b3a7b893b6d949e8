import { z } from 'zod'
import { dmarcReportDefects } from '../core/config/schema/mail-authentication.ts'
import { dmarcRow } from './messages/dmarc-report.ts'
import { defineOperation } from './operation.ts'
import { sentFacts, sentReports } from './tls-reports.ts'

const domain = z.string().min(1).optional().describe('Only this policy domain. Default: all.')

const list = defineOperation('dmarcReports.list', 'GET /dmarc-reports', {
  summary:
    'List the messages that were judged by DMARC on arrival, by policy domain and day, as reports would contain them.',
  access: 'inspect',
  input: z.strictObject({ domain }),
  output: z.object({
    items: z.array(
      z.object({
        domain: z.string().describe('The domain that has the DMARC record.'),
        day: z.string().describe('The day in UTC, as 2026-01-31.'),
        record: z.string().describe('The record that applied last.'),
        rows: z.array(dmarcRow),
      }),
    ),
  }),
  async run({ api, input }) {
    const days = await api.lab.dmarcReports.list(input.domain)
    return { items: days.map(({ rows, ...day }) => ({ ...day, rows: [...rows] as z.infer<typeof dmarcRow>[] })) }
  },
})

const send = defineOperation('dmarcReports.send', 'POST /dmarc-reports/send', {
  runsAt: 'outgoing',
  summary: 'Send DMARC aggregate reports (RFC 9990) to the domains that request them. Sent results are deleted.',
  access: 'administer',
  input: z.strictObject({
    domain,
    defect: z
      .enum(dmarcReportDefects)
      .optional()
      .describe('A deliberate defect of the reports. Default: that of the configuration.'),
  }),
  output: sentReports,
  run: async ({ api, input }) => sentFacts(await api.lab.dmarcReports.send(input.domain, { defect: input.defect })),
})

export const dmarcReportOperations = [list, send] as const
