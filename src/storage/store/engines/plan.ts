import type { FlagTable } from '../entries/flags.ts'
import {
  type AppendTarget,
  type CopyResult,
  type FlagChange,
  type FlagChangeResult,
  type Folder,
  type Location,
  type MessageEntry,
  type NewMessage,
  type StoredMessage,
  StoreError,
} from '../types.ts'

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

/** Refuses a batch that has a message with `once` whose Message-ID is known. @throws StoreError `exists` */
export function assertNew(batch: readonly NewMessage[], knows: (messageId: string) => boolean): void {
  for (const { once, messageId } of batch) {
    if (once && messageId !== undefined && knows(messageId))
      throw new StoreError('exists', `${messageId} is known already`)
  }
}

/** Returns the Message-IDs of the messages with `once`. */
export const onceIn = (batch: readonly NewMessage[]): readonly string[] =>
  batch.flatMap(({ once, messageId }) => (once && messageId !== undefined ? [messageId] : []))

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

/** Returns what a flag change does to entries, which must be in uid order. `changed` holds only the new entries. */
export function planFlags(
  found: readonly MessageEntry[],
  { flags, highestModSeq }: FolderNumbers,
  change: FlagChange,
): FlagChangeResult & { readonly changed: readonly MessageEntry[] } {
  const next = flags.changer(change)
  const limit = change.unchangedSince ?? Number.POSITIVE_INFINITY
  const modSeq = highestModSeq + 1
  const entries: MessageEntry[] = []
  const changed: MessageEntry[] = []
  const modified: number[] = []
  for (const entry of found) {
    if (entry.modSeq > limit) {
      modified.push(entry.uid)
      continue
    }
    const after = next(entry.flags)
    const now = after === entry.flags ? entry : { ...entry, flags: after, modSeq }
    entries.push(now)
    if (now !== entry) changed.push(now)
  }
  return { entries, modified, changed }
}

/** Returns the uid pairs of a copy. */
export const copyResult = (from: readonly MessageEntry[], to: readonly MessageEntry[]): CopyResult => ({
  from: from.map(({ uid }) => uid),
  to: to.map(({ uid }) => uid),
})
