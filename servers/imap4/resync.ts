import type { MessageEntry } from '../../src/store/types.ts'
import type { Selection } from './selection.ts'
import type { Session } from './session.ts'
import { flagsForm } from './updates.ts'
import { formatNumbers, type NumberRange } from './wire/numbers.ts'
import type { Resync } from './wire/select-parameters.ts'

/** What became of a mailbox since the client last saw it. RFC 7162 section 3.2.5. */
export async function tellResync(session: Session, selection: Selection, resync: Resync): Promise<void> {
  if (resync.uidValidity !== selection.folder.uidValidity) return
  await tellVanished(session, selection, resync.modSeq, resync.known)
  const changed = (await changedIndexes(session, selection, resync.modSeq)).filter((index) =>
    isKnown(resync.known, (selection.messages[index] as MessageEntry).uid),
  )
  if (changed.length > 0) session.say(flagsForm(session, selection, changed))
}

/**
 * Those of the messages (places, ascending) that came or were changed after `modSeq`. Many may be asked for where few
 * changed. RFC 7162 section 3.1.4.1.
 */
export async function changedAmong(
  session: Session,
  selection: Selection,
  asked: readonly number[],
  modSeq: number,
): Promise<number[]> {
  const changed = await changedIndexes(session, selection, modSeq)
  const isAll = asked.length === selection.messages.length
  return isAll ? changed : changed.filter((index) => asked[firstAtLeast(asked, index)] === index)
}

async function changedIndexes(session: Session, selection: Selection, modSeq: number): Promise<number[]> {
  const changed = await session.context.store.changedSince(selection.folder.id, modSeq)
  // The client is told of what its view has: what others did since is told as theirs.
  return changed
    .map(({ uid }) => selection.indexOf(uid))
    .filter((index) => index >= 0 && (selection.messages[index] as MessageEntry).modSeq > modSeq)
}

/** The place of the first number that is not below `number`. */
function firstAtLeast(ascending: readonly number[], number: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] as number) < number) low = middle + 1
    else high = middle
  }
  return low
}

/** Uids expunged after `modSeq`, of those in `known`. RFC 7162 section 3.2.10.1. */
export async function tellVanished(
  session: Session,
  selection: Selection,
  modSeq: number,
  known: readonly NumberRange[] | undefined,
): Promise<void> {
  const vanished = await session.context.store.vanishedSince(selection.folder.id, modSeq)
  const asked = known ? vanished.filter((uid) => isKnown(known, uid)) : vanished
  if (asked.length > 0) session.say(`* VANISHED (EARLIER) ${formatNumbers(asked)}\r\n`)
}

const isKnown = (known: readonly NumberRange[] | undefined, uid: number): boolean =>
  known === undefined || known.some(({ from, to }) => uid >= from && uid <= to)
