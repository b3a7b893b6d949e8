import { isDeepStrictEqual } from 'node:util'
import { uidsOf } from '../../entries/entry-block.ts'
import { FolderCounts } from '../../entries/folder-index.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import { textKey } from '../text-key.ts'
import { overviewRecord } from './articles.ts'
import { blobOctets, piecesOf } from './bodies.ts'
import { blocksOf, combinationsOf, countBlocks, entriesOf, folderCounts, numbersOf } from './lmdb-folder.ts'
import { damagedKeys, isSealed } from './sealed-tables.ts'
import { firstKey, LAST_BLOB, lastKey, type Tables } from './tables.ts'

export interface CheckReport {
  readonly folders: number
  readonly messages: number
  /** One sentence for each inconsistency. */
  readonly faults: readonly string[]
}

/** The entries that refer to a blob. */
interface BlobUse {
  readonly entries: number
  readonly sizeOctets: number
}

type UsedBlobs = ReadonlyMap<number, BlobUse>

/** Checks whether all tables agree with each other. */
export function checkTables(tables: Tables): CheckReport {
  const damaged = [...damagedRows(tables)]
  // The other checks read rows, and cannot go on without some.
  if (damaged.length > 0) return { folders: 0, messages: 0, faults: damaged }
  const used = new Map<number, BlobUse>()
  const faults: string[] = []
  let messages = 0
  const folders = Array.from(tables.folders.getRange({}), ({ value }) => value)
  for (const folder of folders) {
    const counts = new FolderCounts()
    for (const entry of entriesOf(tables, folder.id)) {
      counts.add(entry)
      const blob = Number(entry.blob)
      used.set(blob, { entries: (used.get(blob)?.entries ?? 0) + 1, sizeOctets: entry.sizeOctets })
      faults.push(...entryFaults(tables, folder, entry))
    }
    messages += counts.exists
    faults.push(...countFaults(tables, folder, counts), ...indexFaults(tables, folder))
  }
  for (const [blob, use] of used) faults.push(...blobFaults(tables, blob, use))
  faults.push(...unusedBlobs(tables, used), ...unusedOverviews(tables, used), ...unusedIndexes(tables))
  return { folders: folders.length, messages, faults }
}

/** Checks the checksums of all rows. Yields a sentence for each that is damaged. */
export function* damagedRows(tables: Tables): Generator<string> {
  for (const [name, table] of Object.entries(tables)) {
    if (!isSealed(table)) continue
    for (const key of damagedKeys(table)) yield `table ${name}: the row ${JSON.stringify(key)} is damaged`
  }
}

const labelOf = ({ owner, name }: Folder): string => `${owner} ${name}`

function* entryFaults(tables: Tables, folder: Folder, entry: MessageEntry): Generator<string> {
  const [uidNext, highestModSeq] = numbersOf(tables, folder.id)
  const { uid, modSeq, blob } = entry
  const label = `${labelOf(folder)} ${uid}`
  if (uid >= uidNext) yield `${label}: its uid is not below the folder's next uid ${uidNext}`
  if (modSeq > highestModSeq) yield `${label}: its modSeq ${modSeq} is above the folder's modSeq ${highestModSeq}`
  const lastBlob = Number(tables.numbers.get(LAST_BLOB) ?? 0)
  if (Number(blob) > lastBlob) yield `${label}: its blob ${blob} is above the last blob ${lastBlob}`
  if (folder.owner === PUBLIC_OWNER) yield* articleFaults(tables, folder, entry, label)
}

/** Checks an article's Message-ID and overview. */
function* articleFaults(
  tables: Tables,
  folder: Folder,
  { uid, messageId, blob }: MessageEntry,
  label: string,
): Generator<string> {
  if (messageId !== undefined) {
    const key = textKey(messageId)
    if (!tables.places.get([key, folder.id, uid])) yield `${label}: the index of Message-IDs lacks ${messageId}`
    if (!tables.history.get(key)) yield `${label}: the history lacks its Message-ID ${messageId}`
  }
  const overview = tables.overviews.get(Number(blob))
  if (!overview) yield `${label}: its overview is missing`
  else if (!isDeepStrictEqual(overview, overviewRecord(blobOctets(tables, Number(blob))))) {
    yield `${label}: its overview differs from its octets`
  }
}

function* countFaults(tables: Tables, folder: Folder, counts: FolderCounts): Generator<string> {
  const [, , ...numbers] = numbersOf(tables, folder.id)
  const stored = folderCounts(numbers)
  for (const key of Object.keys(stored) as (keyof typeof stored)[]) {
    if (stored[key] !== counts[key]) {
      yield `${labelOf(folder)}: ${key} is stored as ${stored[key]}, but its messages have ${counts[key]}`
    }
  }
}

