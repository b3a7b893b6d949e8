import type { VirtualServerInput } from '../../../../src/core/config/schema.ts'
import { legacySuites } from '../../../../src/tls/legacy/suites.ts'

export const versions = ['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
export type Version = (typeof versions)[number]

/** Kinds of cipher suites. `any` stands for the version itself, where a judge does not report suites. */
export const kinds = ['any', 'AES', 'RC4', '3DES', 'DES', 'export', 'NULL', 'anonymous'] as const
export type Kind = (typeof kinds)[number]

/** A version with a kind of suites. */
export type Offer = `${Version} ${Kind}`

/** Returns the kind of a suite by its IANA or OpenSSL name; the name itself if it has none, which no subject accepts. */
export function kindOf(suite: string): string {
  return suiteKinds.find(([pattern]) => pattern.test(suite))?.[1] ?? suite
}

const suiteKinds: readonly (readonly [RegExp, Kind])[] = [
  [/anon|ADH|AECDH/i, 'anonymous'],
  [/NULL/, 'NULL'],
  [/EXP/, 'export'],
  [/RC4/, 'RC4'],
  [/3DES|DES-CBC3/, '3DES'],
  [/DES/, 'DES'],
  // The ciphers of Node.js; ARIA only in some versions.
  [/AES|CHACHA20|ARIA/, 'AES'],
]

/** A virtual server, and what it accepts by its documentation. */
interface Subject {
  readonly title: string
  readonly settings: Pick<VirtualServerInput, 'tls' | 'require128BitEncryption'>
  readonly accepts: Partial<Readonly<Record<Version, readonly Kind[]>>>
}

const everyOldSuite = legacySuites.map(({ name }) => name)
const modern = { 'TLSv1.2': ['AES'], 'TLSv1.3': ['AES'] } as const
const of128 = ['AES', 'RC4', '3DES'] as const
const all = [...of128, 'DES', 'export'] as const

export const subjects = {
  default: { title: 'default', settings: {}, accepts: modern },
  tls13: {
    title: '`minVersion: TLSv1.3`',
    settings: { tls: { minVersion: 'TLSv1.3' } },
    accepts: { 'TLSv1.3': ['AES'] },
  },
  legacy: {
    title: '`legacy: true`',
    settings: { tls: { legacy: true } },
    // DES ends at TLS 1.1 (RFC 5246 section 1.2), and export at TLS 1.0 (RFC 4346 appendix A.5).
    accepts: { ...modern, SSLv3: all, TLSv1: all, 'TLSv1.1': [...of128, 'DES'], 'TLSv1.2': of128 },
  },
  of128: {
    title: '`legacy: true`, 128 bits',
    settings: { tls: { legacy: true }, require128BitEncryption: true },
    accepts: { ...modern, SSLv3: of128, TLSv1: of128, 'TLSv1.1': of128, 'TLSv1.2': of128 },
  },
  // It shows that the judges really offer what the others refuse.
  everything: {
    title: 'every suite',
    settings: {
      tls: { minVersion: 'TLSv1', ciphers: 'HIGH:eNULL:aNULL:!CAMELLIA:@SECLEVEL=0', legacy: [...everyOldSuite] },
    },
    accepts: {
      SSLv3: [...all, 'anonymous'],
      TLSv1: [...all, 'NULL', 'anonymous'],
      'TLSv1.1': [...of128, 'DES', 'NULL', 'anonymous'],
      'TLSv1.2': [...of128, 'NULL', 'anonymous'],
      'TLSv1.3': ['AES'],
    },
  },
} as const satisfies Readonly<Record<string, Subject>>
export type SubjectName = keyof typeof subjects

/** Returns which of some offers a subject accepts. */
export function accepted(subject: Subject, offers: readonly Offer[]): Offer[] {
  return offers.filter((offer) => {
    const [version, kind] = offer.split(' ') as [Version, Kind]
    const found = subject.accepts[version] ?? []
    return kind === 'any' ? found.length > 0 : found.includes(kind)
  })
}

/** Returns the offers of some versions and kinds. */
export const offersOf = (some: Partial<Readonly<Record<Version, readonly Kind[]>>>): Offer[] =>
  (Object.entries(some) as [Version, readonly Kind[]][]).flatMap(([version, list]) =>
    list.map((kind): Offer => `${version} ${kind}`),
  )
