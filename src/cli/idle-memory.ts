import type { Logger } from 'pino'

const LOOK_EVERY_MS = 5_000
/** Share of the processor that an idle lab stays below. */
const IDLE = 0.02

/**
 * Gives back, once the process is idle, what loading and starting have left: V8 keeps some 20 MB of room for more of it, and
 * looks through its heap only when something is allocated. Takes some 50 ms, once, when nobody waits for them.
 */
export function giveBackWhenIdle(log: Logger, everyMs = LOOK_EVERY_MS): void {
  // A Node.js that was built without it.
  if (!process.features.inspector) return
  let before = process.cpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    if ((user + system) / 1000 > everyMs * IDLE) return
    clearInterval(timer)
    collect().catch((err: Error) => log.debug({ err }, 'memory that the start has left is kept'))
  }, everyMs).unref()
}

/** The only way to V8's thorough collection, which makes the room smaller, in every Node.js and without options. */
async function collect(): Promise<void> {
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
