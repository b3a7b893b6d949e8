import type { Logger } from 'pino'
import { isShared, type ResolvedLab } from '../core/config/resolve.ts'
import { durationText } from '../core/config/schema/values.ts'
import { abortAfter } from '../core/time/abort-after.ts'
import { delay as sleep } from '../core/time/real-timers.ts'
import type { VirtualServers } from './virtual-servers/virtual-servers.ts'

/** The parts of a lab that a drain needs. */
interface DrainServices {
  readonly config: ResolvedLab
  readonly log: Logger
  readonly virtualServers: VirtualServers
}

/** The default of `drain.delay` behind a balancer, which asks about every second and needs some failures. */
const SHARED_DELAY_MS = 5_000

/** Returns the default of `drain.delay`, in milliseconds: a lab that is alone has no balancer that must notice. */
const defaultDelayMs = ({ store }: ResolvedLab): number => (isShared(store) ? SHARED_DELAY_MS : 0)

/**
 * Accepts clients for `drain.delay`, then closes the ports and lets sessions finish what they do, for at most `drain.timeout`.
 * @param hurry ends it immediately
 * @param beforeClose called before the ports close, which waits for it
 */
export async function drain(
  { config, log, virtualServers }: DrainServices,
  hurry: AbortSignal,
  beforeClose: () => Promise<void>,
): Promise<void> {
  const { delay = defaultDelayMs(config), timeout } = config.drain
  if (delay > 0) {
    log.info(`draining: clients are accepted for another ${durationText(delay)} (drain.delay)`)
    await sleep(delay, undefined, { signal: hurry }).catch(() => {})
  }
  await beforeClose()
  using limit = abortAfter(timeout, hurry)
  const left = await virtualServers.drain(limit.signal)
  if (left > 0 && !hurry.aborted)
    log.warn(`${left} sessions have not ended within ${durationText(timeout)} (drain.timeout)`)
}
