import { isDeepStrictEqual } from 'node:util'
import { FolderCounts as Counts, type FolderCounts } from '../folder-index.ts'
import { type Folder, type MessageEntry, PUBLIC_OWNER } from '../types.ts'
import { overviewRecord } from './articles.ts'
import { blobOctets, piecesOf } from './bodies.ts'
import { combinationsOf, entriesOf, numbersOf } from './lmdb-folder.ts'
import { firstKey, LAST_BLOB, lastKey, type Tables, textKey } from './tables.ts'

export interface CheckReport {
  readonly folders: number
  readonly messages: number
  /** What is not as it must be, a sentence each. */
  readonly faults: readonly string[]
}

/** Entries that hold a blob. */
export interface Holders {
  readonly holders: number
  readonly sizeOctets: number
}

/** Whether everything that the tables say of each other is true. */
export function checkTables(tables: Tables): CheckReport {
  const held = new Map<number, Holders>()
  const faults: string[] = []
  let messages = 0
  const folders = Array.from(tables.folders.getRange({}), ({ value }) => value)
  for (const folder of folders) {
    const counts = new Counts()
    for (const entry of entriesOf(tables, folder.id)) {
      counts.add(entry)
      const blob = Number(entry.blob)
      held.set(blob, { holders: (held.get(blob)?.holders ?? 0) + 1, sizeOctets: entry.sizeOctets })
      faults.push(...entryFaults(tables, folder, entry))
    }
    messages += counts.exists
    faults.push(...countFaults(tables, folder, counts), ...checkFolderIndexes(tables, folder))
  }
  for (const [blob, { holders, sizeOctets }] of held) faults.push(...blobFaults(tables, blob, holders, sizeOctets))
  faults.push(...orphans(tables, held), ...strayOverviews(tables, held), ...strayChanges(tables))
  return { folders: folders.length, messages, faults }
}

function* entryFaults(tables: Tables, folder: Folder, entry: MessageEntry): Generator<string> {
  const [uidNext, highestModSeq] = numbersOf(tables, folder.id)
  const { uid, modSeq, blob } = entry
  const which = `${folder.owner} ${folder.name} ${uid}`
  if (uid >= uidNext) yield `${which}: its number is not below the next one, ${uidNext}`
  if (modSeq > highestModSeq) yield `${which}: its modSeq ${modSeq} is above the folder's, ${highestModSeq}`
  const lastBlob = Number(tables.numbers.get(LAST_BLOB) ?? 0)
  if (Number(blob) > lastBlob) yield `${which}: its blob ${blob} is above the last one, ${lastBlob}`
  if (folder.owner === PUBLIC_OWNER) yield* checkArticle(tables, folder, entry, which)
}

function* countFaults(tables: Tables, folder: Folder, counts: FolderCounts): Generator<string> {
  const [, , exists, sizeOctets, unseen, deleted, deletedOctets] = numbersOf(tables, folder.id)
  const noted = { exists, sizeOctets, unseen, deleted, deletedOctets }
  for (const key of ['exists', 'sizeOctets', 'unseen', 'deleted', 'deletedOctets'] as const) {
    if (noted[key] !== counts[key]) {
      yield `${folder.owner} ${folder.name}: ${key} is noted as ${noted[key]} and counted as ${counts[key]}`
    }
  }
}

function* blobFaults(tables: Tables, blob: number, holders: number, sizeOctets: number): Generator<string> {
  const noted = tables.holders.get(blob) ?? 1
  if (noted !== holders) yield `blob ${blob}: ${holders} entries hold it, ${noted} are noted`
  if (tables.doomed.doesExist(blob)) yield `blob ${blob}: entries hold it, and it is noted as one to be removed`
  let octets = 0
  for (const { value } of tables.bodies.getRange(piecesOf(blob))) octets += value.length
  if (octets !== sizeOctets) yield `blob ${blob}: ${octets} of ${sizeOctets} octets are there`
}