/** Checks the indexes of flags and changes against a folder's entries. */
function* indexFaults(tables: Tables, folder: Folder): Generator<string> {
  const label = labelOf(folder)
  const counted = new Map<string, number>()
  const changed = new Set<number>()
  const modSeqs = new Map<number, number>()
  for (const { uid, flags, modSeq } of entriesOf(tables, folder.id)) {
    if (flags.length > 0) counted.set(flags.join(' '), (counted.get(flags.join(' ')) ?? 0) + 1)
    modSeqs.set(uid, modSeq)
  }
  for (const [flags, messages] of combinationsOf(tables, folder.id)) {
    const found = counted.get(flags.join(' ')) ?? 0
    if (found !== messages) yield `${label}: the index has ${messages} messages with ${flags.join(' ')}, not ${found}`
    counted.delete(flags.join(' '))
  }
  for (const [flags, found] of counted) yield `${label}: the index has no messages with ${flags}, not ${found}`
  yield* blockFaults(tables, folder)
  for (const [, modSeq, uid] of tables.changed.getKeys(changesOf(folder.id))) {
    changed.add(uid)
    if (modSeqs.get(uid) !== modSeq) yield `${label} ${uid}: the index of changes has modSeq ${modSeq}, which is wrong`
  }
  for (const uid of outOfOrder([...modSeqs])) {
    if (!changed.has(uid)) yield `${label} ${uid}: the index of changes lacks it, but its modSeq is above later ones`
  }
}

/** Yields the uids of the entries that have a greater modSeq than a later entry. */
function* outOfOrder(modSeqs: readonly (readonly [uid: number, modSeq: number])[]): Generator<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = modSeqs.length - 1; i >= 0; i--) {
    const [uid, modSeq] = modSeqs[i] as readonly [number, number]
    if (modSeq > least) yield uid
    else least = modSeq
  }
}

/** Checks the counts of blocks of uids. */
function* blockFaults(tables: Tables, folder: Folder): Generator<string> {
  const label = labelOf(folder)
  const counted = countBlocks(entriesOf(tables, folder.id))
  for (const { number, size, unseen, deleted } of blocksOf(tables, folder.id)) {
    const { from, to } = uidsOf(number)
    const found = counted.get(number) ?? [0, 0, 0]
    if (!isDeepStrictEqual(found, [size, unseen, deleted])) {
      yield `${label}: uids ${from} to ${to} are counted as ${[size, unseen, deleted]}, not ${found}`
    }
    counted.delete(number)
  }
  for (const [number] of counted) {
    yield `${label}: uids ${uidsOf(number).from} to ${uidsOf(number).to} are not counted`
  }
}

function* blobFaults(tables: Tables, blob: number, { entries, sizeOctets }: BlobUse): Generator<string> {
  const stored = tables.holders.get(blob) ?? 1
  if (stored !== entries) yield `blob ${blob}: ${entries} entries refer to it, but ${stored} are stored`
  if (tables.doomed.doesExist(blob)) yield `blob ${blob}: entries refer to it, but it is marked for removal`
  let octets = 0
  for (const { value } of tables.bodies.getRange(piecesOf(blob))) octets += value.length
  if (octets !== sizeOctets) yield `blob ${blob}: it has ${octets} of ${sizeOctets} octets`
}

/** Finds octets without an entry. */
function* unusedBlobs(tables: Tables, used: UsedBlobs): Generator<string> {
  let last = -1
  for (const [blob] of tables.bodies.getKeys({})) {
    if (blob !== last && !used.has(blob) && !tables.doomed.doesExist(blob)) yield `blob ${blob}: no entry refers to it`
    last = blob
  }
}

function* unusedOverviews(tables: Tables, used: UsedBlobs): Generator<string> {
  for (const blob of tables.overviews.getKeys({})) {
    if (!used.has(blob) && !tables.doomed.doesExist(blob)) yield `blob ${blob}: it has an overview, but no entry`
  }
}

/** Finds index rows of folders that do not exist. */
function* unusedIndexes(tables: Tables): Generator<string> {
  const folders = new Set(tables.folders.getKeys({}))
  for (const table of ['blocks', 'changed', 'combinations', 'vanished', 'values'] as const) {
    const missing = new Set<string>()
    for (const [folderId] of tables[table].getKeys({}) as Iterable<readonly [string, ...unknown[]]>) {
      if (folderId !== '' && !folders.has(folderId)) missing.add(folderId)
    }
    for (const folderId of missing) yield `table ${table}: it has rows of folder ${folderId}, which does not exist`
  }
}

const changesOf = (folderId: string): { start: [string, number, number]; end: [string, number, number] } => ({
  start: [...firstKey(folderId), 0],
  end: [...lastKey(folderId), 0],
})
