import type { Logger } from 'pino'

const CHECK_EVERY_MS = 5_000
/** A lab is idle if it uses less than this share of a processor. */
const IDLE_SHARE = 0.02

/** Growth of the memory since the last collection that is worth another one. */
const WORTH_OCTETS = 32 * 1024 * 1024

/**
 * Frees garbage when the process is idle: the memory that the start of the lab needed, and later that of busy times. V8
 * collects garbage only when something is allocated, so an idle process would keep it, hundreds of megabytes after a load
 * of large messages. A collection takes 50 ms or more, so it waits for an idle process.
 */
export function releaseMemoryWhenIdle(log: Logger, everyMs = CHECK_EVERY_MS): void {
  // Node.js can be built without the inspector.
  if (!process.features.inspector) return
  let before = process.cpuUsage()
  // The first collection is always worth it.
  let kept = Number.NEGATIVE_INFINITY
  setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    if ((user + system) / 1000 > everyMs * IDLE_SHARE || heldOctets() - kept < WORTH_OCTETS) return
    collectGarbage()
      .catch((err: Error) => log.debug({ err }, 'unused memory was not released'))
      .finally(() => {
        kept = heldOctets()
      })
  }, everyMs).unref()
}

/** Returns the memory of V8's heap and of Buffers, garbage included. */
function heldOctets(): number {
  const { heapTotal, external } = process.memoryUsage()
  return heapTotal + external
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
