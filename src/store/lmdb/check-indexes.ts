import { isDeepStrictEqual } from 'node:util'
import type { Folder, MessageEntry } from '../types.ts'
import { blobOctets } from './bodies.ts'
import type { Holders } from './check.ts'
import { combinationsOf, entriesOf } from './lmdb-folder.ts'
import { overviewRecord } from './overviews.ts'
import { firstKey, lastKey, type Tables, textKey } from './tables.ts'

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
