import { statfsSync } from 'node:fs'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreError } from '../../errors.ts'
import type { StoreRoom } from '../../types.ts'
import { checkFits } from '../full/limits.ts'
import { noSpace, storeError } from './errors.ts'
import { nativeOf, type Tables } from './tables.ts'

/**
 * The use of space by a change: it adds messages, changes something else, or frees space by deleting or marking messages.
 * On a full disk each kind may use more of the reserve than the one before it.
 */
export type Purpose = 'adds' | 'changes' | 'frees'

/**
 * Octets of the file that are kept free for deletions, but at most an eighth of it. LMDB copies every page that it changes,
 * so deletions need pages too.
 */
const RESERVE_OCTETS = 1 << 20
/** The part of the reserve that each kind of change must leave. */
const LEFT: Readonly<Record<Purpose, number>> = { adds: 1, changes: 1 / 2, frees: 0 }

/** Octets that a transaction writes besides the data of its operations: pages near the roots of the tables. */
const LEAST_TRANSACTION = 128 << 10
const MAX_TRANSACTION = 256 << 10
/** The file grows by an eighth, within these limits. */
const LEAST_GROWTH = 1 << 20
const MAX_GROWTH = 16 << 20

/** A disk with less room than this counts as full. */
const FULL_OCTETS = 1 << 20

let zeros: Buffer | undefined

/**
 * The space in the store's file. Before a commit, this writes zeros to the end of the file where LMDB will write pages. So
 * a full disk is noticed before a commit begins, and never in the middle of it.
 */
export class Space {
  readonly #tables: Tables
  readonly #path: string
  readonly #pageOctets: number
  readonly #maxOctets: number
  #file: FileHandle | undefined
  /** Length of the part of the file that is allocated on the disk. */
  #allocated = 0
  /** Unused octets at the end of the file, and in the pages of deleted messages, less what was admitted since `prepare`. */
  #unused = 0
  #reusable = 0
  /** Octets of the pages that hold data, with those that were admitted since `prepare`. Only counted if there is a limit. */
  #stored = 0
  #lastTransaction = 0
  /** The reason why the file did not grow the last time. */
  #obstacle: unknown

  /** @param maxOctets limit of the pages that hold data */
  constructor(tables: Tables, path: string, maxOctets = Number.POSITIVE_INFINITY) {
    this.#tables = tables
    this.#path = path
    this.#maxOctets = maxOctets
    this.#pageOctets = nativeOf(tables.env).stat().pageSize
  }

  /** Id of the last transaction when the length of the used part was read: for a commit, in `prepare`. */
  get lastTransaction(): number {
    return this.#lastTransaction
  }

  /**
   * Makes room in the file for a transaction that writes `octets`, or as much room as the disk has. Returns the octets for
   * which there is room without the reserve, at least `octets`.
   */
  async prepare(octets: number): Promise<number> {
    const used = this.#used()
    const transaction = clamp(used / 16, LEAST_TRANSACTION, MAX_TRANSACTION)
    const need = octets + transaction
    this.#reusable = 0
    if (this.#allocated - used < need + RESERVE_OCTETS) {
      await this.#grow(used + need + RESERVE_OCTETS + clamp(used / 8, LEAST_GROWTH, MAX_GROWTH), used)
      if (this.#allocated - used < need + RESERVE_OCTETS) this.#reusable = this.#free(used)
    }
    this.#unused = Math.max(0, this.#allocated - used - transaction)
    if (Number.isFinite(this.#maxOctets)) this.#stored = used - this.#free(used)
    return Math.max(octets, this.#unused - RESERVE_OCTETS)
  }

  /**
   * Counts an operation of the transaction that was prepared. A deletion of 0 octets is always admitted.
   * @param kept how many of the octets stay in the store
   * @throws StoreError if there is no room for it
   */
  admit(octets: number, purpose: Purpose, kept = 0): void {
    checkFits({ octets: this.#stored, messages: 0 }, { octets: kept, messages: 0 }, { octets: this.#maxOctets })
    const fits = octets <= this.#unused || 2 * octets <= this.#reusable
    const reserve = Math.min(RESERVE_OCTETS, this.#allocated / 8) * LEFT[purpose]
    if (!fits || octets + reserve > this.#unused + this.#reusable) throw this.#refusal()
    this.#unused -= octets
    this.#stored += kept
  }

  /** Converts an error, and finds out whether it means a full disk: LMDB reports EIO if the system wrote only a part. */
  explain(error: unknown): Error {
    const known = storeError(error)
    const isFailed = known instanceof StoreError && known.code === 'failed'
    return isFailed && this.#isDiskFull() ? noSpace(error) : known
  }

  /** Returns the octets of the pages that hold data, and those that the disk has left. @throws StoreError */
  async room(): Promise<StoreRoom> {
    try {
      const used = this.#used()
      const reusable = this.#free(used)
      const { bavail, bsize } = await statfs(dirname(this.#path))
      const usedOctets = used - reusable
      const freeOctets = Math.min(bavail * bsize + reusable, this.#maxOctets - usedOctets)
      return { usedOctets, freeOctets: Math.max(0, freeOctets) }
    } catch (error) {
      throw storeError(error)
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  #refusal(): Error {
    const known = this.#obstacle === undefined ? undefined : storeError(this.#obstacle)
    return known instanceof StoreError && known.code !== 'no-space' ? known : noSpace(this.#obstacle)
  }

  /** Returns the length of the part of the file that LMDB uses. */
  #used(): number {
    const { lastPageNumber, lastTxnId } = nativeOf(this.#tables.env).info()
    this.#lastTransaction = lastTxnId
    return (lastPageNumber + 1) * this.#pageOctets
  }

  /** Returns the octets in unused pages below `used`. */
  #free(used: number): number {
    return Math.max(0, used - pagesInUse(this.#tables) * this.#pageOctets)
  }

  async #grow(target: number, used: number): Promise<void> {
    this.#obstacle = undefined
    try {
      this.#file ??= await this.#open()
      this.#allocated = Math.max(this.#allocated, used)
      zeros ??= Buffer.alloc(LEAST_GROWTH)
      while (this.#allocated < target) {
        const octets = Math.min(zeros.length, target - this.#allocated)
        const { bytesWritten } = await this.#file.write(zeros, 0, octets, this.#allocated)
        this.#allocated += bytesWritten
      }
    } catch (error) {
      this.#obstacle = error
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, 'r+')
    const { size, blocks } = await file.stat()
    // A file with holes has less room on the disk than it is long.
    this.#allocated = blocks * 512 >= size ? size : 0
    return file
  }

  #isDiskFull(): boolean {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path))
      return bavail * bsize < FULL_OCTETS
    } catch {
      return false
    }
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)

interface PageCounts {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/** Returns the number of pages that hold data: the two first ones and those of every table. */
function pagesInUse({ env, ...rest }: Tables): number {
  const stats = env.getStats() as PageCounts & { readonly root: PageCounts; readonly free: PageCounts }
  const tables = Object.values(rest).flatMap((table) => (hasStats(table) ? [table.getStats() as PageCounts] : []))
  return [stats.free, stats.root, ...tables].reduce((sum, counts) => sum + pagesOf(counts), 2)
}

const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: PageCounts): number =>
  treeBranchPageCount + treeLeafPageCount + overflowPages

const hasStats = (table: unknown): table is { getStats(): object } =>
  typeof table === 'object' && table !== null && 'getStats' in table
