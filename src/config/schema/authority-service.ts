import { isIP } from 'node:net'
import { z } from 'zod'

export const authorityService = z.strictObject({
  address: z
    .string()
    .refine((text) => text === 'localhost' || isIP(text) !== 0, 'write an IP address as 127.0.0.1 or ::1')
    .default('127.0.0.1')
    .describe('The address listened on.'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(80)
    .describe('The HTTP port; portOffset is added. 0 takes a free one.'),
  url: z
    .url()
    .optional()
    .describe('What certificates call the service. Default: http://, the host name and the port.')
    .meta({ examples: ['http://pki.lab.test'] }),
})
