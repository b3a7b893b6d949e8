import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { FlagChange, FlagChangeResult } from '../../../src/storage/store/types.ts'
import { inBatches } from '../batches.ts'
import { defineMessageCommand } from '../command.ts'
import { labels } from '../gmail/labels.ts'
import { storeLabels } from '../gmail/store-labels.ts'
import { withinLimit } from '../message-limit.ts'
import { bad, type CommandResult, ok } from '../reply.ts'
import { checkRights, missingRight, permittedFlags, rightOfFlag } from '../rights.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { enableCondstore, fetchResponse, flagList, newFlagsResponse } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { flags } from '../wire/flags.ts'
import { formatNumbers, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** STORE numbers [(UNCHANGEDSINCE n)] [+|-]FLAGS[.SILENT] flags. RFC 9051 section 6.4.6; RFC 7162 section 3.1.3. */
export const store = defineMessageCommand({
  name: 'STORE',
  needsNoRefresh: true,
  parse: storeRequest,
  updates: 'no-expunge',
  async run(session, state, request, byUid) {
    const { selection } = state
    const { set, unchangedSince } = request
    if (request.labels) {
      checkRights(selection, '')
      const uids = selection.resolve(set, byUid).map((index) => (selection.messages.at(index) as MessageEntry).uid)
      return storeLabels(session, state, uids, { ...request, labels: request.labels })
    }
    const changes = permittedChanges(selection, request)
    if (unchangedSince !== undefined) enableCondstore(session)
    const { indexes, code } = withinLimit(session, selection, selection.resolve(set, byUid))
    const uids = indexes.map((index) => (selection.messages.at(index) as MessageEntry).uid)
    const modified: number[] = []
    let missing = 0
    await inBatches(uids, async (batch) => {
      const changed = await setFlags(session, selection, batch, changes)
      selection.refresh(changed.entries)
      await sendStored(session, selection, request, { entries: changed.entries, byUid })
      for (const uid of changed.modified) modified.push(uid)
      missing += batch.length - changed.entries.length - changed.modified.length
    })
    if (code !== undefined && modified.length === 0) return ok(code, 'STORE completed for a part of the messages')
    // A tagged reply has one code.
    if (code !== undefined) session.send(`* OK [${code}] STORE completed for a part of the messages\r\n`)
    return result(selection, { missing, modified, byUid })
  },
})

interface StoreRequest {
  readonly set: SequenceSet
  readonly mode: 'add' | 'remove' | 'replace'
  readonly silent: boolean
  readonly flags: readonly string[]
  readonly unchangedSince?: number
  /** The labels of X-GM-LABELS, instead of flags. */
  readonly labels?: readonly string[]
}

/**
 * Returns the changes that the account may make. A client without all rights changes the flags that it may change, and
 * the others stay. RFC 4314 section 4. @throws ImapError if it may change none of them
 */
function permittedChanges(selection: Selection, request: StoreRequest): readonly FlagChange[] {
  const { mode, flags, unchangedSince } = request
  checkRights(selection, '')
  const { rights } = selection
  const condition = unchangedSince === undefined ? {} : { unchangedSince }
  if (/s/.test(rights) && /w/.test(rights) && /t/.test(rights)) return [{ mode, flags, ...condition }]
  const permitted = permittedFlags(rights, flags)
  const [refused] = flags.filter((flag) => !permitted.includes(flag))
  if (permitted.length === 0 && refused !== undefined) throw missingRight(rightOfFlag(refused))
  if (mode !== 'replace') return [{ mode, flags: permitted, ...condition }]
  const others = permittedFlags(rights, [...selection.knownFlags]).filter((flag) => !permitted.includes(flag))
  if (others.length === 0 && permitted.length === 0) throw missingRight('w')
  return [
    { mode: 'add', flags: permitted, ...condition },
    { mode: 'remove', flags: others },
  ]
}

/** Applies changes one after the other. Messages that the first one refuses are not changed by the others. */
async function setFlags(
  { context: { store } }: ImapSession,
  selection: Selection,
  uids: readonly number[],
  [first, ...more]: readonly FlagChange[],
): Promise<FlagChangeResult> {
  const { id } = selection.folder
  let result = await store.setFlags(id, uids, first as FlagChange, selection)
  const { modified } = result
  for (const change of more) {
    const rest = result.entries.map(({ uid }) => uid)
    result = { ...(await store.setFlags(id, rest, change, selection)), modified }
  }
  return result
}

const MODES = { '+': 'add', '-': 'remove', '': 'replace' } as const

function storeRequest(cursor: Cursor, session: ImapSession): StoreRequest {
  cursor.space()
  const set = sequenceSet(cursor)
  cursor.space()
  const unchangedSince = cursor.ahead === '(' ? storeModifier(cursor) : undefined
  const sign = cursor.take('+') ? '+' : cursor.take('-') ? '-' : ''
  const hasLabels = session.words?.hasLabels === true && cursor.take('X-GM-LABELS')
  if (!hasLabels) cursor.expect('FLAGS')
  const silent = cursor.take('.SILENT')
  cursor.space()
  const modifier = unchangedSince === undefined ? {} : { unchangedSince }
  if (hasLabels) return { set, mode: MODES[sign], silent, flags: [], labels: labels(cursor, session), ...modifier }
  return { set, mode: MODES[sign], silent, flags: flags(cursor), ...modifier }
}

function storeModifier(cursor: Cursor): number {
  const [unchangedSince = 0, ...more] = cursor.list(() => {
    cursor.expect('UNCHANGEDSINCE ')
    return cursor.number64()
  })
  if (more.length > 0) throw bad('UNCHANGEDSINCE may be given once.')
  cursor.space()
  return unchangedSince
}

/** Sends the new flags, as fast as the client reads them: of many messages they may be more than fits in memory. */
async function sendStored(
  session: ImapSession,
  selection: Selection,
  { silent, unchangedSince }: StoreRequest,
  { entries, byUid }: { readonly entries: readonly MessageEntry[]; readonly byUid: boolean },
): Promise<void> {
  const condstore = session.enabled.has('CONDSTORE')
  // CONDSTORE clients get the new modification sequence even if silent. RFC 7162 section 3.1.3
  if (silent && !condstore && unchangedSince === undefined) return
  // Clients key the answer by what it contains. RFC 7162 section 3.2.4
  const showsUid = (byUid || session.enabled.has('QRESYNC')) && !session.enabled.has('UIDONLY')
  let text = newFlagsResponse(selection, entries)
  for (const entry of entries) {
    const index = selection.indexOf(entry.uid)
    if (index < 0) continue
    const items = [
      ...(showsUid ? [`UID ${entry.uid}`] : []),
      ...(silent ? [] : [`FLAGS ${flagList(selection, entry)}`]),
      ...(condstore ? [`MODSEQ (${entry.modSeq})`] : []),
    ]
    text += fetchResponse(session, index, entry, items.join(' '))
    if (text.length < CHUNK_CHARS) continue
    session.send(text)
    text = ''
    await session.connection.drained()
    if (isSliceOver()) await nextSlice()
  }
  session.send(text)
}

/** Characters of responses that are sent together. */
const CHUNK_CHARS = 64 * 1024

interface StoreCounts {
  /** Messages that other sessions have expunged. */
  readonly missing: number
  /** Uids of messages changed after UNCHANGEDSINCE. */
  readonly modified: readonly number[]
  readonly byUid: boolean
}

function result(selection: Selection, { missing, modified, byUid }: StoreCounts): CommandResult {
  if (modified.length > 0) {
    // The client used uids or sequence numbers; the reply uses the same. RFC 7162 section 3.1.3
    const numbers = byUid ? modified : modified.map((uid) => selection.indexOf(uid) + 1)
    return ok(`MODIFIED ${formatNumbers(numbers)}`, 'Conditional STORE failed')
  }
  // The messages that remain have been changed; the client learns of the others at its next command. RFC 2180 section 4.2
  return missing === 0 ? ok() : ok('EXPUNGEISSUED', 'Messages have been expunged')
}
