import { z } from 'zod'

/** Oldest first. */
export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/** Suites of the 1990s, by their IANA names, strongest first: those of the engine for old clients. */
const legacySuiteNames = [
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_RC4_128_MD5',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_RSA_WITH_DES_CBC_SHA',
  'TLS_RSA_EXPORT1024_WITH_RC4_56_SHA',
  'TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA',
  'TLS_RSA_EXPORT_WITH_RC4_40_MD5',
  'TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5',
  'TLS_RSA_EXPORT_WITH_DES40_CBC_SHA',
] as const
export type LegacySuiteName = (typeof legacySuiteNames)[number]

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
  ocspStapling: z
    .boolean()
    .default(false)
    .describe('Staples what the lab’s authority says of its certificate to handshakes that ask for it.'),
  legacy: z
    .union([z.boolean(), z.array(z.enum(legacySuiteNames)).min(1)])
    .default(false)
    .describe(
      'Lets clients of the 1990s in by SSL 3.0 and TLS 1.0, beside those above: true, or a list of their suites in the order of preference. All of it is broken cryptography: for a lab.',
    ),
  strength: z
    .enum(['nominal', 'effective'])
    .default('nominal')
    .describe(
      'How 3DES counts where 128 bits are required: nominal by its key (168), as Exchange did; effective by what an attack needs (112).',
    ),
})
