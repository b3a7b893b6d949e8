import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { runInSlices, type Steps } from '../../../../core/time/time-slice.ts'
import { StoreError } from '../../errors.ts'
import {
  Damage,
  FREE_FLAGS,
  firstPages,
  HEADER,
  MAX_DEPTH,
  type Meta,
  NO_PAGE,
  NODE,
  NODE_FLAGS,
  numberAt,
  OVERFLOW,
  PAGE,
  type Row,
  readMeta,
  rowAt,
  TABLE,
  type Tree,
  treeAt,
} from './data-file.ts'

/** How often a file that changes meanwhile is checked. */
const ATTEMPTS = 4

/**
 * Checks a data file before LMDB maps it. LMDB follows the page numbers and sizes in the file without looking, so a damaged
 * file ends the process with a signal. This reads the pages of all trees, and of the octets of messages only the first page:
 * these have checksums of their own. A file that another process writes to is checked as far as its first pages: one that
 * is known to be in use, or that changes during each of several checks.
 * @throws StoreError `failed`: what is wrong, and how to go on
 */
export async function checkDataFile(file: string, { isInUse = false } = {}): Promise<void> {
  const handle = openSync(file, 'r')
  try {
    const { size } = fstatSync(handle)
    if (size === 0) throw new Damage('it is empty')
    for (let attempt = 1; ; attempt++) {
      const begun = firstPages(handle)
      try {
        const meta = readMeta(begun, size)
        if (isInUse || attempt > ATTEMPTS) return
        return await runInSlices(new Pages(handle, fstatSync(handle).size, meta).check())
      } catch (error) {
        // A transaction of another process may take pages again that this check still reads.
        if (!(error instanceof Damage) || firstPages(handle).equals(begun)) throw error
      }
    }
  } catch (error) {
    if (error instanceof Damage) throw new StoreError('failed', `${file} is damaged: ${error.message}. ${cureOf(file)}`)
    throw error
  } finally {
    closeSync(handle)
  }
}

/** @throws StoreError `failed` if the folder once had the data file and has it no longer: LMDB would begin a new one */
export function assertNotLost(file: string): void {
  if (existsSync(file) || !existsSync(`${file}-lock`)) return
  throw new StoreError(
    'failed',
    `${file} is missing, although ${basename(file)}-lock shows that it was there. Restore a backup with \`sealpost store restore DIR\`, or delete ${basename(file)}-lock to begin with an empty store`,
  )
}

const cureOf = (file: string): string =>
  `Restore a backup with \`sealpost store restore DIR\`, or delete ${basename(file)} and ${basename(file)}-lock to begin with an empty store`

/** A tree while it is read, with what was found so far. */
interface Walk {
  readonly tree: Tree
  /** Takes the rows of `free` and `main`. */
  readonly take: ((key: Buffer, data: Buffer, flags: number) => void) | undefined
  branches: number
  leaves: number
  overflow: number
  entries: number
  /** The last key. Keys ascend. */
  last: Buffer | undefined
  /** The key of the branch above: the least one that may follow. */
  least: Buffer | undefined
}

/** Reads the pages of all trees. */
class Pages {
  readonly #handle: number
  readonly #meta: Meta
  readonly #pages: number
  /** One bit for each page that belongs to a tree or is free. */
  readonly #known: Uint8Array
  /** Memory for pages: one for each height, and another leaf, because the last key of a leaf is compared with the next. */
  readonly #memory: Buffer[] = []

  constructor(handle: number, size: number, meta: Meta) {
    this.#handle = handle
    this.#meta = meta
    // The file can be shorter than its last page says if that page is free.
    this.#pages = Math.min(meta.lastPage + 1, Math.floor(size / meta.pageOctets))
    this.#known = new Uint8Array((Math.min(meta.lastPage, 2 ** 32) >>> 3) + 1)
    this.#known[0] = 3
  }