function* orphans(tables: Tables, held: ReadonlyMap<number, Holders>): Generator<string> {
  let last = -1
  for (const [blob] of tables.bodies.getKeys({})) {
    if (blob !== last && !held.has(blob) && !tables.doomed.doesExist(blob)) yield `blob ${blob}: no entry holds it`
    last = blob
  }
}

/** Whether newsreaders find an article by its Message-ID, and what they are told of it. */
export function* checkArticle(
  tables: Tables,
  folder: Folder,
  { uid, messageId, blob }: MessageEntry,
  which: string,
): Generator<string> {
  if (messageId !== undefined) {
    const key = textKey(messageId)
    if (!tables.places.get([key, folder.id, uid])) yield `${which}: not found by its message id ${messageId}`
    if (!tables.history.get(key)) yield `${which}: its message id ${messageId} is not in the history`
  }
  const overview = tables.overviews.get(Number(blob))
  if (!overview) yield `${which}: its overview is missing`
  else if (!isDeepStrictEqual(overview, overviewRecord(blobOctets(tables, Number(blob))))) {
    yield `${which}: its overview is not what its octets say`
  }
}

/** Whether the indexes of flags and changes say what the entries do. */
export function* checkFolderIndexes(tables: Tables, folder: Folder): Generator<string> {
  const which = `${folder.owner} ${folder.name}`
  const counted = new Map<string, number>()
  const changed = new Set<number>()
  const modSeqs = new Map<number, number>()
  for (const { uid, flags, modSeq } of entriesOf(tables, folder.id)) {
    if (flags.length > 0) counted.set(flags.join(' '), (counted.get(flags.join(' ')) ?? 0) + 1)
    modSeqs.set(uid, modSeq)
  }
  for (const [flags, messages] of combinationsOf(tables, folder.id)) {
    const found = counted.get(flags.join(' ')) ?? 0
    if (found !== messages) yield `${which}: ${messages} messages are noted with ${flags.join(' ')}, there are ${found}`
    counted.delete(flags.join(' '))
  }
  for (const [flags, found] of counted) yield `${which}: no messages are noted with ${flags}, there are ${found}`
  for (const [, modSeq, uid] of tables.changed.getKeys(changesOf(folder.id))) {
    changed.add(uid)
    if (modSeqs.get(uid) !== modSeq) yield `${which} ${uid}: noted as changed with modSeq ${modSeq}, which it has not`
  }
  for (const uid of outOfOrder([...modSeqs])) {
    if (!changed.has(uid)) yield `${which} ${uid}: not noted as changed, though its modSeq is above that of later ones`
  }
}

/** The uids of those whose modSeq is above that of one after them. */
export function* outOfOrder(modSeqs: readonly (readonly [uid: number, modSeq: number])[]): Generator<number> {
  let least = Number.POSITIVE_INFINITY
  for (let at = modSeqs.length - 1; at >= 0; at--) {
    const [uid, modSeq] = modSeqs[at] as readonly [number, number]
    if (modSeq > least) yield uid
    else least = modSeq
  }
}

/** Overviews of octets that no entry holds. */
export function* strayOverviews(tables: Tables, held: ReadonlyMap<number, Holders>): Generator<string> {
  for (const blob of tables.overviews.getKeys({})) {
    if (!held.has(blob) && !tables.doomed.doesExist(blob)) yield `blob ${blob}: its overview is there, and no entry`
  }
}

/** What the indexes have of folders that are no more. */
export function* strayChanges(tables: Tables): Generator<string> {
  const folders = new Set(tables.folders.getKeys({}))
  for (const table of ['changed', 'combinations', 'vanished'] as const) {
    const strays = new Set<string>()
    for (const [folderId] of tables[table].getKeys({}) as Iterable<readonly [string, ...unknown[]]>) {
      if (!folders.has(folderId)) strays.add(folderId)
    }
    for (const folderId of strays) yield `${table} has something of folder ${folderId}, which there is not`
  }
}

const changesOf = (folderId: string): { start: [string, number, number]; end: [string, number, number] } => ({
  start: [...firstKey(folderId), 0],
  end: [...lastKey(folderId), 0],
})
