import { systemClock } from '../../src/core/time/clock.ts'
import { MemoryStore } from '../../src/storage/store/engines/memory/memory-store.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'

export interface CountingStore {
  readonly store: MessageStore
  /** The names of the methods that were called, in order. */
  readonly calls: string[]
}

/** Creates a store in memory that notes every call of its methods. */
export function countingStore(): CountingStore {
  const calls: string[] = []
  const store = new Proxy(new MemoryStore({ clock: systemClock }), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        calls.push(String(name))
        return value.apply(target, args)
      }
    },
  })
  return { store, calls }
}
