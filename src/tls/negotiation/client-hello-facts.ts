import type { ClientHelloFacts } from '../../core/sessions/types.ts'
import { distinct } from '../../core/values/distinct.ts'
import { type ClientHello, EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV } from './client-hello.ts'
import { ja4 } from './ja4.ts'

const versionNames: ReadonlyMap<number, string> = new Map([
  [0x0002, 'SSLv2'],
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [0x0304, 'TLSv1.3'],
])

/** Returns the name of a version on the wire, or the number of an unknown one. */
export const versionName = (version: number): string =>
  versionNames.get(version) ?? `0x${version.toString(16).padStart(4, '0')}`

/** Returns whether a value is GREASE, which clients send to keep servers tolerant of unknown values. RFC 8701. */
export const isGrease = (id: number): boolean => (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff)
const isNotGrease = (id: number): boolean => !isGrease(id)
const isSignalling = (id: number): boolean => id === EMPTY_RENEGOTIATION_INFO_SCSV || id === FALLBACK_SCSV
const isSuite = (id: number): boolean => !isSignalling(id) && !isGrease(id)

/**
 * Limits of what is recorded. A ClientHello of 128 KiB can name 65,000 suites or 32,000 protocols, and a record is kept
 * for long. IANA lists fewer than 400 suites.
 */
const MAX_SUITES = 512
const MAX_NAMES = 64

/** Returns the first distinct code points that are wanted, at most `max`. */
const numbersOf = (ids: readonly number[], max: number, isWanted = isNotGrease): readonly number[] =>
  distinct(ids, max, isWanted)

/**
 * Only the record of a session needs the fingerprint, so it is computed when somebody reads it. All facts share the getter:
 * V8 handles objects with a getter each as dictionaries.
 */
const fingerprint: PropertyDescriptor & ThisType<ClientHelloFacts> = {
  enumerable: true,
  get() {
    return ja4(this)
  },
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Returns the facts about a ClientHello that are recorded. */
export function clientHelloFacts({ version, suites, extensions }: ClientHello, sslv2: boolean): ClientHelloFacts {
  const { serverName, alpn, supportedVersions, keyShares, groups, signatureAlgorithms, types } = extensions
  // RFC 8446 section 4.2.1: `client_version` does not go beyond TLS 1.2.
  const highest = sslv2 ? version : Math.min(version, 0x0303)
  const facts: Mutable<ClientHelloFacts> = {
    versions: supportedVersions ? numbersOf(supportedVersions, MAX_NAMES).map(versionName) : [versionName(highest)],
    suites: numbersOf(suites, MAX_SUITES, isSuite),
    alpn: alpn ? distinct(alpn, MAX_NAMES) : [],
  }
  // A copy, because a slice would keep the whole text in memory.
  if (serverName !== undefined) facts.serverName = Buffer.from(serverName).toString()
  if (keyShares) facts.keyShares = numbersOf(keyShares, MAX_NAMES)
  if (groups) facts.groups = numbersOf(groups, MAX_NAMES)
  if (signatureAlgorithms) facts.signatureAlgorithms = numbersOf(signatureAlgorithms, MAX_NAMES)
  if (types) facts.extensions = numbersOf(types, MAX_NAMES)
  if (suites.some(isSignalling)) facts.signallingSuites = numbersOf(suites, MAX_NAMES, isSignalling)
  return Object.defineProperty(facts, 'ja4', fingerprint)
}
