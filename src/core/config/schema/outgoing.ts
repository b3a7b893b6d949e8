import { z } from 'zod'
import { connector } from './connector.ts'
import { mapping } from './mapping.ts'
import { mtaSts } from './mta-sts.ts'
import { tlsReports } from './tls-reports.ts'

/** The key `outgoing`. */
export const outgoing = mapping(() => ({
  connectors: z
    .array(connector)
    .prefault([])
    .describe(
      'Connectors that send mail to other hosts. Without one, no mail leaves the lab. See docs/outgoing-mail.md.',
    )
    .meta({
      examples: [[{ name: 'Default SMTP Connector', smartHost: { host: '127.0.0.1', port: 2525 }, when: 'automatic' }]],
    }),
  mtaSts: mtaSts
    .optional()
    .describe(
      'The MTA-STS policy of the mail domain (RFC 8461). http virtual servers serve it at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, certificates that `auto` issues contain that name, and the zone of the domain has the record. See docs/mta-sts-dane.md.',
    ),
  tlsReports: tlsReports
    .optional()
    .describe(
      'Reports about the TLS of mail (RFC 8460): the zone of the domain asks senders for them, and http virtual servers accept them at https://HOST/tls-reports. Reports that arrive by mail are always read. See docs/mta-sts-dane.md.',
    ),
}))
