import { readSync } from 'node:fs'

/** Layout of LMDB's data files of version 2, as `mdb.c` of the package lmdb defines it. Numbers are little-endian. */
const MAGIC = 0xbeefc0de
const VERSION = 2
export const HEADER = { txnId: 8, flags: 18, lower: 20, upper: 22, pages: 20, octets: 24 } as const
const META = {
  magic: 24,
  version: 28,
  mapSize: 40,
  free: 48,
  main: 96,
  lastPage: 144,
  txnId: 152,
  octets: 168,
} as const
export const TABLE = {
  pad: 0,
  flags: 4,
  depth: 6,
  branches: 8,
  leaves: 16,
  overflow: 24,
  entries: 32,
  root: 40,
  octets: 48,
} as const
export const NODE = { low: 0, high: 2, flags: 4, keyOctets: 6, octets: 8 } as const
/** A row refers to data in pages of their own by this. */
export const OVERFLOW = { page: 0, pages: 16, octets: 24 } as const
export const PAGE = { branch: 1, leaf: 2, overflow: 4, meta: 8, kinds: 0x7f } as const
export const NODE_FLAGS = { overflow: 1, table: 2 } as const
/** Flags of the table of free pages: its keys are integers, and the file is not in a folder of its own (`noSubdir`). */
export const FREE_FLAGS = 0x4008
export const NO_PAGE = 0xffff_ffff_ffff_ffffn
export const MAX_DEPTH = 32
const MAX_MAP_OCTETS = 2 ** 46
/** LMDB needs this much to recognize a file; it takes an empty one for a new one. */
const SMALLEST_PAGE = 512
const LARGEST_PAGE = 65_536

/** The tree of a table. `free` has the pages that may be used again, `main` the other tables. */
export interface Tree {
  readonly name: string
  readonly flags: number
  readonly depth: number
  readonly branches: number
  readonly leaves: number
  readonly overflow: number
  readonly entries: number
  readonly root: bigint
}

export interface Meta {
  readonly pageOctets: number
  readonly lastPage: number
  readonly txnId: number
  readonly free: Tree
  readonly main: Tree
}

/** The error of a damaged file. `checkDataFile` adds the cure. */
export class Damage extends Error {}

/** A row of a page. */
export interface Row {
  readonly key: Buffer
  /** Start of the data, or of the number of its first page. In a branch, of the number of the page below. */
  readonly at: number
  readonly end: number
  readonly dataOctets: number
  readonly flags: number
}

/** Returns the octets that contain both first pages. Each transaction changes them. */
export function firstPages(handle: number): Buffer {
  const pages = Buffer.alloc(LARGEST_PAGE + META.octets)
  return pages.subarray(0, readSync(handle, pages, 0, pages.length, 0))
}

/** Returns the newer one of both first pages. @param size of the file, in octets @throws Damage */
export function readMeta(begun: Buffer, size: number): Meta {
  const first = begun.subarray(0, META.octets)
  if (first.length < META.octets) throw new Damage(`it has only ${size} octets`)
  assertMeta(first, 0)
  const pageOctets = first.readUInt32LE(META.free + TABLE.pad)
  const isPower = Number.isInteger(Math.log2(pageOctets))
  if (!isPower || pageOctets < SMALLEST_PAGE || pageOctets > LARGEST_PAGE) {
    throw new Damage(`its pages cannot have ${pageOctets} octets`)
  }
  const second = begun.subarray(pageOctets, pageOctets + META.octets)
  if (second.length < META.octets) throw new Damage(`it has only ${size} octets`)
  assertMeta(second, 1)
  const metas = [metaOf(first), metaOf(second)]
  // Transactions write the two pages in turn. The first one of a new file and of a copy stays 0.
  const [older, newer] = (metas[0] as Meta).txnId > (metas[1] as Meta).txnId ? [metas[1], metas[0]] : metas
  for (const [page, { txnId }] of metas.entries()) {
    if (txnId !== 0 && txnId % 2 !== page) throw new Damage(`page ${page} has transaction ${txnId}`)
  }
  const { txnId, lastPage, pageOctets: ofNewer } = newer as Meta
  if (older?.txnId !== 0 && older?.txnId !== txnId - 1) {
    throw new Damage(`its first pages have the transactions ${older?.txnId} and ${txnId}`)
  }
  if (ofNewer !== pageOctets) throw new Damage(`its pages have ${pageOctets} octets, or ${ofNewer}`)
  if (lastPage < 1 || lastPage * pageOctets >= MAX_MAP_OCTETS) throw new Damage(`its last page cannot be ${lastPage}`)
  return newer as Meta
}

function assertMeta(page: Buffer, number: number): void {
  const isMeta = (page.readUInt16LE(HEADER.flags) & PAGE.kinds) === PAGE.meta
  if (!isMeta || page.readUInt32LE(META.magic) !== MAGIC)
    throw new Damage(`page ${number} does not begin a file of LMDB`)
  const version = page.readUInt32LE(META.version) & 0xffff
  if (version !== VERSION) throw new Damage(`it has version ${version} of LMDB's format, not ${VERSION}`)
  if (page.readBigUInt64LE(META.mapSize) >= BigInt(MAX_MAP_OCTETS)) throw new Damage(`page ${number} has a wrong size`)
}

function metaOf(page: Buffer): Meta {
  return {
    pageOctets: page.readUInt32LE(META.free + TABLE.pad),
    lastPage: numberAt(page, META.lastPage),
    txnId: numberAt(page, META.txnId),
    free: treeAt(page, META.free, 'free pages'),
    main: treeAt(page, META.main, 'tables'),
  }
}

/** Reads the description of a table. */
export const treeAt = (page: Buffer, at: number, name: string): Tree => ({
  name,
  flags: page.readUInt16LE(at + TABLE.flags),
  depth: page.readUInt16LE(at + TABLE.depth),
  branches: numberAt(page, at + TABLE.branches),
  leaves: numberAt(page, at + TABLE.leaves),
  overflow: numberAt(page, at + TABLE.overflow),
  entries: numberAt(page, at + TABLE.entries),
  root: page.readBigUInt64LE(at + TABLE.root),
})

/** Reads a number of 64 bits. One that is too large to be exact is also too large to be right. */
export const numberAt = (page: Buffer, at: number): number => Number(page.readBigUInt64LE(at))

/** Reads a row of a page. @param kind of the page: a branch or a leaf */
export function rowAt(page: Buffer, start: number, kind: number): Row {
  const keyAt = start + NODE.octets
  const dataAt = keyAt + page.readUInt16LE(start + NODE.keyOctets)
  const key = page.subarray(keyAt, dataAt)
  // Where a branch has the number of the page below, a leaf has the length of its data and flags.
  if (kind === PAGE.branch) return { key, at: start, end: dataAt, dataOctets: 0, flags: 0 }
  const dataOctets = page.readUInt16LE(start + NODE.low) + 0x1_0000 * page.readUInt16LE(start + NODE.high)
  const flags = page.readUInt16LE(start + NODE.flags)
  return {
    key,
    at: dataAt,
    end: dataAt + ((flags & NODE_FLAGS.overflow) !== 0 ? OVERFLOW.octets : dataOctets),
    dataOctets,
    flags,
  }
}
