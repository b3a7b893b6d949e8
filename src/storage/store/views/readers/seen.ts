import { BLOCK_UIDS, blockOf, uidsOf } from '../../entries/entry-block.ts'
import { SEEN } from '../../entries/flags.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ValueChanges, Values } from '../../value-types.ts'

/** A reader's last change to a message, and its modification sequence. */
interface Mark {
  readonly isSeen: boolean
  readonly modSeq: number
}

/** Octets of a mark: the uid within its chunk, whether it is seen, and the modification sequence. */
const MARK_OCTETS = 8

/** Returns the names of the values that have the marks of these uids. */
export const chunksOf = (uids: Iterable<number>): string[] => Array.from(new Set(Array.from(uids, blockOf)), String)

/**
 * Which messages of a folder one reader has seen. Messages without a mark are unseen. The marks of a block of uids are one
 * chunk, which is one value, so that a change writes little. Chunks are read when they are first needed.
 */
export class SeenMarks {
  #octets = new Map<number, Buffer>()
  /** How many marks of each block say that a message was seen, as far as they were counted. */
  #seen = new Map<number, number>()
  readonly #chunks = new Map<number, Map<number, Mark>>()
  #total: number | undefined

  /** Reads the values of kind `seen`. */
  static from(values: Values): SeenMarks {
    const marks = new SeenMarks()
    for (const [name, octets] of values) marks.#octets.set(Number(name), octets)
    return marks
  }

  /** Returns these marks without what was decoded of them. It shows later changes, too, but not of what it has decoded. */
  share(): SeenMarks {
    const marks = new SeenMarks()
    marks.#octets = this.#octets
    marks.#seen = this.#seen
    return marks
  }

