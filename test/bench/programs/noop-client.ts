import { setTimeout as sleep } from 'node:timers/promises'
import { LoadClient } from '../frame/wire.ts'

/** How the server answered NOOPs, in milliseconds. */
export interface Latencies {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** The server closed the connection, or did not answer. */
  readonly isLost: boolean
  /** A new client could log on afterwards. */
  readonly isServed: boolean
}

const EVERY_MS = 5
/** How long to wait for the last answers. */
const PATIENCE_MS = 20_000

/** An IMAP4 session that sends a NOOP every few milliseconds, whether or not the earlier ones are answered. */
const target = { host: '127.0.0.1', port: Number(process.argv[2]) }
const latencies: number[] = []
const pending: number[] = []
let isLost = false
let timer: NodeJS.Timeout | undefined

async function logOn(): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await wire.ask('l LOGIN bob secret\r\n', 'l OK')
  await wire.until('\r\n')
  return wire
}

async function readReplies(wire: LoadClient): Promise<void> {
  for (;;) {
    await wire.until('n OK NOOP completed\r\n')
    const sentAt = pending.shift()
    if (sentAt !== undefined) latencies.push(performance.now() - sentAt)
  }
}

/** Tries until it succeeds: a lab that has just lost hundreds of connections may still refuse new ones for a moment. */
async function canLogOn(): Promise<boolean> {
  while (!(await logOn().then(Boolean, () => false))) await sleep(100)
  return true
}

async function results(): Promise<Latencies> {
  for (const limit = performance.now() + PATIENCE_MS; pending.length > 0 && !isLost && performance.now() < limit; ) {
    await sleep(EVERY_MS)
  }
  if (pending.length > 0) isLost = true
  const sorted = [...latencies, ...pending.map((sentAt) => performance.now() - sentAt)].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  const isServed = await Promise.race([canLogOn(), sleep(PATIENCE_MS, false)])
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1), isLost, isServed }
}

const wire = await logOn()
readReplies(wire).catch(() => {
  isLost = true
})
process.on('message', async (what) => {
  if (what === 'begin') {
    timer = setInterval(() => {
      pending.push(performance.now())
      wire.send('n NOOP\r\n')
    }, EVERY_MS)
  } else if (what === 'lap') {
    process.send?.(Math.max(0, ...latencies.splice(0), ...pending.map((sentAt) => performance.now() - sentAt)))
  } else {
    clearInterval(timer)
    process.send?.(await results())
  }
})
process.send?.('ready')
