import { describeSuite } from '../negotiation/suites.ts'
import { LegacyTlsError } from './alerts.ts'
import type { LegacyTlsOptions } from './options.ts'
import { countedBits, highestVersionOf, type LegacySuite, type LegacyVersion, legacySuites } from './suites.ts'
import { isAllowedIn } from './version.ts'

/** Returns the first of the server's suites that the client offers. @throws LegacyTlsError */
export function chooseSuite(
  offered: readonly number[],
  version: LegacyVersion,
  options: LegacyTlsOptions,
): LegacySuite {
  const common = options.suites.filter(
    (suite) => offered.includes(suite.id) && isAllowedIn(highestVersionOf(suite), version),
  )
  const chosen = common.find((suite) => isAllowed(suite, options))
  if (chosen) return chosen
  const offer = `the client offers ${describeSuites(offered, options)}`
  if (common.length === 0) throw new LegacyTlsError('handshake_failure', `no cipher suite in common: ${offer}`)
  throw new LegacyTlsError('insufficient_security', `this virtual server requires 128-bit encryption: ${offer}`)
}

/** Returns whether a suite is strong enough. */
export function isAllowed(suite: LegacySuite, { require128, strength }: LegacyTlsOptions): boolean {
  return !require128 || countedBits(suite, strength) >= 128
}

/** Describes suites for the log: name and bits. */
function describeSuites(offered: readonly number[], { strength }: LegacyTlsOptions): string {
  return offered
    .map((id) => {
      const suite = legacySuites.find((known) => known.id === id)
      return suite ? `${suite.name} (${countedBits(suite, strength)} bits)` : describeSuite(id)
    })
    .join(', ')
}
