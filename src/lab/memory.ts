import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import type { Logger } from 'pino'
import type { ResolvedLab } from '../core/config/resolve.ts'
import { MemoryBudget, type MemoryLimits } from '../core/octets/memory-budget.ts'
import { Spool } from '../core/octets/spool.ts'
import { usableMemory } from '../core/octets/usable-memory.ts'

/** Share of the machine's memory, and of V8's heap. */
const SHARE = 1 / 4
const MAX_DEFAULT_OCTETS = 1024 ** 3
const MEBIBYTE = 1024 ** 2

/** Returns the limits that the configuration sets, or their defaults. */
export function memoryLimits({ memoryLimit }: Pick<ResolvedLab, 'memoryLimit'>): MemoryLimits {
  const totalOctets = memoryLimit ?? Math.min(MAX_DEFAULT_OCTETS, Math.floor(usableMemory() * SHARE))
  return { totalOctets, heapOctets: Math.floor(getHeapStatistics().heap_size_limit * SHARE) }
}

/** Creates the budget of a lab. Logs when it refuses work. */
export function createMemoryBudget(config: ResolvedLab, log: Logger): MemoryBudget {
  return new MemoryBudget(memoryLimits(config), ({ limit, used, refusals, ...uses }) => {
    const shown = Object.entries(uses).map(([use, octets]) => `${use} ${mebibytesText(octets)}`)
    log.warn(
      { memory: { limit, used, ...uses } },
      `the memory limit (memoryLimit: ${mebibytesText(limit)}) is reached: new connections and messages are refused until clients ` +
        `release memory. In use: ${shown.join(', ')}. Raise memoryLimit, lower limits.connections, or store messages with lmdb.`,
    )
  })
}

const mebibytesText = (octets: number): string => `${Math.round(octets / MEBIBYTE)}MiB`

/** Opens the folder for large messages that arrive, next to a store on disk. Without one, they arrive in memory. */
export function openSpool(config: ResolvedLab, log: Logger): Spool | undefined {
  const { store } = config
  if (store === 'memory' || !('lmdb' in store)) return undefined
  try {
    return new Spool(join(store.lmdb, 'spool'))
  } catch (err) {
    log.warn(`large messages are received in memory, within memoryLimit: ${(err as Error).message}`)
    return undefined
  }
}
