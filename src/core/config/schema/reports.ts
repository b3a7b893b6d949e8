import { z } from 'zod'
import { parseOnDemand } from '../on-demand/parse.ts'
import { mapping } from './mapping.ts'
import { reportForms } from './report-words.ts'
import { duration, mailAddress } from './values.ts'

/** Settings for reports that a test requests. */
export const reports = mapping(() => ({
  addresses: z
    .boolean()
    .default(true)
    .describe(
      'Whether addresses of the lab’s domain make it send reports: bounce+550@ (a failure report later), refuse+550@ (a refusal at RCPT), complaint+abuse@ (a spam complaint), vacation+reply@ (an out-of-office reply). Accounts named bounce, refuse, complaint or vacation have precedence. See docs/bounces.md.',
    ),
  delay: duration
    .prefault('5s')
    .describe('Time from the message to the report, by the lab’s clock. bounce+550.30s@ overrides it.'),
  form: z
    .enum(reportForms)
    .default('standard')
    .describe(
      'Form of failure reports that a test asks for: as the lab writes them (RFC 3464), or as another server does. bounce+550.postfix@ overrides it.',
    ),
  complaintsTo: mailAddress
    .optional()
    .describe('Address that gets spam complaints. Default: the return path of the message.')
    .meta({ examples: ['fbl@lab.test'] }),
}))
export type ReportSettings = z.output<typeof reports>

/** A report that a test asks for, as the local part of an address does. */
export const onDemandReport = z
  .string()
  .refine((text) => !['refuse', 'event'].includes(parseOnDemand(text)?.kind ?? 'refuse'), {
    error: 'write a report such as bounce+550, bounce+5.1.1.postfix.30s, complaint+abuse or vacation+reply',
  })

const time = z.iso.datetime({ offset: true, error: 'write a time as 2026-12-24T18:00:00Z' })

/** The out-of-office reply of an account. */
export const outOfOffice = mapping(() => ({
  text: z
    .string()
    .min(1)
    .describe('Text of the reply.')
    .meta({ examples: ['I am back on Monday.'] }),
  subject: z
    .string()
    .min(1)
    .optional()
    .describe('Subject of the reply. Default: "Auto: " and the subject of the message.')
    .meta({ examples: ['Out of office'] }),
  external: z
    .string()
    .min(1)
    .optional()
    .describe('Text for senders of other domains. off: they get no reply. Default: `text`.')
    .meta({ examples: ['off'] }),
  from: time
    .optional()
    .describe('When the replies begin, by the lab’s clock. Default: now.')
    .meta({ examples: ['2026-12-24T18:00:00Z'] }),
  until: time
    .optional()
    .describe('When the replies end. Default: never.')
    .meta({ examples: ['2027-01-04T08:00:00Z'] }),
  repeatAfter: duration
    .prefault('7d')
    .describe('Minimum time between two replies to the same sender (RFC 3834 section 2).'),
})).meta({ examples: [{ text: 'I am back on Monday.' }] })
export type OutOfOffice = z.output<typeof outOfOffice>
export type OutOfOfficeInput = z.input<typeof outOfOffice>
