import type { FolderCounts } from '../folder-counts.ts'
import { FolderCounts as Counts } from '../folder-counts.ts'
import { type Folder, type MessageEntry, PUBLIC_OWNER } from '../types.ts'
import { piecesOf } from './bodies.ts'
import { checkArticle, checkFolderIndexes, strayChanges, strayOverviews } from './check-indexes.ts'
import { entriesOf, numbersOf } from './lmdb-folder.ts'
import { LAST_BLOB, type Tables } from './tables.ts'

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
