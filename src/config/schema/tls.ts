import { z } from 'zod'

/** Oldest first. */
export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

export const tls = z.strictObject({
  minVersion: z.enum(tlsVersions).default('TLSv1.2').describe('Lowest TLS version let in.'),
  maxVersion: z.enum(tlsVersions).default('TLSv1.3').describe('Highest TLS version let in.'),
  ciphers: z
    .string()
    .min(1)
    .optional()
    .describe(
      'OpenSSL cipher string; the default of Node.js when absent. NULL suites and old versions can be allowed here.',
    )
    .meta({ examples: ['ECDHE+AESGCM'] }),
})
