import type { Selection } from './selection.ts'
import type { Session } from './session.ts'
import { flagsForm } from './updates.ts'
import { formatNumbers, type NumberRange } from './wire/numbers.ts'
import type { Resync } from './wire/select-parameters.ts'

/** What became of a mailbox since the client last saw it. RFC 7162 section 3.2.5. */
export async function tellResync(session: Session, selection: Selection, resync: Resync): Promise<void> {
  if (resync.uidValidity !== selection.folder.uidValidity) return
  await tellVanished(session, selection, resync.modSeq, resync.known)
  const changed = selection.messages.flatMap(({ modSeq, uid }, index) =>
    modSeq > resync.modSeq && isKnown(resync.known, uid) ? [index] : [],
  )
  if (changed.length > 0) session.say(flagsForm(session, selection, changed))
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
