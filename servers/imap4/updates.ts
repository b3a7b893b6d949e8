import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { Updates } from './changes.ts'
import { claimRecent } from './recent.ts'
import type { Selection } from './selection.ts'
import type { ImapSession } from './state.ts'
import { formatNumbers, memberOf, type NumberRange } from './wire/sequence-set.ts'

/** Sends EXPUNGE responses, or VANISHED under QRESYNC and UIDONLY. RFC 9051 section 7.5.1; RFC 7162 section 3.2.10. */
export function sendExpunged(session: ImapSession, expunged: Updates['expunged']): void {
  session.send(expungeResponses(session, expunged))
}

/** Sends the number of messages, after new ones were claimed as `\Recent`. RFC 9051 section 7.4.1. */
export async function sendExists(session: ImapSession, selection: Selection, exists: number): Promise<void> {
  await claimRecent(session, selection)
  const recent = session.enabled.has('IMAP4rev2') ? '' : `* ${selection.recentCount} RECENT\r\n`
  session.send(`* ${exists} EXISTS\r\n${recent}`)
}

/** Sends the flags of messages that other sessions changed. RFC 9051 section 7.5.2. */
export function sendFlags(session: ImapSession, selection: Selection, changed: readonly number[]): void {
  if (changed.length > 0) session.send(flagResponses(session, selection, changed))
}

function expungeResponses(session: ImapSession, { numbers, uids }: Updates['expunged']): string {
  if (session.enabled.has('QRESYNC') || session.enabled.has('UIDONLY')) return `* VANISHED ${formatNumbers(uids)}\r\n`
  return numbers.map((number) => `* ${number} EXPUNGE\r\n`).join('')
}

/** Returns the flags of messages as untagged FETCH responses, always with the uid. RFC 9051 section 7.5.2. */
function flagResponses(session: ImapSession, selection: Selection, indexes: readonly number[]): string {
  const entries = indexes.map((index) => selection.messages.at(index) as MessageEntry)
  const items = (entry: MessageEntry): string => {
    const modSeq = session.enabled.has('CONDSTORE') ? ` MODSEQ (${entry.modSeq})` : ''
    const flags = `FLAGS ${flagList(selection, entry)}${modSeq}`
    return session.enabled.has('UIDONLY') ? flags : `UID ${entry.uid} ${flags}`
  }
  const lines = entries.map((entry, i) => fetchResponse(session, indexes[i] as number, entry, items(entry)))
  return newFlagsResponse(selection, entries) + lines.join('')
}

/** Returns `* 3 FETCH (…)`, or `* 99 UIDFETCH (…)` under UIDONLY. RFC 9586 section 3.3. */
export function fetchResponse(session: ImapSession, index: number, { uid }: MessageEntry, items: string): string {
  if (session.enabled.has('UIDONLY')) return `* ${uid} UIDFETCH (${items})\r\n`
  return `* ${index + 1} FETCH (${items})\r\n`
}

/** Returns a message's flags in parentheses. */
export function flagList(selection: Selection, { uid, flags }: MessageEntry): string {
  if (!selection.recent.has(uid)) return `(${flags.join(' ')})`
  return `(${[...flags, '\\Recent'].join(' ')})`
}

/** Returns a FLAGS response if messages have keywords that the client does not know yet, else ''. RFC 9051 section 7.3.5. */
export function newFlagsResponse(selection: Selection, entries: readonly MessageEntry[]): string {
  const known = selection.knownFlags
  const before = known.size
  for (const { flags } of entries) for (const flag of flags) if (!known.has(flag)) known.add(flag)
  return known.size === before ? '' : `* FLAGS (${[...known].join(' ')})\r\n`
}

/** The state of a mailbox as the client last saw it. RFC 7162 section 3.2.5. */
export interface Resync {
  readonly uidValidity: number
  readonly modSeq: number
  readonly known?: readonly NumberRange[]
}

/** Sends what has changed in the mailbox since the client last saw it. RFC 7162 section 3.2.5. */
export async function sendResync(session: ImapSession, selection: Selection, resync: Resync): Promise<void> {
  if (resync.uidValidity !== selection.folder.uidValidity) return
  await sendVanished(session, selection, resync.modSeq, resync.known)
  const isKnown = resync.known ? memberOf(resync.known) : () => true
  const changed = (await changedIndexes(session, selection, resync.modSeq)).filter((index) =>
    isKnown((selection.messages.at(index) as MessageEntry).uid),
  )
  if (changed.length > 0) session.send(flagResponses(session, selection, changed))
}

/** Sends the uids expunged after `modSeq`, limited to `known`. RFC 7162 section 3.2.10.1. */
export async function sendVanished(
  session: ImapSession,
  selection: Selection,
  modSeq: number,
  known: readonly NumberRange[] | undefined,
): Promise<void> {
  const vanished = await session.context.store.vanishedSince(selection.folder.id, modSeq)
  const wanted = known ? vanished.filter(memberOf(known)) : vanished
  if (wanted.length > 0) session.send(`* VANISHED (EARLIER) ${formatNumbers(wanted)}\r\n`)
}

/** Returns the indexes of the messages that arrived or changed after `modSeq`, ascending. RFC 7162 section 3.1.4.1. */
export async function changedAmong(
  session: ImapSession,
  selection: Selection,
  indexes: readonly number[],
  modSeq: number,
): Promise<number[]> {
  const changed = await changedIndexes(session, selection, modSeq)
  // Both ascend, so one pass over them finds the common ones.
  let at = 0
  return changed.filter((index) => {
    while (at < indexes.length && (indexes[at] as number) < index) at++
    return indexes[at] === index
  })
}

async function changedIndexes(session: ImapSession, selection: Selection, modSeq: number): Promise<number[]> {
  const changed = await session.context.store.changedSince(selection.folder.id, modSeq)
  // Only messages in the client's view. Later changes are sent as updates.
  return changed
    .map(({ uid }) => selection.indexOf(uid))
    .filter((index) => index >= 0 && (selection.messages.at(index) as MessageEntry).modSeq > modSeq)
}

/**
 * Turns on CONDSTORE, because the client used it. The first time, a client with a selected mailbox is told its modification
 * sequence. RFC 7162 section 3.1.
 */
export function enableCondstore(session: ImapSession): void {
  if (session.enabled.has('CONDSTORE')) return
  session.enabled.add('CONDSTORE')
  if (session.state.name !== 'selected') return
  session.send(`* OK [HIGHESTMODSEQ ${session.state.selection.highestModSeq}] Highest modification sequence\r\n`)
}

/** Returns the code that reports the mailbox's modification sequence after a change; undefined without QRESYNC. */
export const highestModSeqCode = ({ enabled }: ImapSession, { highestModSeq }: Selection): string | undefined =>
  enabled.has('QRESYNC') ? `HIGHESTMODSEQ ${highestModSeq}` : undefined
