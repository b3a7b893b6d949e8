import { randomBytes } from 'node:crypto'
import { type ClientHello, FALLBACK_SCSV } from '../negotiation/client-hello.ts'
import { versionName } from '../negotiation/client-hello-facts.ts'
import { LegacyTlsError } from './alerts.ts'
import type { LegacyTlsOptions } from './options.ts'
import { highestVersionOf, type LegacyVersion, legacyVersions } from './suites.ts'

const TLS_1_2 = 0x0303
const TLS_1_3 = 0x0304

/** Returns the number on the wire of the highest version that a client offers. */
function highestOffered({ version, extensions }: ClientHello): number {
  // RFC 8446 section 4.2.1: with supported_versions, `client_version` does not count. Other values are GREASE.
  const listed = extensions.supportedVersions?.filter((id) => id >> 8 === 3)
  return listed ? Math.max(...listed) : version
}

/**
 * Returns the highest version that both sides support and have a suite for. If they share no suite, returns the highest
 * version that both sides support.
 * @throws LegacyTlsError
 */
export function chooseVersion(hello: ClientHello, options: LegacyTlsOptions): LegacyVersion {
  const highest = highestOffered(hello)
  // RFC 7507 section 3
  if (!options.flaws.ignoresFallback && hello.suites.includes(FALLBACK_SCSV) && highest < options.highestVersion) {
    throw new LegacyTlsError('inappropriate_fallback', fallbackReason(highest, options.highestVersion))
  }
  const { supportedVersions } = hello.extensions
  const common = versionsBetween(options.minVersion, options.maxVersion).filter(
    (version) => supportedVersions?.includes(legacyVersions[version]) ?? legacyVersions[version] <= hello.version,
  )
  const suites = options.suites.filter(({ id }) => hello.suites.includes(id))
  const chosen =
    common.find((version) => suites.some((suite) => isAllowedIn(highestVersionOf(suite), version))) ?? common[0]
  if (chosen === undefined) {
    throw new LegacyTlsError('protocol_version', `the client offers ${versionName(highest)} at most`)
  }
  return chosen
}

const fallbackReason = (offered: number, supported: number): string =>
  `the client says that it fell back to ${versionName(offered)} after a failed handshake (TLS_FALLBACK_SCSV), but this ` +
  `virtual server supports ${versionName(supported)}; look for what made its first handshake fail`

/** Returns whether a version is at most another one. */
export const isAllowedIn = (highest: LegacyVersion, version: LegacyVersion): boolean =>
  legacyVersions[version] <= legacyVersions[highest]

/** Returns the versions of a range, highest first. */
function versionsBetween(min: LegacyVersion, max: LegacyVersion): LegacyVersion[] {
  const all = Object.keys(legacyVersions) as LegacyVersion[]
  return all.slice(all.indexOf(min), all.indexOf(max) + 1).reverse()
}

/** Ends of the server's random value that tell a client of a higher version that the server supports one. */
const sentinels = {
  below12: Buffer.from('DOWNGRD\x00', 'latin1'),
  tls12: Buffer.from('DOWNGRD\x01', 'latin1'),
} as const

/**
 * Returns the random value of a ServerHello. It ends in the downgrade sentinel if the virtual server also speaks a higher
 * version, so that a client notices an attacker who removed that version from its ClientHello.
 */
export function serverRandom(version: LegacyVersion, { highestVersion, flaws }: LegacyTlsOptions): Buffer {
  const random = randomBytes(32)
  if (flaws.omitsSentinel) return random
  // RFC 8446 section 4.1.3: servers that end at TLS 1.2 mark TLS 1.1 and below, servers of TLS 1.3 also TLS 1.2.
  if (legacyVersions[version] < TLS_1_2 && highestVersion >= TLS_1_2) sentinels.below12.copy(random, 24)
  else if (version === 'TLSv1.2' && highestVersion >= TLS_1_3) sentinels.tls12.copy(random, 24)
  return random
}
