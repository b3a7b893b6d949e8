import type { FlagTable } from '../entries/flags.ts'
import type { Folder } from '../folder.ts'
import type { MessageEntry, StoredMessage } from '../message-entry.ts'
import type { AppendTarget, CopyResult, FlagChange, FlagChangeResult, Location, NewMessage } from '../types.ts'

/** The numbers of a folder from which new entries get theirs. */
export interface FolderNumbers {
  readonly folder: Folder
  readonly flags: FlagTable
  readonly uidNext: number
  readonly highestModSeq: number
}

/** One message of a batch with its uids, before it is stored. */
export interface PlannedMessage<State> {
  readonly message: NewMessage
  /** Header lines (Xref) that depend on the uids. */
  readonly prefix: Buffer | undefined
  readonly places: readonly PlannedPlace<State>[]
}

interface PlannedPlace<State> extends Location {
  readonly state: State
  readonly target: AppendTarget
  readonly modSeq: number
}

/**
 * Assigns uids to the messages of a batch and creates their prefixes. All messages that one batch adds to a folder share
 * one modSeq, because they are one change. RFC 7162 section 3.1.
 */
export function planAppend<State extends FolderNumbers>(
  batch: readonly NewMessage[],
  stateOf: (folderId: string) => State,
): readonly PlannedMessage<State>[] {
  const isOne = batch.length === 1 && batch[0]?.targets.length === 1
  const next = isOne ? undefined : new Map<State, number>()
  const planned: PlannedMessage<State>[] = []
  for (const message of batch) {
    const places: PlannedPlace<State>[] = []
    for (const target of message.targets) {
      const state = stateOf(target.folderId)
      const uid = next?.get(state) ?? state.uidNext
      next?.set(state, uid + 1)
      places.push({ state, folder: state.folder, uid, target, modSeq: state.highestModSeq + 1 })
    }
    planned.push({ message, prefix: message.prefix?.(places), places })
  }
  return planned
}

/** The blob in which a message's octets are stored. */
export type StoredBlob = Pick<MessageEntry, 'blob' | 'sizeOctets'>

/** The blob of a new message. */
export interface NewBlob extends StoredBlob {
  readonly lacksLineEnd: boolean
}

/** The new entries of a batch by folder. */
export type AddedEntries<State> = Map<State, MessageEntry[]>

/** Creates the entries of a planned message, one per folder, and adds them to `added`. */
export function createEntries<State extends FolderNumbers>(
  planned: PlannedMessage<State>,
  blob: NewBlob,
  now: number,
  added: AddedEntries<State>,
): StoredMessage[] {
  const stored: StoredMessage[] = []
  for (const place of planned.places) {
    const whole = newEntry(planned.message, place, blob, now)
    const entry: MessageEntry = blob.lacksLineEnd ? { ...whole, lacksLineEnd: true } : whole
    const entries = added.get(place.state)
    if (entries) entries.push(entry)
    else added.set(place.state, [entry])
    stored.push({ folder: place.folder, entry })
  }
  return stored
}

/** Each entry is one object, whatever it has: V8 keeps properties that are added to a literal in another one. */
function newEntry(
  { messageId, envelope: ofMessage, internalDate }: NewMessage,
  { uid, modSeq, state, target }: PlannedPlace<FolderNumbers>,
  { blob, sizeOctets }: StoredBlob,
  now: number,
): MessageEntry {
  const flags = state.flags.canonical(target.flags ?? [])
  const date = internalDate ?? now
  const envelope = target.envelope ?? ofMessage
  if (envelope === undefined) {
    return messageId === undefined
      ? { uid, blob, sizeOctets, internalDate: date, savedAt: now, flags, modSeq }
      : { uid, blob, sizeOctets, internalDate: date, savedAt: now, flags, modSeq, messageId }
  }
  return messageId === undefined
    ? { uid, blob, sizeOctets, internalDate: date, savedAt: now, flags, modSeq, envelope }
    : { uid, blob, sizeOctets, internalDate: date, savedAt: now, flags, modSeq, envelope, messageId }
}

/** Returns the entries that a copy of `from` creates in a folder. */
export function copiedEntries(from: readonly MessageEntry[], target: FolderNumbers, now: number): MessageEntry[] {
  const modSeq = target.highestModSeq + 1
  return from.map((entry, i) => ({
    ...entry,
    uid: target.uidNext + i,
    savedAt: now,
    flags: target.flags.canonical(entry.flags),
    modSeq,
  }))
}

/** The result of a flag change, and the entries that it changes: as they were, and as they become. */
interface PlannedFlags extends FlagChangeResult {
  readonly before: readonly MessageEntry[]
  readonly after: readonly MessageEntry[]
}

/** Returns what a flag change does to entries, which must be in uid order. */
export function planFlags(
  found: readonly MessageEntry[],
  { flags, highestModSeq }: FolderNumbers,
  change: FlagChange,
): PlannedFlags {
  const next = flags.changer(change)
  const limit = change.unchangedSince ?? Number.POSITIVE_INFINITY
  const modSeq = highestModSeq + 1
  const entries: MessageEntry[] = []
  const [before, after]: [MessageEntry[], MessageEntry[]] = [[], []]
  const modified: number[] = []
  for (const entry of found) {
    if (entry.modSeq > limit) {
      modified.push(entry.uid)
      continue
    }
    const newFlags = next(entry.flags)
    const now = newFlags === entry.flags ? entry : { ...entry, flags: newFlags, modSeq }
    entries.push(now)
    if (now === entry) continue
    before.push(entry)
    after.push(now)
  }
  return { entries, modified, before, after }
}

/** Returns the uid pairs of a copy. */
export const copyResult = (from: readonly MessageEntry[], to: readonly MessageEntry[]): CopyResult => ({
  from: from.map(({ uid }) => uid),
  to: to.map(({ uid }) => uid),
})
