import type { FlagTable } from './flags.ts'
import type { AppendTarget, FlagChange, FlagChangeResult, Folder, Location, MessageEntry, NewMessage } from './types.ts'

/** What is known of a folder when numbers are given out in it. */
export interface FolderNumbers {
  readonly folder: Folder
  readonly flags: FlagTable
  readonly uidNext: number
  readonly highestModSeq: number
}

/** One message of a batch with its numbers, before anything is stored. */
export interface PlannedMessage<State> {
  readonly message: NewMessage
  /** What the numbers made its prefix (Xref). */
  readonly prefix: Buffer | undefined
  readonly places: readonly PlannedPlace<State>[]
}

export interface PlannedPlace<State> extends Location {
  readonly state: State
  readonly target: AppendTarget
  readonly modSeq: number
}

/**
 * Gives every message of a batch its numbers, and its prefix (Xref) with them. All messages that one batch adds to a
 * folder share one modSeq: they are one change. RFC 7162 section 3.1.
 */
export function planAppend<State extends FolderNumbers>(
  batch: readonly NewMessage[],
  stateOf: (folderId: string) => State,
): readonly PlannedMessage<State>[] {
  const next = new Map<State, number>()
  return batch.map((message) => {
    const places = message.targets.map((target): PlannedPlace<State> => {
      const state = stateOf(target.folderId)
      const uid = next.get(state) ?? state.uidNext
      next.set(state, uid + 1)
      return { state, folder: state.folder, uid, target, modSeq: state.highestModSeq + 1 }
    })
    const prefix = message.prefix?.(places.map(({ folder, uid }) => ({ folder, uid })))
    return { message, prefix, places }
  })
}

/** A message with the header lines that its numbers made, in one buffer. */
export const prefixed = (prefix: Buffer | undefined, raw: Buffer): Buffer =>
  prefix ? Buffer.concat([prefix, raw]) : raw

/** The entry of a planned message in one of its folders. */
export function newEntry<State extends FolderNumbers>(
  { message: { messageId, envelope, internalDate } }: PlannedMessage<State>,
  place: PlannedPlace<State>,
  { blob, sizeOctets }: Pick<MessageEntry, 'blob' | 'sizeOctets'>,
  now: number,
): MessageEntry {
  return {
    uid: place.uid,
    blob,
    sizeOctets,
    internalDate: internalDate ?? now,
    savedAt: now,
    flags: place.state.flags.canonical(place.target.flags ?? []),
    modSeq: place.modSeq,
    ...(messageId !== undefined && { messageId }),
    ...(envelope && { envelope }),
  }
}

/** The entries that copying `from` into a folder gives. */
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

/** What a flag change makes of entries, given in uid order. `changed` are the entries that are new. */
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
