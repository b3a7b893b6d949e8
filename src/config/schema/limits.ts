import { z } from 'zod'
import { duration, octets } from '../units.ts'
import { countOrOff } from './values.ts'

export const limits = z.strictObject({
  connections: countOrOff.default(500).describe('Connections at one time.'),
  idleTimeout: duration
    .optional()
    .describe('How long a silent client is kept: 10m; 30m for imap4 (RFC 9051 section 5.4).')
    .meta({ examples: ['10m'] }),
  messageSize: octets.prefault('25MiB').describe('Largest message taken, in octets or as 4096KB, 25MiB.'),
  recipients: z.number().int().positive().default(1000).describe('Recipients of one SMTP message.'),
  messagesPerConnection: countOrOff.default('off').describe('SMTP messages of one connection.'),
})
