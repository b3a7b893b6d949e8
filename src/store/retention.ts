import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { StoreError } from './errors.ts'
import type { MessageEntry, MessageStore } from './types.ts'

/** What is kept in the folders whose name matches. */
export interface RetentionRule {
  /** `*` stands for anything. */
  readonly folders: string
  /** Milliseconds in the folder. */
  readonly age?: number | undefined
  /** The latest so many. */
  readonly count?: number | undefined
  /** The latest ones with so many octets together. */
  readonly size?: number | undefined
}

const INTERVAL_MS = 60_000

/** Deletes what the rules do not keep. Returns how many messages that were. @throws StoreError */
export async function applyRetention(
  store: MessageStore,
  rules: readonly RetentionRule[],
  now: number,
): Promise<number> {
  let gone = 0
  if (rules.length === 0) return gone
  for (const owner of await store.listOwners()) {
    for (const { id, name } of await store.listFolders(owner)) {
      const applying = rules.filter(({ folders }) => matches(folders, name))
      if (applying.length === 0) continue
      const entries = await store.list(id)
      const first = Math.max(...applying.map((rule) => firstKept(entries, rule, now)))
      const doomed = entries.slice(0, first).map(({ uid }) => uid)
      if (doomed.length > 0) gone += (await store.expunge(id, doomed)).length
    }
  }
  return gone
}

/** Applies the rules as they are then, now and every minute, until the function that is returned is called. */
export function keepRetention(
  store: MessageStore,
  rules: () => readonly RetentionRule[],
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): () => void {
  let running = false
  const apply = async (): Promise<void> => {
    if (running) return
    running = true
    try {
      const gone = await applyRetention(store, rules(), clock.now())
      if (gone > 0) log.info({ messages: gone }, 'retention: messages deleted')
    } catch (err) {
      const closed = err instanceof StoreError && (err.code === 'closed' || err.code === 'not-found')
      if (!closed) log.error({ err }, 'retention: messages could not be deleted')
    } finally {
      running = false
    }
  }
  const timer = setInterval(() => void apply(), INTERVAL_MS)
  timer.unref()
  void apply()
  return () => clearInterval(timer)
}

/** Index of the first entry that a rule keeps: what came later is kept. */
function firstKept(entries: readonly MessageEntry[], { age, count, size }: RetentionRule, now: number): number {
  let first = count === undefined ? 0 : Math.max(0, entries.length - count)
  if (age !== undefined) {
    const young = entries.findIndex(({ savedAt }) => savedAt >= now - age)
    first = Math.max(first, young === -1 ? entries.length : young)
  }
  if (size === undefined) return first
  let octets = 0
  for (let at = entries.length - 1; at >= first; at--) {
    octets += entries[at]?.sizeOctets ?? 0
    if (octets > size) return at + 1
  }
  return first
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name)
}
