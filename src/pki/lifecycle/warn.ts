import type { StoreLog } from '../certificate-store/store.ts'
import type { LifecycleContext } from './context.ts'
import { type CertificateWarning, certificateWarnings } from './warnings.ts'

/** How often dates are looked at. */
const lookMs = 3_600_000

const keyOf = ({ virtualServer, thumbprint, code, withinDays }: CertificateWarning): string =>
  [virtualServer, thumbprint, code, withinDays].join()

/**
 * Logs the warnings about what virtual servers wear: now, after each change of the store, and as 30, 7 and 1 days are left.
 * Each is said once. Returns the function that ends it.
 */
export function warnInLog(context: LifecycleContext, log: StoreLog): () => void {
  const said = new Set<string>()
  const look = (): void => {
    certificateWarnings(context)
      .then((warnings) => {
        for (const warning of warnings.filter((one) => !said.has(keyOf(one)))) {
          said.add(keyOf(warning))
          const { message, virtualServer, thumbprint, code } = warning
          log[warning.severity === 'error' ? 'error' : 'warn']({ virtualServer, thumbprint, code }, message)
        }
      })
      .catch((err: Error) => log.error({ err }, `certificates could not be looked at: ${err.message}`))
  }
  const timer = setInterval(look, lookMs).unref()
  const unwatch = context.store.watch(look)
  look()
  return () => {
    clearInterval(timer)
    unwatch()
  }
}
