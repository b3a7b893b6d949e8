import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections and to port 0 (Linux: 32768 and above, others: 49152 and above):
 * another connection of the machine must not take a port between its test here and its use.
 */
const FIRST = 20_000
const LAST = 32_000
/** Processes of one test run have ports of their own, so that none tests a port that another is about to use. */
const PROCESSES = 8

const share = Number(process.env.VITEST_POOL_ID ?? 0) % PROCESSES
let untried: number[] = []

/** Returns free ports of 127.0.0.1, for programs that cannot choose a free port themselves. The next calls return others. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    if (untried.length === 0) {
      untried = Array.from({ length: (LAST - FIRST) / PROCESSES }, (_, i) => FIRST + i * PROCESSES + share)
    }
    const [port = 0] = untried.splice(Math.floor(Math.random() * untried.length), 1)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** Returns a free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/** Returns a number that can be added to each of these ports of 127.0.0.1, so that all of them are free. */
export async function freeOffset(ports: readonly number[]): Promise<number> {
  for (;;) {
    const offset = randomInt(7_000, LAST - Math.max(...ports))
    if ((await Promise.all(ports.map((port) => isFree(port + offset)))).every(Boolean)) return offset
  }
}

/** Returns whether nothing listens on a port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    await once(server.close(), 'close')
    return true
  } catch {
    return false
  }
}
