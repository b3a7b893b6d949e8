import { LegacyTlsError } from './alerts.ts'
import type { LegacyClientHello } from './client-hello.ts'
import type { LegacyTlsOptions } from './options.ts'
import { FALLBACK_SCSV, type LegacySuite, legacySuites, suiteBits } from './suites.ts'
import { type LegacyVersion, legacyVersions } from './versions.ts'

/** The highest version that both know. @throws LegacyTlsError */
export function chooseVersion(hello: LegacyClientHello, options: LegacyTlsOptions): LegacyVersion {
  // The client has tried a higher version and failed: somebody is in between. RFC 7507 section 3.
  if (hello.suites.includes(FALLBACK_SCSV) && hello.version < options.highestVersion) {
    throw new LegacyTlsError('inappropriate_fallback', 'the client offers less than it could')
  }
  const version = Math.min(hello.version, legacyVersions[options.maxVersion])
  if (version < legacyVersions[options.minVersion]) {
    throw new LegacyTlsError('protocol_version', `the client offers version 0x${hello.version.toString(16)} at most`)
  }
  return version === legacyVersions.SSLv3 ? 'SSLv3' : 'TLSv1'
}

/** The first of the server's suites that the client offers. @throws LegacyTlsError */
export function chooseSuite(offered: readonly number[], options: LegacyTlsOptions): LegacySuite {
  const common = options.suites.filter((suite) => offered.includes(suite.id))
  const chosen = common.find((suite) => isAllowed(suite, options))
  if (chosen) return chosen
  if (common.length === 0) {
    throw new LegacyTlsError(
      'handshake_failure',
      `no cipher suite in common: the client offers ${named(offered, options)}`,
    )
  }
  const why = `this virtual server requires 128-bit encryption: the client offers ${named(offered, options)}`
  throw new LegacyTlsError('insufficient_security', why)
}

export function isAllowed(suite: LegacySuite, { require128, strength }: LegacyTlsOptions): boolean {
  return !require128 || suiteBits(suite, strength) >= 128
}

/** Suites with their bits, for a person to read; those that the engine does not know by number. */
function named(offered: readonly number[], { strength }: LegacyTlsOptions): string {
  return offered
    .map((id) => {
      const suite = legacySuites.find((known) => known.id === id)
      return suite ? `${suite.name} (${suiteBits(suite, strength)} bits)` : `0x${id.toString(16).padStart(4, '0')}`
    })
    .join(', ')
}
