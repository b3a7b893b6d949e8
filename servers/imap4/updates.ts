import type { MessageEntry, MessageStore } from '../../src/store/types.ts'
import type { Resync } from './commands/select.ts'
import type { Selection } from './selection.ts'
import type { Session } from './session.ts'
import { formatNumbers, type NumberRange } from './wire/sequence-set.ts'

/**
 * Tells the client what others changed in the selected mailbox: first what is gone, then what is new, then flags.
 * RFC 9051 sections 7.4.1 and 7.5; VANISHED under QRESYNC and UIDONLY, RFC 7162 section 3.2.10.
 */
export function tellUpdates(session: Session, selection: Selection, mayExpunge: boolean): void {
  if (!selection.hasUpdates) return
  const { expunged, exists, changed } = selection.takeUpdates(mayExpunge)
  if (expunged.uids.length > 0) session.say(expungedForm(session, expunged))
  if (exists !== undefined) session.say(existsForm(session, selection, exists))
  if (changed.length > 0) session.say(flagsForm(session, selection, changed))
}

function expungedForm(session: Session, { numbers, uids }: ReturnType<Selection['takeUpdates']>['expunged']): string {
  if (session.enabled.has('QRESYNC') || session.enabled.has('UIDONLY')) return `* VANISHED ${formatNumbers(uids)}\r\n`
  return numbers.map((number) => `* ${number} EXPUNGE\r\n`).join('')
}

function existsForm(session: Session, selection: Selection, exists: number): string {
  claimRecent(session, selection)
  const recent = session.enabled.has('IMAP4rev2') ? '' : `* ${selection.recent.size} RECENT\r\n`
  return `* ${exists} EXISTS\r\n${recent}`
}

/** Flags of messages as untagged FETCH responses, always with the uid. RFC 9051 section 7.5.2. */
export function flagsForm(session: Session, selection: Selection, indexes: readonly number[]): string {
  const entries = indexes.map((index) => selection.messages[index] as MessageEntry)
  const items = (entry: MessageEntry): string => {
    const modSeq = session.enabled.has('CONDSTORE') ? ` MODSEQ (${entry.modSeq})` : ''
    const flags = `FLAGS ${flagList(selection, entry)}${modSeq}`
    return session.enabled.has('UIDONLY') ? flags : `UID ${entry.uid} ${flags}`
  }
  const lines = entries.map((entry, i) => messageData(session, indexes[i] as number, entry, items(entry)))
  return newFlagsForm(selection, entries) + lines.join('')
}

/** `* 3 FETCH (…)`, or `* 99 UIDFETCH (…)` under UIDONLY. RFC 9586 section 3.3. */
export function messageData(session: Session, index: number, { uid }: MessageEntry, items: string): string {
  if (session.enabled.has('UIDONLY')) return `* ${uid} UIDFETCH (${items})\r\n`
  return `* ${index + 1} FETCH (${items})\r\n`
}

export function flagList(selection: Selection, { uid, flags }: MessageEntry): string {
  if (selection.recent.size === 0 || !selection.recent.has(uid)) return `(${flags.join(' ')})`
  return `(${[...flags, '\\Recent'].join(' ')})`
}

/** A FLAGS response where keywords have come up that the client does not know. RFC 9051 section 7.3.5. */
export function newFlagsForm(selection: Selection, entries: readonly MessageEntry[]): string {
  const known = selection.knownFlags
  const before = known.size
  for (const { flags } of entries) for (const flag of flags) if (!known.has(flag)) known.add(flag)
  return known.size === before ? '' : `* FLAGS (${[...known].join(' ')})\r\n`
}

/** Folder by folder, the highest uid that some session has been told is `\Recent`. RFC 3501 section 2.3.2. */
const marks = new WeakMap<MessageStore, Map<string, number>>()

function marksOf(store: MessageStore): Map<string, number> {
  const known = marks.get(store) ?? new Map<string, number>()
  marks.set(store, known)
  return known
}

/** The messages that no session was told of yet are recent in this one, and in no later one unless it only examines. */
export function claimRecent({ context, enabled }: Session, selection: Selection): void {
  if (enabled.has('IMAP4rev2')) return // knows no \Recent. RFC 9051 appendix E
  const claimed = marksOf(context.store)
  const mark = claimed.get(selection.folder.id) ?? 0
  const { messages } = selection
  for (let index = messages.length - 1; index >= 0; index--) {
    const uid = messages[index]?.uid ?? 0
    if (uid <= mark) break
    selection.recent.add(uid)
  }
  if (!selection.readOnly) claimed.set(selection.folder.id, Math.max(mark, messages.at(-1)?.uid ?? 0))
}

/** Above which uid messages are recent. */
export function recentMark(store: MessageStore, folderId: string): number {
  return marksOf(store).get(folderId) ?? 0
}

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
  // Both ascend, so one pass over them finds the common ones.
  let at = 0
  return changed.filter((index) => {
    while (at < asked.length && (asked[at] as number) < index) at++
    return asked[at] === index
  })
}

async function changedIndexes(session: Session, selection: Selection, modSeq: number): Promise<number[]> {
  const changed = await session.context.store.changedSince(selection.folder.id, modSeq)
  // The client is told of what its view has: what others did since is told as theirs.
  return changed
    .map(({ uid }) => selection.indexOf(uid))
    .filter((index) => index >= 0 && (selection.messages[index] as MessageEntry).modSeq > modSeq)
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
