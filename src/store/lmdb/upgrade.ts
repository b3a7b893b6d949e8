import type { Logger } from 'pino'
import { FolderCounts } from '../folder-index.ts'
import { type Folder, type MessageEntry, PUBLIC_OWNER } from '../types.ts'
import { overviewRecord } from './articles.ts'
import { blobOctets } from './bodies.ts'
import { outOfOrder } from './check.ts'
import { countBlocks, entriesOf, numbersOf } from './lmdb-folder.ts'
import { combinationKey, FORMAT, LAST_BLOB, type NumbersRecord, type Tables } from './tables.ts'

/** Entries per transaction. */
const STEP = 1000

/** Upgrades the tables to the current format, one format after the other. */
export function upgrade(tables: Tables, log: Logger): void {
  const format = Number(tables.meta.get('format'))
  if (format >= FORMAT) return
  log.info({ format, to: FORMAT }, 'upgrading the store')
  if (format < 2) addIndexes(tables)
  // Format 3 adds the table of values, which is created when the tables are opened.
  if (format < 4) addBlocks(tables)
  tables.env.transactionSync(() => tables.meta.putSync('format', FORMAT))
}

/**
 * Creates the indexes that a store of format 1 lacks. Only the last transaction sets format 2. If the upgrade is
 * interrupted before it, the tables of format 1 are unchanged and the next start upgrades again.
 */
function addIndexes(tables: Tables): void {
  const { env, combinations, changed, overviews, meta, numbers, doomed } = tables
  env.transactionSync(() => {
    for (const table of [combinations, changed, overviews]) table.clearSync()
  })
  const folders = Array.from(tables.folders.getRange({}), ({ value }) => value)
  const counts = new Map<Folder, FolderCounts>()
  for (const folder of folders) counts.set(folder, indexFolder(tables, folder))
  env.transactionSync(() => {
    for (const [{ id }, { deletedOctets }] of counts) {
      const [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted] = numbersOf(tables, id)
      const record: NumbersRecord = [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted, deletedOctets]
      numbers.putSync(id, record)
    }
    numbers.putSync(LAST_BLOB, Number(meta.get('lastBlob') ?? 0))
    meta.removeSync('lastBlob')
    for (const blob of [...doomed.getKeys({})]) doomed.putSync(blob, true)
    meta.putSync('format', 2)
  })
}

/** Creates the counts of blocks that a store before format 4 lacks. Can be repeated if it was interrupted. */
function addBlocks(tables: Tables): void {
  tables.env.transactionSync(() => tables.blocks.clearSync())
  for (const { value: folder } of tables.folders.getRange({})) {
    const blocks = [...countBlocks(entriesOf(tables, folder.id))]
    for (let from = 0; from < blocks.length; from += STEP) {
      tables.env.transactionSync(() => {
        for (const [block, record] of blocks.slice(from, from + STEP)) tables.blocks.putSync([folder.id, block], record)
      })
    }
  }
}

function indexFolder(tables: Tables, folder: Folder): FolderCounts {
  const counts = new FolderCounts()
  const combinations = new Map<string, [flags: readonly string[], messages: number]>()
  const modSeqs = new Map<number, number>()
  let articles: MessageEntry[] = []
  for (const entry of entriesOf(tables, folder.id)) {
    const { uid, flags, modSeq } = entry
    counts.add(entry)
    modSeqs.set(uid, modSeq)
    if (flags.length > 0) combinations.set(flags.join(' '), [flags, (combinations.get(flags.join(' '))?.[1] ?? 0) + 1])
    if (folder.owner !== PUBLIC_OWNER || articles.push(entry) < STEP) continue
    putOverviews(tables, articles)
    articles = []
  }
  putOverviews(tables, articles)
  const late = [...outOfOrder([...modSeqs])]
  for (let from = 0; from < late.length; from += STEP) {
    tables.env.transactionSync(() => {
      for (const uid of late.slice(from, from + STEP)) {
        tables.changed.putSync([folder.id, modSeqs.get(uid) as number, uid], true)
      }
    })
  }
  tables.env.transactionSync(() => {
    for (const record of combinations.values()) {
      tables.combinations.putSync([folder.id, combinationKey(record[0])], record)
    }
  })
  return counts
}

function putOverviews({ env, ...tables }: Tables, articles: readonly MessageEntry[]): void {
  env.transactionSync(() => {
    for (const { blob } of articles) {
      tables.overviews.putSync(Number(blob), overviewRecord(blobOctets(tables, Number(blob))))
    }
  })
}
