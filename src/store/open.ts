import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { LabConfig } from '../config/schema.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { MessageStore } from './types.ts'

export interface OpenStoreOptions {
  readonly clock: Clock
  readonly log: Logger
}

/** Opens the store that the `store:` key of a lab names. */
export async function openStore(setting: LabConfig['store'], { clock, log }: OpenStoreOptions): Promise<MessageStore> {
  if (setting === 'memory') return new MemoryStore({ clock, log })
  throw new Error('store: the LMDB store is not built yet')
}
