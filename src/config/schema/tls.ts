import { z } from 'zod'

/** TLS versions, oldest first. */
export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/** IANA names of the cipher suites that the TLS engine for old clients implements: those of `legacy: true`, then the others. */
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
  'TLS_DHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_DHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_DHE_RSA_WITH_DES_CBC_SHA',
  'TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA',
  'TLS_RSA_EXPORT1024_WITH_RC4_56_MD5',
  'TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5',
  'TLS_DH_anon_WITH_AES_256_CBC_SHA',
  'TLS_DH_anon_WITH_AES_128_CBC_SHA',
  'TLS_DH_anon_WITH_RC4_128_MD5',
  'TLS_DH_anon_WITH_3DES_EDE_CBC_SHA',
  'TLS_DH_anon_WITH_DES_CBC_SHA',
  'TLS_DH_anon_EXPORT_WITH_RC4_40_MD5',
  'TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA',
] as const
export type LegacySuiteName = (typeof legacySuiteNames)[number]

export const tls = z.strictObject({
  minVersion: z.enum(tlsVersions).default('TLSv1.2').describe('Lowest TLS version accepted.'),
  maxVersion: z.enum(tlsVersions).default('TLSv1.3').describe('Highest TLS version accepted.'),
  ciphers: z
    .string()
    .min(1)
    .optional()
    .describe('OpenSSL cipher string. Default: that of Node.js. NULL suites and old versions can be allowed here.')
    .meta({ examples: ['ECDHE+AESGCM'] }),
  ocspStapling: z
    .boolean()
    .default(false)
    .describe('Whether an OCSP response of the lab’s authority is stapled to handshakes that ask for one.'),
  legacy: z
    .union([z.boolean(), z.array(z.enum(legacySuiteNames)).min(1)])
    .default(false)
    .describe(
      'Also accepts clients of the 1990s with SSL 3.0, TLS 1.0 or suites that Node.js no longer has: true, or a list of suites in order of preference. EXPORT1024 suites with MD5, DHE and anonymous suites must be listed. This cryptography is broken; use it in a lab only.',
    ),
  strength: z
    .enum(['nominal', 'effective'])
    .default('nominal')
    .describe(
      'What require128BitEncryption compares in suites of tls.legacy. nominal: the key length, as in Exchange (168 bits for 3DES). effective: the cost of an attack (112 bits for 3DES, 80 for DHE with 1024 bits, 0 for anonymous suites).',
    ),
})
