import type { Logger } from 'pino'

const CHECK_EVERY_MS = 5_000
/** A lab is idle if it uses less than this share of a processor. */
const IDLE_SHARE = 0.02

/**
 * Frees the memory that the start of the lab needed, once, as soon as the process is idle. V8 keeps some 20 MB for
 * further allocations and collects garbage only when something is allocated. The collection takes about 50 ms.
 */
export function releaseMemoryWhenIdle(log: Logger, everyMs = CHECK_EVERY_MS): void {
  // Node.js can be built without the inspector.
  if (!process.features.inspector) return
  let before = process.cpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    if ((user + system) / 1000 > everyMs * IDLE_SHARE) return
    clearInterval(timer)
    collectGarbage().catch((err: Error) => log.debug({ err }, 'memory of the start was not released'))
  }, everyMs).unref()
}

/** Runs a full garbage collection through the inspector, the only way that works without a command-line option. */
async function collectGarbage(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connect()
  try {
    await new Promise<void>((resolve, reject) => {
      session.post('HeapProfiler.collectGarbage', (error) => (error ? reject(error) : resolve()))
    })
  } finally {
    session.disconnect()
  }
}
