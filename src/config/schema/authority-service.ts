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
  tlsPort: z
    .union([z.literal('off'), z.number().int().min(0).max(65535)])
    .default('off')
    .describe(
      'The HTTPS port, with a certificate of the lab, likewise. Revocation lists and OCSP are fetched by HTTP.',
    ),
  acme: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Whether each authority has an ACME directory at /acme/AUTHORITY/directory.'),
      httpPort: z
        .number()
        .int()
        .min(1)
        .max(65535)
        .default(80)
        .describe('Port at which http-01 answers of ACME clients are looked for.'),
      externalAccounts: z
        .record(z.string(), z.string().regex(/^[\w-]{22,}$/, 'write a MAC key of 128 bits or more in base64url'))
        .default({})
        .describe('MAC keys (base64url) by key identifier. Where there are any, a new account must be bound to one.'),
    })
    .prefault({})
    .describe('Certificates for ACME clients such as certbot. RFC 8555.'),
  url: z
    .url()
    .optional()
    .describe('What certificates call the service. Default: http://, the host name and the port.')
    .meta({ examples: ['http://pki.lab.test'] }),
})
