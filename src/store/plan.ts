import type { FolderState } from './folder-registry.ts'
import type { AppendTarget, Location, MessageEntry, NewMessage } from './types.ts'

/** One message of a batch with its numbers, before anything is stored. */
export interface PlannedMessage {
  readonly message: NewMessage
  readonly octets: Buffer
  readonly places: readonly PlannedPlace[]
}

export interface PlannedPlace extends Location {
  readonly state: FolderState
  readonly target: AppendTarget
  readonly modSeq: number
}

/**
 * Gives every message of a batch its numbers, and its prefix (Xref) with them. All messages that one batch adds to a
 * folder share one modSeq: they are one change. RFC 7162 section 3.1.
 */
export function planAppend(
  batch: readonly NewMessage[],
  raws: readonly Buffer[],
  stateOf: (folderId: string) => FolderState,
): readonly PlannedMessage[] {
  const next = new Map<FolderState, number>()
  return batch.map((message, i) => {
    const places = message.targets.map((target): PlannedPlace => {
      const state = stateOf(target.folderId)
      const uid = next.get(state) ?? state.index.uidNext
      next.set(state, uid + 1)
      return { state, folder: state.folder, uid, target, modSeq: state.index.highestModSeq + 1 }
    })
    const raw = raws[i] as Buffer
    const prefix = message.prefix?.(places.map(({ folder, uid }) => ({ folder, uid })))
    return { message, octets: prefix ? Buffer.concat([prefix, raw]) : raw, places }
  })
}

/** The entry of a planned message in one of its folders. */
export function newEntry(planned: PlannedMessage, place: PlannedPlace, blob: string, now: number): MessageEntry {
  const { messageId, envelope, internalDate } = planned.message
  return {
    uid: place.uid,
    blob,
    sizeOctets: planned.octets.length,
    internalDate: internalDate ?? now,
    savedAt: now,
    flags: place.state.index.flags.canonical(place.target.flags ?? []),
    modSeq: place.modSeq,
    ...(messageId !== undefined && { messageId }),
    ...(envelope && { envelope }),
  }
}

/** The entries that copying `from` into a folder gives. */
export function copiedEntries(from: readonly MessageEntry[], { index }: FolderState, now: number): MessageEntry[] {
  const modSeq = index.highestModSeq + 1
  return from.map((entry, i) => ({
    ...entry,
    uid: index.uidNext + i,
    savedAt: now,
    flags: index.flags.canonical(entry.flags),
    modSeq,
  }))
}
