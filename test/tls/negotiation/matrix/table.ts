import type { VirtualServerInput } from '../../../../src/core/config/schema.ts'

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof versions)[number]

/** A client's offer: one version and one suite. */
export interface Offer {
  readonly version: Version
  /** IANA name. */
  readonly suite: string
  /** The suite as OpenSSL names it; absent: Debian's OpenSSL has no such suite. */
  readonly openssl?: string
  /** Key exchange, cipher and MAC as GnuTLS names them; absent: GnuTLS has no such suite. */
  readonly gnutls?: string
  readonly bits: number
  /** Strength against the best attack, where it is less. */
  readonly effectiveBits?: number
}

const aes128 = {
  suite: 'TLS_RSA_WITH_AES_128_CBC_SHA',
  openssl: 'AES128-SHA',
  gnutls: '+RSA:+AES-128-CBC:+SHA1',
  bits: 128,
}
const ecdheCbc = {
  suite: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  openssl: 'ECDHE-RSA-AES128-SHA',
  gnutls: '+ECDHE-RSA:+AES-128-CBC:+SHA1',
  bits: 128,
}
const old: readonly Omit<Offer, 'version'>[] = [
  { suite: 'TLS_RSA_WITH_RC4_128_SHA', gnutls: '+RSA:+ARCFOUR-128:+SHA1', bits: 128 },
  { suite: 'TLS_RSA_WITH_3DES_EDE_CBC_SHA', gnutls: '+RSA:+3DES-CBC:+SHA1', bits: 168, effectiveBits: 112 },
]

export const offers: readonly Offer[] = [
  // biome-ignore-start format: a table
  {
    version: 'TLSv1.3',
    suite: 'TLS_AES_128_GCM_SHA256',
    openssl: 'TLS_AES_128_GCM_SHA256',
    gnutls: '+AES-128-GCM:+AEAD',
    bits: 128,
  },
  {
    version: 'TLSv1.3',
    suite: 'TLS_CHACHA20_POLY1305_SHA256',
    openssl: 'TLS_CHACHA20_POLY1305_SHA256',
    gnutls: '+CHACHA20-POLY1305:+AEAD',
    bits: 256,
  },
  {
    version: 'TLSv1.2',
    suite: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    openssl: 'ECDHE-RSA-AES128-GCM-SHA256',
    gnutls: '+ECDHE-RSA:+AES-128-GCM:+AEAD',
    bits: 128,
  },
  {
    version: 'TLSv1.2',
    suite: 'TLS_RSA_WITH_AES_128_GCM_SHA256',
    openssl: 'AES128-GCM-SHA256',
    gnutls: '+RSA:+AES-128-GCM:+AEAD',
    bits: 128,
  },
  {
    version: 'TLSv1.2',
    suite: 'TLS_RSA_WITH_NULL_SHA256',
    openssl: 'NULL-SHA256',
    gnutls: '+RSA:+NULL:+SHA256',
    bits: 0,
  },
  // biome-ignore-end format: a table
  ...(['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const).flatMap((version) =>
    [aes128, ecdheCbc].map((one) => ({ version, ...one })),
  ),
  ...(['TLSv1', 'TLSv1.1'] as const).flatMap((version) => old.map((one) => ({ version, ...one }))),
]

/** A policy, and what it allows according to its documentation. */
export interface Policy {
  readonly settings: Pick<VirtualServerInput, 'tls' | 'require128BitEncryption'>
  /** The range that Node.js serves. */
  readonly lowest: Version
  readonly highest: Version
  readonly suites: RegExp
  /** The suites for old clients, and from which strength on they are allowed. */
  readonly legacy?: { readonly least: number; readonly effective?: boolean }
}

const TLS_13 = '^TLS_(AES|CHACHA20)_'
const any = new RegExp(`${TLS_13}|_AES_`)
const withNull = { ciphers: 'HIGH:eNULL:!aNULL:@SECLEVEL=0' }
const oldClients = { lowest: 'TLSv1.2', highest: 'TLSv1.3', suites: any } as const

export const policies: Readonly<Record<string, Policy>> = {
  'no policy': { settings: {}, lowest: 'TLSv1.2', highest: 'TLSv1.3', suites: any },
  modern: { settings: { tls: { policy: 'modern' } }, lowest: 'TLSv1.3', highest: 'TLSv1.3', suites: any },
  intermediate: {
    settings: { tls: { policy: 'intermediate' } },
    lowest: 'TLSv1.2',
    highest: 'TLSv1.3',
    suites: new RegExp(`${TLS_13}|_ECDHE_.*_GCM_`),
  },
  old: { settings: { tls: { policy: 'old' } }, lowest: 'TLSv1', highest: 'TLSv1.3', suites: any },
  'TLS 1.2 only': { settings: { tls: { maxVersion: 'TLSv1.2' } }, lowest: 'TLSv1.2', highest: 'TLSv1.2', suites: any },
  NULL: {
    settings: { tls: withNull },
    lowest: 'TLSv1.2',
    highest: 'TLSv1.3',
    suites: new RegExp(`${any.source}|_NULL_`),
  },
  'NULL, 128 bits': {
    settings: { tls: withNull, require128BitEncryption: true },
    lowest: 'TLSv1.2',
    highest: 'TLSv1.3',
    suites: any,
  },
  'outlook-express': { settings: { tls: { policy: 'outlook-express' } }, ...oldClients, legacy: { least: 0 } },
  'outlook-express, 128 bits': {
    settings: { tls: { policy: 'outlook-express' }, require128BitEncryption: true },
    ...oldClients,
    legacy: { least: 128 },
  },
  'outlook-express, 128 bits effective': {
    settings: { tls: { policy: 'outlook-express', strength: 'effective' }, require128BitEncryption: true },
    ...oldClients,
    legacy: { least: 128, effective: true },
  },
}

/** Returns the expected result: the client is served, or the line that the log shows. */
export function outcome(policy: Policy, offer: Offer): 'served' | string {
  const { lowest, highest, suites, legacy } = policy
  const at = versions.indexOf(offer.version)
  const isAllowedVersion = at >= versions.indexOf(lowest) && at <= versions.indexOf(highest)
  if (isAllowedVersion && suites.test(offer.suite)) return 'served'
  if (legacy && offer.version !== 'TLSv1.3' && isOfOldClients(offer)) {
    const bits = (legacy.effective && offer.effectiveBits) || offer.bits
    return bits >= legacy.least ? 'served' : 'this virtual server requires 128-bit encryption'
  }
  if (isAllowedVersion || legacy) return 'no cipher suite in common: the client offers'
  const range = lowest === highest ? lowest : `${lowest} to ${highest}`
  return `the client offers ${offer.version}, this virtual server allows ${range}`
}

/** The suites of `legacy: true`. */
const isOfOldClients = ({ suite }: Offer): boolean => /^TLS_RSA_WITH_(?:AES_\d+_CBC_SHA$|RC4|3DES)/.test(suite)

/** Returns the whole table as text: policy, version, suite, and what happens. */
export function tableText(): string {
  const rows = Object.entries(policies).flatMap(([name, policy]) =>
    offers.map((offer) => [name, offer.version, offer.suite, outcome(policy, offer)].join(' | ')),
  )
  return `${['policy | version | suite | outcome', ...rows].join('\n')}\n`
}
