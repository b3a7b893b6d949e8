import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { MtaStsDefect } from '../../core/config/schema/mta-sts.ts'
import type { MtaStsPolicy } from './policy.ts'

/** The policy of a lab's mail domain, as the lab serves it. */
export interface ConfiguredPolicy {
  readonly policy: MtaStsPolicy
  readonly defect?: MtaStsDefect
}

/** Returns the policy of the lab's mail domain; undefined if the configuration has none. */
export function configuredPolicy({
  outgoing: { mtaSts },
  hostname,
}: Pick<ResolvedLab, 'outgoing' | 'hostname'>): ConfiguredPolicy | undefined {
  if (mtaSts === undefined) return undefined
  const { mode, mx = [hostname], maxAge, defect } = mtaSts
  const policy = { mode, mx, maxAgeSeconds: Math.floor(maxAge / 1000) }
  return defect === undefined ? { policy } : { policy, defect }
}
