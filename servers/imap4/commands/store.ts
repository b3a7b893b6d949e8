import type { MessageEntry } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { bad, done, no } from '../reply.ts'
import { checkWritable, type Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import { flagList, messageData, newFlagsForm } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { flags } from '../wire/flags.ts'
import { formatNumbers, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** STORE numbers [(UNCHANGEDSINCE n)] [+|-]FLAGS[.SILENT] flags. RFC 9051 section 6.4.6; RFC 7162 section 3.1.3. */
export const store = defineCommand({
  name: 'STORE',
  states: selected,
  byNumber: true,
  parse: (cursor) => storeRequest(cursor, false),
  updates: 'no-expunge',
  run: (session, { selection }, request) => runStore(session, selection, request),
})

/** UID STORE. RFC 9051 section 6.4.9. */
export const uidStore = defineCommand({
  name: 'UID STORE',
  states: selected,
  parse: (cursor) => storeRequest(cursor, true),
  run: (session, { selection }, request) => runStore(session, selection, request),
})

interface StoreRequest {
  readonly set: SequenceSet
  readonly byUid: boolean
  readonly mode: 'add' | 'remove' | 'replace'
  readonly silent: boolean
  readonly flags: readonly string[]
  readonly unchangedSince?: number
}

const MODES = { '+': 'add', '-': 'remove', '': 'replace' } as const

function storeRequest(cursor: Cursor, byUid: boolean): StoreRequest {
  cursor.space()
  const set = sequenceSet(cursor)
  cursor.space()
  const unchangedSince = cursor.ahead === '(' ? storeModifier(cursor) : undefined
  const sign = cursor.take('+') ? '+' : cursor.take('-') ? '-' : ''
  cursor.expect('FLAGS')
  const silent = cursor.take('.SILENT')
  cursor.space()
  const modifier = unchangedSince === undefined ? {} : { unchangedSince }
  return { set, byUid, mode: MODES[sign], silent, flags: flags(cursor), ...modifier }
}

function storeModifier(cursor: Cursor): number {
  const [unchangedSince = 0, ...more] = cursor.list(() => {
    cursor.expect('UNCHANGEDSINCE ')
    return cursor.number64()
  })
  if (more.length > 0) throw bad('UNCHANGEDSINCE twice')
  cursor.space()
  return unchangedSince
}

async function runStore(session: Session, selection: Selection, request: StoreRequest) {
  const { set, byUid, mode, flags, unchangedSince } = request
  checkWritable(selection)
  if (unchangedSince !== undefined) session.enabled.add('CONDSTORE')
  const asked = selection.resolve(set, byUid).map((index) => (selection.messages[index] as MessageEntry).uid)
  const change = { mode, flags, ...(unchangedSince === undefined ? {} : { unchangedSince }) }
  const result =
    asked.length === 0
      ? { entries: [], modified: [] }
      : await session.context.store.setFlags(selection.folder.id, asked, change, selection)
  selection.refresh(result.entries)
  tellStored(session, selection, request, result.entries)
  const missing = asked.length - result.entries.length - result.modified.length
  return outcome(selection, byUid, { asked: asked.length, missing, modified: result.modified })
}

function tellStored(
  session: Session,
  selection: Selection,
  request: StoreRequest,
  entries: readonly MessageEntry[],
): void {
  const { silent, byUid, unchangedSince } = request
  const condstore = session.enabled.has('CONDSTORE')
  // Silent or not, who is aware of modification numbers is told them. RFC 7162 section 3.1.3
  if (silent && !condstore && unchangedSince === undefined) return
  const namesUid = (byUid || condstore) && !session.enabled.has('UIDONLY')
  let text = newFlagsForm(selection, entries)
  for (const entry of entries) {
    const index = selection.indexOf(entry.uid)
    if (index < 0) continue
    const items = [
      ...(namesUid ? [`UID ${entry.uid}`] : []),
      ...(silent ? [] : [`FLAGS ${flagList(selection, entry)}`]),
      ...(condstore ? [`MODSEQ (${entry.modSeq})`] : []),
    ]
    text += messageData(session, index, entry, items.join(' '))
  }
  session.say(text)
}

function outcome(
  selection: Selection,
  byUid: boolean,
  counts: { asked: number; missing: number; modified: readonly number[] },
) {
  const { asked, missing, modified } = counts
  if (modified.length > 0) {
    // RFC 7162 section 3.1.3: the numbers the client used.
    const numbers = byUid ? modified : modified.map((uid) => selection.indexOf(uid) + 1)
    return done('some were changed meanwhile', `MODIFIED ${formatNumbers(numbers)}`)
  }
  if (missing > 0 && missing === asked && !byUid) throw no('those messages have been expunged', 'EXPUNGEISSUED')
  return missing > 0 ? done('stored, less what has been expunged', 'EXPUNGEISSUED') : done('stored')
}
