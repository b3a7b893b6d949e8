import type { Logger } from 'pino'
import { coalesce } from '../../core/async/coalesce.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { LabStopped } from '../change-queue.ts'

/** Wait before a failed change is tried again: a folder that is being copied may still lack files. */
const RETRY_MS = 1000

/**
 * Applies each change of a certificate store to a running lab, and tries again after a failure. Several changes at the
 * same time are applied together.
 * @returns a function that stops it
 */
export function followCertificates(store: CertificateStore, apply: () => Promise<void>, log: Logger): () => void {
  let retry: NodeJS.Timeout | undefined
  let reported: string | undefined
  const follow = coalesce(async () => {
    clearTimeout(retry)
    try {
      await apply()
      reported = undefined
    } catch (error) {
      if (error instanceof LabStopped) return
      const { message } = error as Error
      if (message !== reported) {
        log.error({ err: error }, 'cannot use the changed certificate; the servers keep the previous one')
      }
      reported = message
      if (!stopped) retry = setTimeout(follow, RETRY_MS).unref()
    }
  })
  let stopped = false
  const unwatch = store.watch(follow)
  return () => {
    stopped = true
    clearTimeout(retry)
    unwatch()
  }
}
