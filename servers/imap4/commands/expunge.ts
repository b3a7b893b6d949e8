import { inBatches } from '../batches.ts'
import { defineCommand, noArguments } from '../command.ts'
import { withinLimit } from '../message-limit.ts'
import { type CommandResult, ok } from '../reply.ts'
import { checkRights } from '../rights.ts'
import type { Selection } from '../selection.ts'
import { type ImapSession, selected } from '../state.ts'
import { highestModSeqCode } from '../updates.ts'
import { type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** EXPUNGE. The EXPUNGE responses are sent with the other updates, before the reply. RFC 9051 section 6.4.3. */
export const expunge = defineCommand({
  name: 'EXPUNGE',
  states: selected,
  parse: noArguments,
  run: (session, { selection }) => expungeAndReport(session, selection),
})

/** UID EXPUNGE uids. RFC 4315 section 2.1. */
export const uidExpunge = defineCommand({
  name: 'UID EXPUNGE',
  states: selected,
  parse(cursor) {
    cursor.space()
    return sequenceSet(cursor)
  },
  run: (session, { selection }, set) => expungeAndReport(session, selection, set),
})

async function expungeAndReport(session: ImapSession, selection: Selection, set?: SequenceSet): Promise<CommandResult> {
  checkRights(selection, 'e')
  // Only UID EXPUNGE is limited. RFC 9738 section 3.1
  const limited = set && withinLimit(session, selection, deletedIn(selection, selection.resolve(set, true)))
  const count = await expungeDeleted(session, selection, limited?.indexes)
  if (limited?.code !== undefined) return ok(limited.code, 'UID EXPUNGE completed for a part of the messages')
  return ok(count > 0 ? highestModSeqCode(session, selection) : undefined) // RFC 7162 section 3.2.7
}

const deletedIn = ({ messages }: Selection, indexes: readonly number[]): number[] =>
  indexes.filter((index) => messages.at(index)?.flags.includes('\\Deleted'))

/** Removes the messages marked `\Deleted`, or only those among `indexes`. Returns how many. */
export async function expungeDeleted(
  session: ImapSession,
  selection: Selection,
  indexes?: readonly number[],
): Promise<number> {
  const { messages } = selection
  const entries = indexes ? deletedIn(selection, indexes).map((index) => messages.at(index)) : [...messages.deleted()]
  const uids = entries.flatMap((entry) => entry?.uid ?? [])
  let count = 0
  await inBatches(uids, async (batch) => {
    count += (await session.context.store.expunge(selection.folder.id, batch, selection)).length
  })
  return count
}
