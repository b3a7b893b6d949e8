import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
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
/** Messages looked at in one go. */
const PAGE = 512

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
      gone += await expungeOldest(store, id, applying, now)
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

/** From the oldest on until all rules keep the next; what came later is not looked at. Returns how many went. */
async function expungeOldest(
  store: MessageStore,
  folderId: string,
  rules: readonly RetentionRule[],
  now: number,
): Promise<number> {
  let gone = 0
  const { exists, sizeOctets, lowestUid, highestUid } = await store.status(folderId)
  const left = { messages: exists, octets: sizeOctets }
  for (let from = lowestUid; left.messages > 0 && from <= highestUid; from += PAGE) {
    const page = await store.list(folderId, { from, to: from + PAGE - 1 })
    const doomed: number[] = []
    for (const entry of page) {
      if (!rules.some((rule) => isTooMuch(rule, entry, left, now))) break
      doomed.push(entry.uid)
      left.messages--
      left.octets -= entry.sizeOctets
    }
    if (doomed.length > 0) gone += (await store.expunge(folderId, doomed)).length
    if (doomed.length < page.length) break
  }
  return gone
}

/** Whether a rule lets the oldest message go of those that are left. */
const isTooMuch = (
  { age, count, size }: RetentionRule,
  { savedAt }: MessageEntry,
  { messages, octets }: { readonly messages: number; readonly octets: number },
  now: number,
): boolean =>
  (count !== undefined && messages > count) ||
  (age !== undefined && savedAt < now - age) ||
  (size !== undefined && octets > size)

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name)
}
