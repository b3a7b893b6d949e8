import { z } from 'zod'
import { mapping } from './mapping.ts'
import { mailAddress } from './values.ts'

/** When reports to other domains are sent. */
export const reportSchedule = z
  .enum(['daily', 'on-demand'])
  .default('daily')
  .describe('When reports are sent. daily: after midnight in UTC by the clock of the lab, about the days before.')

export const tlsReports = mapping(() => ({
  rua: z
    .array(z.string().regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'write mailto:ADDRESS or an https URL'))
    .min(1)
    .optional()
    .describe('Where senders send their reports: mailto: and https: URIs. Default: mailto:tls-reports@DOMAIN.')
    .meta({ examples: [['mailto:tls-reports@lab.test', 'https://lab.test/tls-reports']] }),
  organization: z
    .string()
    .min(1)
    .default('Sealpost')
    .describe('Name of the sender in reports that the lab sends.')
    .meta({ examples: ['Example Inc.'] }),
  schedule: reportSchedule,
  from: mailAddress
    .optional()
    .describe('Sender and contact of these reports. Default: tls-reports@DOMAIN.')
    .meta({ examples: ['postmaster@lab.test'] }),
})).meta({ examples: [{ rua: ['mailto:tls-reports@lab.test'] }] })
