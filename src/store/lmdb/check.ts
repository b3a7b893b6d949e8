import type { FolderCounts } from '../folder-counts.ts'
import { FolderCounts as Counts } from '../folder-counts.ts'
import { type Folder, type MessageEntry, PUBLIC_OWNER } from '../types.ts'
import { Bodies } from './bodies.ts'
import { entriesOf, numbersOf } from './lmdb-folder.ts'
import { PIECE_OCTETS, type Tables, textKey } from './tables.ts'

export interface CheckReport {
  readonly folders: number
  readonly messages: number
  /** What is not as it must be, a sentence each. */
  readonly faults: readonly string[]
}

/** Whether everything that the tables say of each other is true. */
export function checkTables(tables: Tables): CheckReport {
  const bodies = new Bodies(tables)
  const held = new Map<number, { holders: number; sizeOctets: number }>()
  const faults: string[] = []
  let messages = 0
  const folders = Array.from(tables.folders.getRange({}), ({ value }) => value)
  for (const folder of folders) {
    const counts = new Counts()
    for (const entry of entriesOf(tables, folder.id, bodies.nameOf)) {
      counts.add(entry)
      const blob = bodies.numberOf(entry.blob)
      held.set(blob, { holders: (held.get(blob)?.holders ?? 0) + 1, sizeOctets: entry.sizeOctets })
      faults.push(...entryFaults(tables, folder, entry))
    }
    messages += counts.exists
    faults.push(...countFaults(tables, folder, counts))
  }
  for (const [blob, { holders, sizeOctets }] of held) faults.push(...blobFaults(tables, blob, holders, sizeOctets))
  faults.push(...orphans(tables, held))
  return { folders: folders.length, messages, faults }
}

function* entryFaults(tables: Tables, folder: Folder, { uid, modSeq, messageId }: MessageEntry): Generator<string> {
  const [uidNext, highestModSeq] = numbersOf(tables, folder.id)
  const which = `${folder.owner} ${folder.name} ${uid}`
  if (uid >= uidNext) yield `${which}: its number is not below the next one, ${uidNext}`
  if (modSeq > highestModSeq) yield `${which}: its modSeq ${modSeq} is above the folder's, ${highestModSeq}`
  if (folder.owner !== PUBLIC_OWNER || messageId === undefined) return
  const key = textKey(messageId)
  if (!tables.places.get([key, folder.id, uid])) yield `${which}: not found by its message id ${messageId}`
  if (!tables.history.get(key)) yield `${which}: its message id ${messageId} is not in the history`
}

function* countFaults(tables: Tables, folder: Folder, counts: FolderCounts): Generator<string> {
  const [, , exists, sizeOctets, unseen, deleted] = numbersOf(tables, folder.id)
  const noted = { exists, sizeOctets, unseen, deleted }
  for (const key of ['exists', 'sizeOctets', 'unseen', 'deleted'] as const) {
    if (noted[key] !== counts[key]) {
      yield `${folder.owner} ${folder.name}: ${key} is noted as ${noted[key]} and counted as ${counts[key]}`
    }
  }
}

function* blobFaults(tables: Tables, blob: number, holders: number, sizeOctets: number): Generator<string> {
  const noted = tables.holders.get(blob) ?? 1
  if (noted !== holders) yield `blob ${blob}: ${holders} entries hold it, ${noted} are noted`
  let octets = 0
  for (let piece = 0; piece * PIECE_OCTETS < sizeOctets; piece++) {
    octets += tables.bodies.getBinary([blob, piece])?.length ?? 0
  }
  if (octets !== sizeOctets) yield `blob ${blob}: ${octets} of ${sizeOctets} octets are there`
}

function* orphans(tables: Tables, held: ReadonlyMap<number, unknown>): Generator<string> {
  let last = -1
  for (const [blob] of tables.bodies.getKeys({})) {
    if (blob !== last && !held.has(blob) && !tables.doomed.doesExist(blob)) yield `blob ${blob}: no entry holds it`
    last = blob
  }
}
