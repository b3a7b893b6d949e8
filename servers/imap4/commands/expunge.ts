import { defineCommand, noArguments } from '../command.ts'
import { done } from '../reply.ts'
import { checkWritable, type Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import { type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'

/** EXPUNGE. RFC 9051 section 6.4.3. What is gone is told as every expunge is, before the reply. */
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

async function expungeAndReport(session: Session, selection: Selection, set?: SequenceSet) {
  checkWritable(selection)
  const gone = await expungeDeleted(session, selection, set)
  // RFC 7162 section 3.2.7
  const code = session.enabled.has('QRESYNC') && gone > 0 ? `HIGHESTMODSEQ ${selection.highestModSeq}` : undefined
  return done('expunged', code)
}

/** Removes the messages marked `\Deleted`, those of `set` where there is one. Returns how many. */
export async function expungeDeleted(session: Session, selection: Selection, set?: SequenceSet): Promise<number> {
  const entries = set ? selection.resolve(set, true).map((index) => selection.messages[index]) : selection.messages
  const uids = entries.flatMap((entry) => (entry?.flags.includes('\\Deleted') ? [entry.uid] : []))
  if (uids.length === 0) return 0
  return (await session.context.store.expunge(selection.folder.id, uids, selection)).length
}
