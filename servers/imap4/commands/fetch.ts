import { MemoryLimitReached } from '../../../src/common/memory-budget.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../../src/common/time-slice.ts'
import { type MessageEntry, StoreError } from '../../../src/store/types.ts'
import { inBatches } from '../batches.ts'
import { defineMessageCommand } from '../command.ts'
import { ContentReader, type MessageContent } from '../fetch/content.ts'
import { type ItemWriter, itemWriter } from '../fetch/items.ts'
import { FetchWriter } from '../fetch/writer.ts'
import { withinLimit } from '../message-limit.ts'
import { bad, no, ok } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { changedAmong, enableCondstore, newFlagsResponse, sendVanished } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { type FetchItem, type FetchModifiers, fetchItems, fetchModifiers } from '../wire/fetch-request.ts'
import { partialOf, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** FETCH numbers items [modifiers]. RFC 9051 section 6.4.5. */
export const fetch = defineMessageCommand({
  name: 'FETCH',
  updates: 'no-expunge',
  parse: fetchRequest,
  async run(session, { selection }, request, byUid) {
    const { modifiers, set } = request
    const items = withImplied(session, request, byUid)
    let indexes = selection.resolve(set, byUid)
    if (modifiers.changedSince !== undefined) {
      const { changedSince } = modifiers
      if (modifiers.vanished && set !== 'saved') await sendVanished(session, selection, changedSince, set)
      indexes = await changedAmong(session, selection, indexes, changedSince)
    }
    if (modifiers.partial) indexes = partialOf(indexes, modifiers.partial)
    const limited = withinLimit(session, selection, indexes)
    indexes = [...limited.indexes]
    const seen = await markSeen(session, selection, items, indexes)
    const missing = await sendMessages(session, selection, { items, indexes, seen })
    if (limited.code !== undefined) return ok(limited.code, 'FETCH completed for a part of the messages')
    if (missing === 0) return ok()
    // Other sessions expunged them. UID FETCH ignores uids that do not exist. RFC 2180 section 4.1.3; RFC 9051 section 6.4.9
    if (missing === indexes.length && !byUid) throw no('The messages have been expunged.', 'EXPUNGEISSUED')
    return ok('EXPUNGEISSUED', 'Messages have been expunged') // RFC 5530 section 3
  },
})

interface FetchRequest {
  readonly set: SequenceSet
  readonly items: readonly FetchItem[]
  readonly modifiers: FetchModifiers
}

function fetchRequest(cursor: Cursor, session: ImapSession, byUid: boolean): FetchRequest {
  cursor.space()
  const set = sequenceSet(cursor)
  cursor.space()
  const items = fetchItems(cursor)
  const modifiers = cursor.take(' ') ? fetchModifiers(cursor) : {}
  // RFC 7162 section 3.2.6
  if (modifiers.vanished && !(byUid && session.enabled.has('QRESYNC')))
    throw bad('VANISHED needs UID FETCH and ENABLE QRESYNC.')
  return { set, items, modifiers }
}

/** Returns the requested items, and those that the form of the request implies. */
function withImplied(session: ImapSession, { items, modifiers }: FetchRequest, byUid: boolean): FetchItem[] {
  const all = [...items]
  const has = (kind: FetchItem['kind']): boolean => all.some((item) => item.kind === kind)
  // A request for MODSEQ turns on CONDSTORE. RFC 7162 section 3.1
  if (has('MODSEQ') || modifiers.changedSince !== undefined) enableCondstore(session)
  if (modifiers.changedSince !== undefined && !has('MODSEQ')) all.push({ kind: 'MODSEQ' })
  if (byUid && !has('UID') && !session.enabled.has('UIDONLY')) all.unshift({ kind: 'UID' })
  return all
}

const UNWRITABLE = new Set<StoreError['code']>(['no-space', 'read-only', 'failed'])

/** Marks messages as seen if their bodies are fetched. Returns the uids that were unseen. RFC 9051 section 6.4.5. */
async function markSeen(
  session: ImapSession,
  selection: Selection,
  items: readonly FetchItem[],
  indexes: readonly number[],
): Promise<ReadonlySet<number>> {
  const sees = items.some((item) => 'peek' in item && !item.peek)
  if (!sees || selection.readOnly) return new Set<number>()
  const entries = indexes.map((index) => selection.messages[index] as MessageEntry)
  const unseen = entries.filter(({ flags, uid }) => !flags.includes('\\Seen') && !selection.isExpunged(uid))
  if (unseen.length === 0) return new Set<number>()
  const uids = unseen.map(({ uid }) => uid)
  const change = { mode: 'add', flags: ['\\Seen'] } as const
  const seen = new Set<number>()
  try {
    await inBatches(uids, async (batch) => {
      const { entries } = await session.context.store.setFlags(selection.folder.id, batch, change, selection)
      selection.refresh(entries)
      for (const { uid } of entries) seen.add(uid)
    })
    return seen
  } catch (error) {
    // Messages can be read even if they cannot be marked.
    if (!(error instanceof StoreError && UNWRITABLE.has(error.code))) throw error
    session.connection.record.note(`not marked as seen: ${error.message}`)
    return seen
  }
}

interface FetchPlan {
  readonly items: readonly FetchItem[]
  readonly indexes: readonly number[]
  readonly seen: ReadonlySet<number>
}

/** Sends the responses, as fast as the client reads them. Returns how many messages no longer exist. */
async function sendMessages(session: ImapSession, selection: Selection, plan: FetchPlan): Promise<number> {
  const { items, indexes, seen } = plan
  const writers = items.map(itemWriter)
  const needsContent = writers.some(({ from }) => from === 'content')
  const implied = seen.size > 0 ? impliedBySeen(session, items) : []
  const isUidOnly = session.enabled.has('UIDONLY')
  const showsFlags = implied.length > 0 || items.some(({ kind }) => kind === 'FLAGS')
  const contents = new ContentReader(session, selection)
  const out = new FetchWriter(session)
  // A large message is held until the client has read most of it.
  using memory = session.connection.memory.reservation('messages')
  // A long list of items counts as several messages.
  const itemsWork = 1 + (writers.length >> 4)
  let missing = 0
  let work = 0
  for (const index of indexes) {
    const entry = selection.messages[index] as MessageEntry
    if (memory.octets > 0) memory.release()
    if (needsContent && entry.sizeOctets > LARGE_OCTETS && !memory.tryGrow(entry.sizeOctets)) {
      out.end()
      throw new MemoryLimitReached()
    }
    const raw = needsContent ? await contents.octets(entry) : undefined
    const content = raw && contents.of(entry, raw)
    if (needsContent && !content) {
      missing++
      continue
    }
    if (showsFlags) out.text(newFlagsResponse(selection, [entry]))
    out.text(isUidOnly ? `* ${entry.uid} UIDFETCH (` : `* ${index + 1} FETCH (`)
    if (content) {
      const message: FetchedMessage = { entry, selection, content, steps: undefined }
      for (let at = 0; at < writers.length; ) {
        at = writeItems(out, writers, at, message)
        const rest = message.steps && runInSlices(message.steps)
        if (rest) await rest
        if (at === writers.length) break
        if (out.isFull) await out.flush()
        if (isSliceOver()) await nextSlice()
      }
    } else writeEntryItems(out, writers, entry, selection)
    if (seen.has(entry.uid)) {
      out.text(' ')
      writeEntryItems(out, implied, entry, selection)
    }
    out.text(')\r\n')
    work += itemsWork + (raw ? raw.length >> ITEM_SHIFT : 0)
    if (work < MESSAGES_PER_CHECK && !out.isFull) continue
    work = 0
    if (out.isFull) await out.flush()
    if (isSliceOver()) await nextSlice()
  }
  out.end()
  return missing
}

/** Memory of larger messages is reserved while they are sent. */
const LARGE_OCTETS = 256 * 1024

function impliedBySeen(session: ImapSession, items: readonly FetchItem[]): ItemWriter[] {
  const kinds = session.enabled.has('CONDSTORE') ? (['FLAGS', 'MODSEQ'] as const) : (['FLAGS'] as const)
  return kinds.filter((kind) => !items.some((item) => item.kind === kind)).map((kind) => itemWriter({ kind }))
}

/** Writes items that need no octets of the message. */
function writeEntryItems(
  out: FetchWriter,
  writers: readonly ItemWriter[],
  entry: MessageEntry,
  selection: Selection,
): void {
  for (let at = 0; at < writers.length; at++) {
    const writer = writers[at] as ItemWriter
    if (at > 0) out.text(' ')
    if (writer.from === 'entry') writer.write(out, entry, selection)
  }
}

interface FetchedMessage {
  readonly entry: MessageEntry
  readonly selection: Selection
  readonly content: MessageContent
  /** The rest of the item that was written last. */
  steps: Steps<void> | undefined
}

/** Messages written between two checks of the time slice. A long message counts as one for each of its kilobytes. */
const MESSAGES_PER_CHECK = 256
const ITEM_SHIFT = 10
/** Items of one message written between two checks. Most clients request fewer. */
const ITEMS_PER_CHECK = 16
/** One item of a longer message is written between two checks. */
const LONG_OCTETS = 64 * 1024

/** Writes items from the index `from` on, up to one that is written in steps. Returns the index of the next item. */
function writeItems(out: FetchWriter, writers: readonly ItemWriter[], from: number, message: FetchedMessage): number {
  const isLong = message.content.raw.length > LONG_OCTETS
  const most = from + (isLong ? 1 : ITEMS_PER_CHECK)
  let at = from
  do {
    if (at > 0) out.text(' ')
    message.steps = writeItem(out, writers[at] as ItemWriter, message)
    at++
  } while (!message.steps && at < writers.length && at < most && !out.isFull)
  return at
}

/** Writes an item, or returns the steps that write it. */
function writeItem(
  out: FetchWriter,
  writer: ItemWriter,
  { entry, selection, content }: FetchedMessage,
): Steps<void> | undefined {
  if (writer.from === 'content') return writer.write(out, content)
  writer.write(out, entry, selection)
  return undefined
}
