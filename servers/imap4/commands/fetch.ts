import { StoreError } from '../../../src/storage/store/errors.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { inBatches } from '../batches.ts'
import { defineMessageCommand } from '../command.ts'
import { sendMessages } from '../fetch/send.ts'
import { findLabels } from '../gmail/labels.ts'
import { withinLimit } from '../message-limit.ts'
import { bad, no, ok } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { findThreadIds } from '../thread-ids.ts'
import { changedAmong, enableCondstore, sendVanished } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { type FetchItem, type FetchModifiers, fetchItems, fetchModifiers } from '../wire/fetch-request.ts'
import { partialOf, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** FETCH numbers items [modifiers]. RFC 9051 section 6.4.5. */
export const fetch = defineMessageCommand({
  name: 'FETCH',
  updates: 'no-expunge',
  parse: fetchRequest,
  async run(session, { selection, identity }, request, byUid) {
    const { modifiers, set } = request
    const items = withImplied(session, request, byUid)
    let indexes: readonly number[] = selection.resolve(set, byUid)
    if (modifiers.changedSince !== undefined) {
      const { changedSince } = modifiers
      if (modifiers.vanished && set !== 'saved') await sendVanished(session, selection, changedSince, set)
      indexes = await changedAmong(session, selection, indexes, changedSince)
    }
    if (modifiers.partial) indexes = partialOf(indexes, modifiers.partial)
    const limited = withinLimit(session, selection, indexes)
    indexes = limited.indexes
    if (items.some(({ kind }) => kind === 'X-GM-LABELS')) selection.labels = await findLabels(session, identity.owner)
    if (items.some(({ kind }) => kind === 'THREADID' || kind === 'X-GM-THRID'))
      await findThreadIds(session, selection, indexes)
    const seen = await markSeen(session, selection, items, indexes)
    if (items.some(showsText)) {
      const entries = indexes.map((index) => selection.messages.at(index) as MessageEntry)
      session.context.histories.read(selection.folder, entries, selection)
    }
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
  const foreign = session.words?.hasLabels ? undefined : items.find(({ kind }) => kind.startsWith('X-GM-'))
  if (foreign) throw bad(`Unknown FETCH item ${foreign.kind}.`)
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

/** Returns whether an item has text of the message, and not only its header. */
const showsText = (item: FetchItem): boolean =>
  item.kind === 'binary' || (item.kind === 'section' && (item.section.text ?? 'TEXT') === 'TEXT')

const UNWRITABLE = new Set<StoreError['code']>(['no-space', 'read-only', 'failed', 'unknown'])

/** Marks messages as seen if their bodies are fetched. Returns the uids that were unseen. RFC 9051 section 6.4.5. */
async function markSeen(
  session: ImapSession,
  selection: Selection,
  items: readonly FetchItem[],
  indexes: readonly number[],
): Promise<ReadonlySet<number>> {
  const sees = items.some((item) => 'peek' in item && !item.peek)
  if (!sees || selection.isExamined || !selection.rights.includes('s')) return new Set<number>()
  const entries = indexes.map((index) => selection.messages.at(index) as MessageEntry)
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
