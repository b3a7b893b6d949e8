import { SEEN } from '../flags.ts'
import type { MessageEntry } from '../types.ts'
import type { ValueChanges, Values } from '../value-types.ts'

/** What a reader last did to a message, and the modification sequence of that. */
interface Mark {
  readonly isSeen: boolean
  readonly modSeq: number
}

/** Marks are stored in chunks of this many uids, so that a change writes little. */
const CHUNK_UIDS = 256
const chunkOf = (uid: number): number => Math.floor(uid / CHUNK_UIDS)
/** Octets of a mark: the uid within its chunk, whether it is seen, and the modification sequence. */
const MARK_OCTETS = 8

/** Which messages of a folder one reader has seen. Messages without a mark are unseen. */
export class SeenMarks {
  readonly #marks = new Map<number, Mark>()

  /** Reads the values of kind `seen`. */
  static from(values: Values): SeenMarks {
    const marks = new SeenMarks()
    for (const [name, octets] of values) {
      const first = Number(name) * CHUNK_UIDS
      for (let at = 0; at + MARK_OCTETS <= octets.length; at += MARK_OCTETS) {
        const mark = { isSeen: octets[at + 1] === 1, modSeq: octets.readUIntBE(at + 2, 6) }
        marks.#marks.set(first + (octets[at] as number), mark)
      }
    }
    return marks
  }

  get size(): number {
    return this.#marks.size
  }

  isSeen(uid: number): boolean {
    return this.#marks.get(uid)?.isSeen ?? false
  }

  modSeqOf(uid: number): number {
    return this.#marks.get(uid)?.modSeq ?? 0
  }

  /** Returns the uids that were marked after `modSeq`, ascending. */
  changedSince(modSeq: number): number[] {
    return Array.from(this.#marks)
      .flatMap(([uid, mark]) => (mark.modSeq > modSeq ? [uid] : []))
      .sort((a, b) => a - b)
  }

  /**
   * Marks messages, and forgets those below `lowestUid`, which no longer exist. Returns the values to change, and nothing
   * if all are marked already.
   */
  mark(
    uids: readonly number[],
    isSeen: boolean,
    { modSeq, lowestUid }: { modSeq: number; lowestUid: number },
  ): ValueChanges {
    const changed = new Set<number>()
    for (const uid of uids) {
      if (this.isSeen(uid) === isSeen) continue
      this.#marks.set(uid, { isSeen, modSeq })
      changed.add(chunkOf(uid))
    }
    if (changed.size === 0) return new Map()
    for (const uid of this.#marks.keys()) {
      if (uid >= lowestUid) continue
      this.#marks.delete(uid)
      changed.add(chunkOf(uid))
    }
    return this.#chunks(changed)
  }

  #chunks(wanted: ReadonlySet<number>): ValueChanges {
    const pieces = new Map<number, Buffer[]>()
    for (const [uid, { isSeen, modSeq }] of this.#marks) {
      const chunk = chunkOf(uid)
      if (!wanted.has(chunk)) continue
      const octets = Buffer.alloc(MARK_OCTETS)
      octets[0] = uid % CHUNK_UIDS
      octets[1] = isSeen ? 1 : 0
      octets.writeUIntBE(modSeq, 2, 6)
      const list = pieces.get(chunk) ?? []
      list.push(octets)
      pieces.set(chunk, list)
    }
    return new Map(
      Array.from(wanted, (chunk) => {
        const list = pieces.get(chunk)
        return [String(chunk), list && Buffer.concat(list)]
      }),
    )
  }

  /** Returns the entry as the reader sees it. */
  view(entry: MessageEntry): MessageEntry {
    const flags = withSeen(entry.flags, this.isSeen(entry.uid))
    const modSeq = Math.max(entry.modSeq, this.modSeqOf(entry.uid))
    return flags === entry.flags && modSeq === entry.modSeq ? entry : { ...entry, flags, modSeq }
  }
}

/** Returns flags with or without `\Seen`, which stands before `\Draft` and the keywords. */
export function withSeen(flags: readonly string[], isSeen: boolean): readonly string[] {
  if (flags.includes(SEEN) === isSeen) return flags
  if (!isSeen) return flags.filter((flag) => flag !== SEEN)
  const later = flags.findIndex((flag) => flag === '\\Draft' || !flag.startsWith('\\'))
  return later === -1 ? [...flags, SEEN] : [...flags.slice(0, later), SEEN, ...flags.slice(later)]
}
