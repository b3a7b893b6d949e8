import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { dmarcReportIn, feedbackFieldsIn } from '../../transport/dmarc-reports/read.ts'
import { DmarcReportError } from '../../transport/dmarc-reports/types.ts'

/** Messages that a receiver judged alike. */
export const dmarcRow = z
  .object({
    sourceIp: z.string(),
    count: z.number().int(),
    disposition: z.string().describe('What the receiver did: none, pass, quarantine or reject.'),
    dkim: z.string().describe('Whether an aligned signature passed: pass or fail.'),
    spf: z.string(),
    reasons: z.array(z.object({ type: z.string(), comment: z.string().optional() })),
    headerFrom: z.string(),
    envelopeFrom: z.string().optional(),
    envelopeTo: z.string().optional(),
    dkimResults: z.array(z.object({ domain: z.string(), selector: z.string(), result: z.string() })),
    spfResult: z.object({ domain: z.string(), result: z.string() }).optional(),
  })
  .meta({ id: 'DmarcRow' })

/** The DMARC aggregate report in a message. */
export const dmarcReport = z
  .object({
    problem: z.string().nullable().describe('Why the report cannot be read; null if it can.'),
    organizationName: z.string(),
    email: z.string(),
    reportId: z.string(),
    startsAt: z.string().nullable(),
    endsAt: z.string().nullable(),
    policy: z.record(z.string(), z.string()).nullable().describe('The published policy: domain, p, sp, np and others.'),
    rows: z.array(dmarcRow),
  })
  .meta({ id: 'DmarcReport' })

/** The feedback report in a message. */
export const feedbackReport = z
  .object({
    type: z.string().describe('auth-failure is a DMARC failure report; abuse and others are complaints.'),
    fields: z.array(z.object({ name: z.string(), value: z.string() })),
  })
  .meta({ id: 'FeedbackReport' })

/** Returns the aggregate report of a message (RFC 9990); null if it has none. */
export async function dmarcReportOf({ raw, structure }: ReadableMessage): Promise<z.infer<typeof dmarcReport> | null> {
  const found = await dmarcReportIn(raw, structure)
  if (found === undefined) return null
  if (found instanceof DmarcReportError) {
    const empty = {
      organizationName: '',
      email: '',
      reportId: '',
      startsAt: null,
      endsAt: null,
      policy: null,
      rows: [],
    }
    return { problem: found.message, ...empty }
  }
  const { startsAt, endsAt, policy, rows, ...report } = found
  const times = { startsAt: timeText(startsAt), endsAt: timeText(endsAt) }
  return { problem: null, ...report, ...times, policy: { ...policy }, rows: [...rows] as z.infer<typeof dmarcRow>[] }
}

/** Returns the feedback report of a message (RFC 5965, RFC 9991); null if it has none. */
export async function feedbackReportOf({
  raw,
  structure,
}: ReadableMessage): Promise<z.infer<typeof feedbackReport> | null> {
  const found = await feedbackFieldsIn(raw, structure)
  if (found === undefined) return null
  const type = found.find(({ name }) => name.toLowerCase() === 'feedback-type')?.value ?? ''
  return { type, fields: [...found] }
}