  /** Replaces the values of these names by those that were read now. */
  replace(names: readonly string[], values: SeenMarks): void {
    for (const block of names.map(Number)) {
      const octets = values.#octets.get(block)
      if (this.#total !== undefined) this.#total += (octets?.length ?? 0) - this.marksOf(block).length
      if (octets) this.#octets.set(block, octets)
      else this.#octets.delete(block)
      this.#seen.delete(block)
    }
  }

  /** Returns the value that has the marks of a block. */
  marksOf(block: number): Buffer {
    return this.#octets.get(block) ?? NO_OCTETS
  }

  /** The octets of all marks. */
  get octets(): number {
    if (this.#total !== undefined) return this.#total
    this.#total = 0
    for (const octets of this.#octets.values()) this.#total += octets.length
    return this.#total
  }

  /** Returns how many marks of a block say that a message was seen. It may have been expunged since. */
  seenIn(block: number): number {
    const known = this.#seen.get(block)
    if (known !== undefined) return known
    const octets = this.marksOf(block)
    let seen = 0
    for (let at = 1; at < octets.length; at += MARK_OCTETS) seen += octets[at] as number
    this.#seen.set(block, seen)
    return seen
  }

  isSeen(uid: number): boolean {
    return this.#markOf(uid)?.isSeen ?? false
  }

  modSeqOf(uid: number): number {
    return this.#markOf(uid)?.modSeq ?? 0
  }

  /** Returns the uids that were marked after `modSeq`, ascending. */
  changedSince(modSeq: number): number[] {
    const found: number[] = []
    for (const block of this.#octets.keys()) {
      for (const [uid, mark] of this.#chunk(block)) if (mark.modSeq > modSeq) found.push(uid)
    }
    return found.sort((a, b) => a - b)
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
      this.#chunk(blockOf(uid)).set(uid, { isSeen, modSeq })
      changed.add(blockOf(uid))
    }
    if (changed.size === 0) return new Map()
    for (const block of this.#octets.keys()) {
      if (block > blockOf(lowestUid)) continue
      for (const uid of this.#chunk(block).keys()) {
        if (uid >= lowestUid) continue
        this.#chunk(block).delete(uid)
        changed.add(block)
      }
    }
    return new Map(Array.from(changed, (block) => [String(block), encodeChunk(this.#chunk(block))]))
  }

  #markOf(uid: number): Mark | undefined {
    return this.#chunk(blockOf(uid)).get(uid)
  }

  /** Returns the marks of a block by uid. */
  #chunk(block: number): Map<number, Mark> {
    const known = this.#chunks.get(block)
    if (known) return known
    const marks = decodeChunk(block, this.marksOf(block))
    this.#chunks.set(block, marks)
    return marks
  }

  /** Returns the entry as the reader sees it. */
  view(entry: MessageEntry): MessageEntry {
    const mark = this.#markOf(entry.uid)
    return viewOf(entry, withSeen(entry.flags, mark?.isSeen ?? false), mark?.modSeq ?? 0)
  }
}

/** Returns how many entries of a block a reader has seen. @param octets the marks of the block */
export function seenOfBlock(block: number, entries: readonly MessageEntry[], octets: Buffer): number {
  const { from } = uidsOf(block)
  const isSeen = new Uint8Array(BLOCK_UIDS)
  for (let at = 0; at + MARK_OCTETS <= octets.length; at += MARK_OCTETS) {
    isSeen[octets[at] as number] = octets[at + 1] as number
  }
  return entries.reduce((seen, { uid }) => seen + (isSeen[uid - from] as number), 0)
}

/** Returns the entries of a block as a reader sees them. @param octets the marks of the block */
export function viewOfBlock(block: number, entries: readonly MessageEntry[], octets: Buffer): MessageEntry[] {
  const { from } = uidsOf(block)
  const isSeen = new Uint8Array(BLOCK_UIDS)
  const modSeqs = new Float64Array(BLOCK_UIDS)
  for (let at = 0; at + MARK_OCTETS <= octets.length; at += MARK_OCTETS) {
    const offset = octets[at] as number
    isSeen[offset] = octets[at + 1] as number
    modSeqs[offset] = octets.readUIntBE(at + 2, 6)
  }
  // Most entries of a block have the same few combinations of flags.
  const shown = [new Map<readonly string[], readonly string[]>(), new Map<readonly string[], readonly string[]>()]
  return entries.map((entry) => {
    const known = shown[isSeen[entry.uid - from] as number] ?? new Map()
    let flags = known.get(entry.flags)
    if (!flags) known.set(entry.flags, (flags = withSeen(entry.flags, isSeen[entry.uid - from] === 1)))
    return viewOf(entry, flags, modSeqs[entry.uid - from] as number)
  })
}

function viewOf(entry: MessageEntry, flags: readonly string[], markedAt: number): MessageEntry {
  const modSeq = Math.max(entry.modSeq, markedAt)
  return flags === entry.flags && modSeq === entry.modSeq ? entry : { ...entry, flags, modSeq }
}

/** Returns the marks of a chunk by uid. */
function decodeChunk(block: number, octets: Buffer): Map<number, Mark> {
  const marks = new Map<number, Mark>()
  for (let at = 0; at + MARK_OCTETS <= octets.length; at += MARK_OCTETS) {
    const mark = { isSeen: octets[at + 1] === 1, modSeq: octets.readUIntBE(at + 2, 6) }
    marks.set(uidsOf(block).from + (octets[at] as number), mark)
  }
  return marks
}

const NO_OCTETS = Buffer.alloc(0)

/** Returns the value of a chunk; undefined if it has no marks. */
function encodeChunk(chunk: ReadonlyMap<number, Mark>): Buffer | undefined {
  if (chunk.size === 0) return undefined
  const octets = Buffer.alloc(chunk.size * MARK_OCTETS)
  let at = 0
  for (const [uid, { isSeen, modSeq }] of chunk) {
    octets[at] = uid - uidsOf(blockOf(uid)).from
    octets[at + 1] = isSeen ? 1 : 0
    octets.writeUIntBE(modSeq, at + 2, 6)
    at += MARK_OCTETS
  }
  return octets
}

/** Returns flags with or without `\Seen`, which stands before `\Draft` and the keywords. */
export function withSeen(flags: readonly string[], isSeen: boolean): readonly string[] {
  if (flags.includes(SEEN) === isSeen) return flags
  if (!isSeen) return flags.filter((flag) => flag !== SEEN)
  const later = flags.findIndex((flag) => flag === '\\Draft' || !flag.startsWith('\\'))
  return later === -1 ? [...flags, SEEN] : [...flags.slice(0, later), SEEN, ...flags.slice(later)]
}
