import type { LegacySuiteName, TlsDefectName } from '../../core/config/schema.ts'
import type { LegacyVersion } from './suites.ts'

/** Faults of the engine that a configured defect switches on. All are off for every other virtual server. */
export interface Flaws {
  /** Checks padding as SSL 3.0 does, in all versions: only its length. */
  readonly ignoresPadding?: true
  /** Reveals with an alert that the RSA padding is wrong. */
  readonly revealsPadding?: true
  /** Longest RSA key that encrypts the premaster secret. */
  readonly rsaBits?: 512
  readonly dhGroupBits?: 512
  readonly acceptsEarlyChangeCipherSpec?: true
  /** Answers heartbeat requests without checking their length. */
  readonly overreadsHeartbeats?: true
  readonly omitsSentinel?: true
  readonly ignoresFallback?: true
  readonly omitsRenegotiationInfo?: true
  readonly sendsWrongFinished?: true
  readonly sendsWrongSignature?: true
  /** Serves clients that Node.js would serve in TLS 1.3. */
  readonly takesTls13?: true
}

/** A defect: what it switches on, and the suites that the virtual server accepts in addition. */
interface EngineDefect {
  readonly flaws: Flaws
  readonly suites: readonly LegacySuiteName[]
  /** The version that the suites need, if the policy's lowest version is higher. */
  readonly minVersion?: LegacyVersion
}

const rsaSuites: readonly LegacySuiteName[] = [
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
]
const dheSuites: readonly LegacySuiteName[] = [
  'TLS_DHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_DHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA',
]
const rsaExportSuites: readonly LegacySuiteName[] = [
  'TLS_RSA_EXPORT_WITH_RC4_40_MD5',
  'TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5',
  'TLS_RSA_EXPORT_WITH_DES40_CBC_SHA',
]

/** The defects of the configuration key `tls.defect`. */
export const engineDefects: Readonly<Record<TlsDefectName, EngineDefect>> = {
  'poodle-tls': { flaws: { ignoresPadding: true }, suites: rsaSuites },
  bleichenbacher: { flaws: { revealsPadding: true }, suites: rsaSuites },
  // Export suites end at TLS 1.0.
  freak: { flaws: { rsaBits: 512 }, suites: [...rsaSuites, ...rsaExportSuites], minVersion: 'TLSv1' },
  logjam: {
    flaws: { dhGroupBits: 512 },
    suites: [...dheSuites, 'TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA'],
    minVersion: 'TLSv1',
  },
  'ccs-injection': { flaws: { acceptsEarlyChangeCipherSpec: true }, suites: rsaSuites },
  heartbleed: { flaws: { overreadsHeartbeats: true }, suites: rsaSuites },
  'no-downgrade-sentinel': { flaws: { omitsSentinel: true }, suites: rsaSuites },
  // A fallback needs a lower version than the first attempt.
  'no-fallback-scsv': { flaws: { ignoresFallback: true }, suites: rsaSuites, minVersion: 'TLSv1' },
  'no-secure-renegotiation': { flaws: { omitsRenegotiationInfo: true }, suites: rsaSuites },
  downgrade: { flaws: { takesTls13: true }, suites: rsaSuites },
  'wrong-finished': { flaws: { sendsWrongFinished: true }, suites: rsaSuites },
  'wrong-signature': { flaws: { sendsWrongSignature: true }, suites: dheSuites },
}
