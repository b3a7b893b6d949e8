import { FlagTable } from '../../entries/flags.ts'
import type { FolderIndex } from '../../entries/folder-index.ts'
import type { Folder, FolderSettings } from '../../folder.ts'
import type { FolderState } from '../folder-registry.ts'
import { Prefetch } from './prefetch.ts'
import { type FolderRow, flagsFrom, type Names } from './records.ts'

/** The changes of a folder that this node has emitted: everything up to these numbers. */
export interface Position {
  uidNext: number
  modSeq: number
  valueSeq: number
}

/** Returns whether everything up to `other` was emitted. */
export const hasReached = (position: Position, other: Position): boolean =>
  position.uidNext >= other.uidNext && position.modSeq >= other.modSeq && position.valueSeq >= other.valueSeq

/** The rows of folders lack changes that this node has emitted: the database has lost them. */
export class FoldersBehind extends Error {
  override readonly name = 'FoldersBehind'
  readonly states: readonly PostgresFolder[]
  constructor(states: readonly PostgresFolder[]) {
    super('the database has lost changes')
    this.states = states
  }
}

/** Returns a position as a text for other nodes. */
export const positionText = ({ uidNext, modSeq, valueSeq }: Position): string => `${uidNext} ${modSeq} ${valueSeq}`

/** Returns the position that `positionText` has written; undefined for any other text. */
export function positionFrom(text: string | undefined): Position | undefined {
  const [, uidNext, modSeq, valueSeq] = /^(\d{1,15}) (\d{1,15}) (\d{1,15})$/.exec(text ?? '') ?? []
  return uidNext === undefined
    ? undefined
    : { uidNext: Number(uidNext), modSeq: Number(modSeq), valueSeq: Number(valueSeq) }
}

/** In how many parts nodes hear of changes. A server looks through all that a node hears for each change. */
export const PARTS = 128

/** Returns the part in which changes of a folder are told. @param key of the folder */
export const partOf = (key: number): number => key % PARTS

const DONE = Promise.resolve()

/** A folder as this node knows it. */
export class PostgresFolder implements FolderState {
  folder: Folder
  readonly key: number
  readonly position: Position
  /** All entries, if a session has opened the folder. */
  index: FolderIndex | undefined
  /** Ends when `index` is read. */
  loading: Promise<void> | undefined
  /** Keywords that the row of the folder has. It may have more, and loses none. */
  keywords = ''
  /** Until when other nodes are expected to change the folder, as `performance.now()`. */
  contestedUntil = 0
  /** How often in succession a change failed because another node had changed the folder. */
  wrongGuesses = 0
  /** `Database.soleSince` when the row was last compared with what this node knows. */
  comparedSince: number | undefined
  /** Whether another object stands for the folder, because the database had lost changes. */
  isReplaced = false
  /** When the index was last used, as `performance.now()`. */
  usedAt = 0
  #turn = DONE
  /** Number of callers that have the turn or wait for it. */
  #turns = 0
  // Most folders of a large lab are never used.
  #flags: FlagTable | undefined
  #prefetch: Prefetch | undefined
  #flagsOfText: Map<string, readonly string[]> | undefined

  constructor(key: number, folder: Folder, position: Position) {
    this.key = key
    this.folder = folder
    this.position = position
  }

  get flags(): FlagTable {
    return (this.#flags ??= new FlagTable())
  }

  get prefetch(): Prefetch {
    return (this.#prefetch ??= new Prefetch())
  }

  /** Whether somebody works with the entries in memory, or is about to. */
  get isInUse(): boolean {
    return this.#turns > 0
  }

  /**
   * Waits until nobody else on this node reads or makes changes of this folder that are not emitted yet. Returns a function
   * that lets the next one.
   */
  async turn(): Promise<() => void> {
    const before = this.#turn
    let end = (): void => {}
    this.#turns++
    this.#turn = new Promise((resolve) => {
      end = () => {
        this.#turns--
        resolve()
      }
    })
    await before
    return end
  }

  flagsOf(text: string): readonly string[] {
    const known = (this.#flagsOfText ??= new Map())
    let flags = known.get(text)
    if (!flags) {
      flags = this.flags.canonical(flagsFrom(text))
      if (known.size > 10_000) known.clear()
      known.set(text, flags)
    }
    return flags
  }
}

/** Returns the folder of a row. */
export const folderOfRow = (row: FolderRow, names: Names): Folder => ({
  id: names.folder(row.id),
  owner: row.owner,
  name: row.name,
  uidValidity: row.uid_validity,
  ...(JSON.parse(row.settings) as FolderSettings),
})
