import type { LegacySuiteName, TlsVersion } from './tls-names.ts'

/** The keys of `tls` that a named policy sets. */
export interface NamedPolicy {
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL's names, in the order of preference; absent: the default of Node.js. */
  readonly ciphers?: readonly string[]
  /** In the order of preference. Those that this OpenSSL lacks are left out. Absent: OpenSSL's default. */
  readonly groups?: readonly string[]
  readonly legacy?: true | readonly LegacySuiteName[]
}

const TLS_13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const GROUPS = ['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1']

/**
 * The policies that `tls.policy` names. modern, intermediate and old are Mozilla's "Server Side TLS":
 * https://ssl-config.mozilla.org/guidelines/6.0.json and, for old, which version 6.0 no longer has,
 * https://ssl-config.mozilla.org/guidelines/5.8.json.
 */
export const tlsPolicies = {
  modern: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: TLS_13_SUITES, groups: GROUPS },
  intermediate: {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: [
      ...TLS_13_SUITES,
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ],
    groups: GROUPS,
  },
  old: {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.3',
    ciphers: [
      ...TLS_13_SUITES,
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-CHACHA20-POLY1305',
      'DHE-RSA-AES128-GCM-SHA256',
      'DHE-RSA-AES256-GCM-SHA384',
      'DHE-RSA-CHACHA20-POLY1305',
      'ECDHE-ECDSA-AES128-SHA256',
      'ECDHE-RSA-AES128-SHA256',
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-RSA-AES128-SHA',
      'ECDHE-ECDSA-AES256-SHA384',
      'ECDHE-RSA-AES256-SHA384',
      'ECDHE-ECDSA-AES256-SHA',
      'ECDHE-RSA-AES256-SHA',
      'DHE-RSA-AES128-SHA256',
      'DHE-RSA-AES256-SHA256',
      'AES128-GCM-SHA256',
      'AES256-GCM-SHA384',
      'AES128-SHA256',
      'AES256-SHA256',
      'AES128-SHA',
      'AES256-SHA',
      // The guideline ends with DES-CBC3-SHA, which Node.js does not have. `legacy` adds it.
    ],
    groups: GROUPS.slice(1),
  },
  'outlook-express': { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', legacy: true },
} as const satisfies Record<string, NamedPolicy>

export type TlsPolicyName = keyof typeof tlsPolicies
export const tlsPolicyNames = Object.keys(tlsPolicies) as [TlsPolicyName, ...TlsPolicyName[]]

/** The policy of a server without one. */
export const DEFAULT_POLICY: NamedPolicy = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }
