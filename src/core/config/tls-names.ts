/** TLS versions, oldest first. */
export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof tlsVersions)[number]

/** IANA names of the cipher suites that the TLS engine for old clients implements: the suites of `legacy: true`, then the others. */
export const legacySuiteNames = [
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

/** Returns whether a suite for old clients counts as less than 128 bits. */
export const isBelow128Bits = (name: LegacySuiteName, strength: 'nominal' | 'effective'): boolean =>
  /_EXPORT|_WITH_DES_|_WITH_NULL_/.test(name) || (strength === 'effective' && /_3DES_|_DHE_|_DH_anon_/i.test(name))