  *check(): Steps<void> {
    const tables: Tree[] = []
    const { free, main } = this.#meta
    yield* this.#walk(free, FREE_FLAGS, (_, data) => this.#addFree(data))
    yield* this.#walk(main, 0, (key, data, flags) => {
      if ((flags & NODE_FLAGS.table) === 0) return
      const name = `table ${key.toString('latin1').replaceAll(/[^ -~]/g, '')}`
      if (data.length !== TABLE.octets) throw new Damage(`${name}: it is described in ${data.length} octets`)
      tables.push(treeAt(data, 0, name))
    })
    for (const table of tables) yield* this.#walk(table, 0)
  }

  *#walk(tree: Tree, flags: number, take?: Walk['take']): Steps<void> {
    const walk: Walk = {
      tree,
      take,
      branches: 0,
      leaves: 0,
      overflow: 0,
      entries: 0,
      last: undefined,
      least: undefined,
    }
    const isEmpty = tree.root === NO_PAGE
    if (tree.flags !== flags) throw new Damage(`${tree.name}: its flags are ${tree.flags}, not ${flags}`)
    if (isEmpty ? tree.depth !== 0 : tree.depth < 1 || tree.depth > MAX_DEPTH) {
      throw new Damage(`${tree.name}: its depth cannot be ${tree.depth}`)
    }
    if (!isEmpty) yield* this.#visit(walk, Number(tree.root), tree.depth)
    for (const key of ['branches', 'leaves', 'overflow', 'entries'] as const) {
      if (walk[key] !== tree[key]) throw new Damage(`${tree.name}: it has ${walk[key]} ${key}, not ${tree[key]}`)
    }
  }

  /** Reads a page of a tree and those below it. @param height 1 for a leaf */
  *#visit(walk: Walk, number: number, height: number): Steps<void> {
    const kind = height === 1 ? PAGE.leaf : PAGE.branch
    const page = this.#read(walk.tree, number, kind, this.#memoryFor(height === 1 ? walk.leaves % 2 : height))
    const rows = this.#rows(walk.tree, page, number, kind)
    yield
    if (kind === PAGE.leaf) {
      walk.leaves++
      for (const row of rows) this.#takeRow(walk, page, row, number)
      return
    }
    walk.branches++
    if (rows.length < 2) throw faultOf(walk.tree, number, 'has fewer than two pages below it')
    for (const [i, { key, at }] of rows.entries()) {
      // The first key of a branch is not used.
      if (i > 0) this.#ascend(walk, key, number, false)
      yield* this.#visit(walk, page.readUIntLE(at, 6), height - 1)
    }
  }

  #takeRow(walk: Walk, page: Buffer, { key, at, dataOctets, flags }: Row, number: number): void {
    this.#ascend(walk, key, number, true)
    walk.entries++
    let data = page.subarray(at, at + dataOctets)
    if ((flags & NODE_FLAGS.overflow) !== 0) {
      const first = numberAt(page, at + OVERFLOW.page)
      const pages = Math.ceil((HEADER.octets + dataOctets) / this.#meta.pageOctets)
      if (numberAt(page, at + OVERFLOW.pages) !== pages) throw faultOf(walk.tree, number, 'has a row of the wrong size')
      const octets = walk.take ? HEADER.octets + dataOctets : HEADER.octets
      data = this.#read(walk.tree, first, PAGE.overflow, octets, pages).subarray(HEADER.octets)
      walk.overflow += pages
    }
    walk.take?.(key, data, flags)
  }

  /** Checks that a key is after the last one. The key of a branch can be the first one of the page below. */
  #ascend(walk: Walk, key: Buffer, number: number, isRow: boolean): void {
    const isAfter = walk.last === undefined || this.#compare(walk.tree, walk.last, key) < 0
    if (!isAfter) throw faultOf(walk.tree, number, 'has keys that do not ascend')
    walk.last = isRow ? key : walk.last
    if (isRow && walk.least && this.#compare(walk.tree, key, walk.least) < 0)
      throw faultOf(walk.tree, number, 'has keys that belong elsewhere')
    walk.least = isRow ? undefined : key
  }

  #memoryFor(index: number): Buffer {
    this.#memory[index] ??= Buffer.allocUnsafeSlow(this.#meta.pageOctets)
    return this.#memory[index]
  }

  /** Reads a page, or the first part of several. Each page can be used once. @param into memory, or the octets to read */
  #read(tree: Tree, number: number, kind: number, into: Buffer | number, pages = 1): Buffer {
    if (number + pages > this.#pages) {
      throw new Damage(`${tree.name}: page ${number + pages - 1} is missing; the file has ${this.#pages} pages`)
    }
    this.#use(tree, number, pages)
    const page = typeof into === 'number' ? Buffer.allocUnsafe(into) : into
    const read = readSync(this.#handle, page, 0, page.length, number * this.#meta.pageOctets)
    if (read < page.length) throw faultOf(tree, number, 'cannot be read')
    if (numberAt(page, 0) !== number) throw faultOf(tree, number, `has the number ${numberAt(page, 0)}`)
    if ((page.readUInt16LE(HEADER.flags) & PAGE.kinds) !== kind) throw faultOf(tree, number, 'is of the wrong kind')
    if (numberAt(page, HEADER.txnId) > this.#meta.txnId) throw faultOf(tree, number, 'is newer than the file')
    if (kind === PAGE.overflow && page.readUInt32LE(HEADER.pages) !== pages) {
      throw faultOf(tree, number, `begins ${page.readUInt32LE(HEADER.pages)} pages, not ${pages}`)
    }
    return page
  }

  /** Notes that pages are used or free. */
  #use(tree: Tree, first: number, pages: number): void {
    for (let page = first; page < first + pages; page++) {
      const bit = 1 << (page & 7)
      const byte = this.#known[page >>> 3] ?? 0xff
      if ((byte & bit) !== 0) throw faultOf(tree, page, 'is used twice')
      this.#known[page >>> 3] = byte | bit
    }
  }

  /** Notes the pages of a list of free ones: their number, then a page, or the negative length of a run and its first page. */
  #addFree(data: Buffer): void {
    const { free, lastPage } = this.#meta
    const items = data.length < 8 ? -1 : numberAt(data, 0)
    if (items < 0 || data.length < 8 * (items + 1)) throw new Damage(`${free.name}: a list is not complete`)
    for (let i = 1, run = 1; i <= items; i++) {
      const item = Number(data.readBigInt64LE(8 * i))
      if (item < 0) run = -item
      else {
        // Entries of pages that were taken are 0.
        if (item !== 0 && item + run > lastPage + 1) throw faultOf(free, item, `is after the last page ${lastPage}`)
        if (item !== 0) this.#use(free, item, run)
        run = 1
      }
    }
  }

  /** Finds the rows of a leaf or branch. */
  #rows(tree: Tree, page: Buffer, number: number, kind: number): readonly Row[] {
    // Offsets in a page count from the end of its header.
    const lower = HEADER.octets + page.readUInt16LE(HEADER.lower)
    const upper = HEADER.octets + page.readUInt16LE(HEADER.upper)
    if (lower === HEADER.octets || lower % 2 !== 0 || lower > upper || upper > page.length) {
      throw faultOf(tree, number, 'has wrong bounds')
    }
    let octets = 0
    const rows: Row[] = []
    for (let i = HEADER.octets; i < lower; i += 2) {
      const start = HEADER.octets + page.readUInt16LE(i)
      if (start < upper || start + NODE.octets > page.length) throw faultOf(tree, number, 'has a row outside of it')
      const row = rowAt(page, start, kind)
      if (row.flags > NODE_FLAGS.table) throw faultOf(tree, number, `has a row with the flags ${row.flags}`)
      if (row.end > page.length) throw faultOf(tree, number, 'has a row that is too long')
      octets += row.end - start + ((row.end - start) % 2)
      rows.push(row)
    }
    // LMDB leaves no gaps between rows.
    if (octets !== page.length - upper)
      throw faultOf(tree, number, `has rows of ${octets} octets, not ${page.length - upper}`)
    return rows
  }

  #compare({ flags }: Tree, a: Buffer, b: Buffer): number {
    if (flags !== FREE_FLAGS) return Buffer.compare(a, b)
    return a.length === 8 && b.length === 8 ? numberAt(a, 0) - numberAt(b, 0) : 1
  }
}

const faultOf = ({ name }: Tree, page: number, what: string): Damage => new Damage(`${name}: page ${page} ${what}`)
