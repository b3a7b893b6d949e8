import type { MessageEntry } from '../../src/store/types.ts'
import { claimRecent } from './recent.ts'
import type { Selection } from './selection.ts'
import type { Session } from './session.ts'
import { formatNumbers } from './wire/numbers.ts'

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
