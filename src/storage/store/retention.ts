import type { Logger } from 'pino'
import { codePoints, globMatches, parseGlob } from '../../core/text/glob.ts'
import type { Clock } from '../../core/time/clock.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../core/time/real-timers.ts'
import { fromOldest } from './engines/full/oldest.ts'
import { StoreError } from './errors.ts'
import { type Folder, type Owner, PUBLIC_OWNER } from './folder.ts'
import type { MessageEntry } from './message-entry.ts'
import type { MessageStore, OldestMessage } from './types.ts'

/** The limits of a folder. The oldest messages beyond any of them are deleted. */
interface Limits {
  /** Longest time in the folder, in milliseconds. */
  readonly age?: number | undefined
  /** Most messages. */
  readonly count?: number | undefined
  /** Most octets of all messages together. */
  readonly size?: number | undefined
}

/** Limits for the folders whose name matches a pattern. */
export interface RetentionRule {
  /** `*` stands for any run of characters. */
  readonly folders: string
  readonly keep: Limits
}

const INTERVAL_MS = 60_000
/** Delay after a new article in a group with `keep.count`, so that a flood of articles causes few rounds. */
const DEBOUNCE_MS = 500

/**
 * Deletes messages that neither the rules nor a newsgroup's `keep` keeps. Message-IDs of articles
 * stay in the history, so that deleted articles do not come back. A maildrop that a POP3 session has locked is left for the
 * next time. Returns the number of deleted messages.
 * @throws StoreError
 */
export async function applyRetention(
  store: MessageStore,
  rules: readonly RetentionRule[],
  now: number,
): Promise<number> {
  let deleted = 0
  const parsed = rules.map((rule) => ({ rule, glob: parseGlob(rule.folders, 'stars') ?? [] }))
  const owners: readonly Owner[] = rules.length > 0 ? await store.listOwners() : [PUBLIC_OWNER]
  const limitsById = new Map<string, readonly Limits[]>()
  for (const folder of (await Promise.all(owners.map((owner) => store.listFolders(owner)))).flat()) {
    const name = codePoints(folder.name)
    const limits = [
      ...parsed.filter(({ glob }) => globMatches(glob, name)).map(({ rule }) => rule.keep),
      ...newsgroupLimits(folder),
    ]
    if (limits.length > 0) limitsById.set(folder.id, limits)
  }
  for (const [folderId, first] of await store.oldest([...limitsById.keys()])) {
    const limits = limitsById.get(folderId) ?? []
    if (limits.some((limit) => isBeyond(limit, first, first, now))) {
      deleted += await expungeOldest(store, folderId, limits, now)
    }
  }
  return deleted
}

/** Returns the limits that rules set for a folder name. */
export const limitsOf = (rules: readonly RetentionRule[], name: string): readonly Limits[] =>
  rules
    .filter(({ folders }) => globMatches(parseGlob(folders, 'stars') ?? [], codePoints(name)))
    .map(({ keep }) => keep)

/** Returns the limits that a newsgroup's configuration sets. */
function newsgroupLimits({ newsgroup }: Folder): Limits[] {
  const { expireAfterMs: age, keepLatest: count } = newsgroup ?? {}
  return age === undefined && count === undefined ? [] : [{ age, count }]
}

/**
 * Applies retention now, every minute, and soon after an article arrives in a group with `keep.count`.
 * @param rules returns the current rules, which change on reload
 * @returns a function that stops it
 */
export function keepRetention(
  store: MessageStore,
  rules: () => readonly RetentionRule[],
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): () => void {
  let running = false
  let soon: NodeJS.Timeout | undefined
  const apply = async (): Promise<void> => {
    if (running) return
    running = true
    try {
      const deleted = await applyRetention(store, rules(), clock.now())
      if (deleted > 0) log.info({ messages: deleted }, 'retention: messages deleted')
    } catch (err) {
      const closed = err instanceof StoreError && (err.code === 'closed' || err.code === 'not-found')
      if (!closed) log.error({ err }, 'retention: messages could not be deleted')
    } finally {
      running = false
    }
  }
  const applySoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined
      if (running) applySoon()
      else void apply()
    }, DEBOUNCE_MS).unref()
  }
  const keepsLatest = ({ newsgroup }: Folder): boolean => newsgroup?.keepLatest !== undefined
  const unwatch = store.watch(
    (event) => {
      if (event.type === 'appended' && keepsLatest(event.folder)) applySoon()
    },
    { follows: keepsLatest },
  )
  const timer = setInterval(() => void apply(), INTERVAL_MS)
  timer.unref()
  void apply()
  return () => {
    unwatch()
    clearInterval(timer)
    clearTimeout(soon)
  }
}

/**
 * Deletes from the oldest message on until all limits hold. Messages arrive in order, so that the first message to keep ends
 * the search. Returns the number of deleted messages.
 */
async function expungeOldest(
  store: MessageStore,
  folderId: string,
  limits: readonly Limits[],
  now: number,
): Promise<number> {
  let deleted = 0
  const { exists, sizeOctets } = await store.status(folderId)
  const left = { exists, sizeOctets }
  for await (const page of fromOldest(store, folderId)) {
    const doomed: number[] = []
    for (const entry of page) {
      if (!limits.some((limit) => isBeyond(limit, entry, left, now))) break
      doomed.push(entry.uid)
      left.exists--
      left.sizeOctets -= entry.sizeOctets
    }
    if (doomed.length > 0) deleted += (await store.expungeUnlocked(folderId, doomed)).length
    if (doomed.length < page.length) break
  }
  return deleted
}

/** Returns whether a limit requires the oldest remaining message to be deleted. */
const isBeyond = (
  { age, count, size }: Limits,
  { savedAt }: Pick<MessageEntry, 'savedAt'>,
  { exists, sizeOctets }: Pick<OldestMessage, 'exists' | 'sizeOctets'>,
  now: number,
): boolean =>
  (count !== undefined && exists > count) ||
  (age !== undefined && savedAt < now - age) ||
  (size !== undefined && sizeOctets > size)
