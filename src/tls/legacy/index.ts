/** The door of the engine for old clients: the other modules import this file only. */
export { engineDefects } from './defects.ts'
export { keySchedules } from './key-schedule.ts'
export {
  hasRsaKey,
  type LegacyIdentity,
  LegacySessionCache,
  type LegacyTlsOptions,
  legacyIdentity,
  TemporaryKeys,
} from './options.ts'
export type { LegacyTlsSocket } from './socket.ts'
export {
  countedBits,
  highestVersionOf,
  isAuthenticated,
  type LegacySuite,
  type LegacyVersion,
  legacySuitesOf,
  legacyVersions,
  type StrengthMeasure,
} from './suites.ts'

/** Loads the engine itself. A lab that serves no old clients never needs it. */
export const loadEngine = (): Promise<typeof import('./socket.ts')> => import('./socket.ts')
