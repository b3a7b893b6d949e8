import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { MessageStore } from './types.ts'

export interface OpenStoreOptions {
  readonly clock: Clock
  readonly log: Logger
}

/** Where the messages are: in memory (so many octets at most), or in a folder (an absolute path) that LMDB keeps. */
export type StoreSetting = 'memory' | { readonly memory: number } | { readonly lmdb: string }

/** Opens a store. LMDB is loaded only where it is wanted. @throws StoreError */
export async function openStore(setting: StoreSetting, { clock, log }: OpenStoreOptions): Promise<MessageStore> {
  if (setting === 'memory') return new MemoryStore({ clock, log })
  if ('memory' in setting) return new MemoryStore({ clock, log, maxOctets: setting.memory })
  const { openLmdbStore } = await import('./lmdb/open.ts')
  return openLmdbStore(setting.lmdb, { clock, log })
}
