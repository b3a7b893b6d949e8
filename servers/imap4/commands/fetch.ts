import { TimeSlice } from '../../../src/common/time-slice.ts'
import { type MessageEntry, StoreError } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { type Content, ContentReader } from '../fetch/content.ts'
import { type Producer, producerOf } from '../fetch/items.ts'
import { FetchWriter } from '../fetch/writer.ts'
import { bad, done, no } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import { changedAmong, newFlagsForm, tellVanished } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { type FetchItem, type FetchModifiers, fetchItems, fetchModifiers } from '../wire/fetch-request.ts'
import { partialOf, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** FETCH numbers items [modifiers]. RFC 9051 section 6.4.5. */
export const fetch = defineCommand({
  name: 'FETCH',
  states: selected,
  byNumber: true,
  parse: (cursor, session) => fetchRequest(cursor, session, false),
  updates: 'no-expunge',
  run: (session, { selection }, request) => runFetch(session, selection, request),
})

/** UID FETCH uids items [modifiers]. RFC 9051 section 6.4.9. */
export const uidFetch = defineCommand({
  name: 'UID FETCH',
  states: selected,
  parse: (cursor, session) => fetchRequest(cursor, session, true),
  run: (session, { selection }, request) => runFetch(session, selection, request),
})

interface FetchRequest {
  readonly set: SequenceSet
  readonly byUid: boolean
  readonly items: readonly FetchItem[]
  readonly modifiers: FetchModifiers
}

function fetchRequest(cursor: Cursor, session: Session, byUid: boolean): FetchRequest {
  cursor.space()
  const set = sequenceSet(cursor)
  cursor.space()
  const items = fetchItems(cursor)
  const modifiers = cursor.take(' ') ? fetchModifiers(cursor) : {}
  // RFC 7162 section 3.2.6
  if (modifiers.vanished && !(byUid && session.enabled.has('QRESYNC')))
    throw bad('VANISHED needs UID FETCH and QRESYNC')
  return { set, byUid, items, modifiers }
}

async function runFetch(session: Session, selection: Selection, request: FetchRequest) {
  const { modifiers, byUid, set } = request
  const items = withImplied(session, request)
  let indexes = selection.resolve(set, byUid)
  if (modifiers.changedSince !== undefined) {
    const { changedSince } = modifiers
    if (modifiers.vanished && set !== 'saved') await tellVanished(session, selection, changedSince, set)
    indexes = await changedAmong(session, selection, indexes, changedSince)
  }
  if (modifiers.partial) indexes = partialOf(indexes, modifiers.partial)
  const seen = await markSeen(session, selection, items, indexes)
  const missing = await tell(session, selection, { items, indexes, seen })
  if (missing === 0) return done('fetched')
  // Others expunged them meanwhile. RFC 5530 section 3
  if (missing === indexes.length) throw no('those messages have been expunged', 'EXPUNGEISSUED')
  return done('fetched, less what has been expunged', 'EXPUNGEISSUED')
}

/** The items asked for, and those that the manner of asking implies. */
function withImplied(session: Session, { items, byUid, modifiers }: FetchRequest): FetchItem[] {
  const all = [...items]
  const has = (kind: FetchItem['kind']): boolean => all.some((item) => item.kind === kind)
  // RFC 7162 section 3.1: asking for it is being aware of it.
  if (has('MODSEQ') || modifiers.changedSince !== undefined) session.enabled.add('CONDSTORE')
  if (modifiers.changedSince !== undefined && !has('MODSEQ')) all.push({ kind: 'MODSEQ' })
  if (byUid && !has('UID') && !session.enabled.has('UIDONLY')) all.unshift({ kind: 'UID' })
  return all
}

/** Reading a body is seeing it. RFC 9051 section 6.4.5. Returns the uids that were unseen. */
async function markSeen(
  session: Session,
  selection: Selection,
  items: readonly FetchItem[],
  indexes: readonly number[],
) {
  const sees = items.some((item) => 'peek' in item && !item.peek)
  if (!sees || selection.readOnly) return new Set<number>()
  const entries = indexes.map((index) => selection.messages[index] as MessageEntry)
  const unseen = entries.filter(({ flags, uid }) => !flags.includes('\\Seen') && !selection.isExpunged(uid))
  if (unseen.length === 0) return new Set<number>()
  const uids = unseen.map(({ uid }) => uid)
  const change = { mode: 'add', flags: ['\\Seen'] } as const
  try {
    const { entries: seen } = await session.context.store.setFlags(selection.folder.id, uids, change, selection)
    selection.refresh(seen)
    return new Set(seen.map(({ uid }) => uid))
  } catch (error) {
    // A store that takes nothing now is read all the same.
    if (!(error instanceof StoreError && (error.code === 'no-space' || error.code === 'read-only'))) throw error
    session.connection.record.note(`not marked as seen: ${error.message}`)
    return new Set<number>()
  }
}

interface Telling {
  readonly items: readonly FetchItem[]
  readonly indexes: readonly number[]
  readonly seen: ReadonlySet<number>
}

/** Sends the responses, pausing for slow clients. Returns how many messages are gone. */
async function tell(session: Session, selection: Selection, { items, indexes, seen }: Telling): Promise<number> {
  const producers = items.map(producerOf)
  const needsContent = producers.some(({ from }) => from === 'content')
  const implied = seen.size > 0 ? impliedBySeen(session, items) : []
  const isUidOnly = session.enabled.has('UIDONLY')
  const tellsFlags = implied.length > 0 || items.some(({ kind }) => kind === 'FLAGS')
  const contents = new ContentReader(session, selection)
  const out = new FetchWriter(session)
  const timeSlice = new TimeSlice()
  let missing = 0
  for (const index of indexes) {
    const entry = selection.messages[index] as MessageEntry
    const raw = needsContent ? await contents.octets(entry) : undefined
    const content = raw && contents.of(entry, raw)
    if (needsContent && !content) {
      missing++
      continue
    }
    if (tellsFlags) out.text(newFlagsForm(selection, [entry]))
    out.text(isUidOnly ? `* ${entry.uid} UIDFETCH (` : `* ${index + 1} FETCH (`)
    for (let at = 0; at < producers.length; ) {
      at = produce(out, producers, at, { entry, selection, content })
      if (at === producers.length) break
      if (out.isFull) await out.rest()
      if (timeSlice.isOver()) await timeSlice.yield()
    }
    if (seen.has(entry.uid)) for (const producer of implied) produceNext(out, producer, entry, selection, content)
    out.text(')\r\n')
    if (!out.isFull) continue
    await out.rest()
    if (timeSlice.isOver()) await timeSlice.yield()
  }
  out.end()
  return missing
}

function impliedBySeen(session: Session, items: readonly FetchItem[]): Producer[] {
  const kinds = session.enabled.has('CONDSTORE') ? (['FLAGS', 'MODSEQ'] as const) : (['FLAGS'] as const)
  return kinds.filter((kind) => !items.some((item) => item.kind === kind)).map((kind) => producerOf({ kind }))
}

interface Subject {
  readonly entry: MessageEntry
  readonly selection: Selection
  readonly content: Content | undefined
}

/** Clients ask for fewer items at a time; whoever asks for many gets them with pauses, and they are not held all together. */
const ITEMS_AT_ONCE = 16

/** Produces items from `from` on; returns where it stopped. */
function produce(out: FetchWriter, producers: readonly Producer[], from: number, subject: Subject): number {
  const { entry, selection, content } = subject
  let at = from
  do {
    if (at > 0) out.text(' ')
    produceOne(out, producers[at] as Producer, entry, selection, content)
    at++
  } while (at < producers.length && at < from + ITEMS_AT_ONCE && !out.isFull)
  return at
}

function produceNext(...args: Parameters<typeof produceOne>): void {
  args[0].text(' ')
  produceOne(...args)
}

function produceOne(
  out: FetchWriter,
  producer: Producer,
  entry: MessageEntry,
  selection: Selection,
  content: Content | undefined,
): void {
  if (producer.from === 'entry') producer.produce(out, entry, selection)
  else if (content) producer.produce(out, content)
}
