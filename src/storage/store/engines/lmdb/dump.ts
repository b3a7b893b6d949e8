import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { type StoreItem, WHOLE_OCTETS } from '../../copy/types.ts'
import { StoreError } from '../../errors.ts'
import type { Folder, Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ValueKind } from '../../value-types.ts'
import { type Bodies, piecesOf } from './bodies.ts'
import type { HeldState, ReadOptions } from './committed.ts'
import { numbersOf } from './lmdb-folder.ts'
import { firstKey, fromRecord, LAST_BLOB, LAST_TEXT, lastKey, type Tables, type ValueKey } from './tables.ts'

/** Rows that are read at a time. */
const ROWS = 256

/** Yields everything in the tables, in the state that is held. */
export async function* dumpTables(
  tables: Tables,
  bodies: Bodies,
  state: HeldState,
): AsyncGenerator<StoreItem, void, void> {
  const options: ReadOptions = state.transaction ? { transaction: state.transaction } : {}
  const folders = Array.from(tables.folders.getRange(options), ({ value }) => value)
  const messages = folders.reduce((sum, { id }) => sum + numbersOf(tables, id, options)[2], 0)
  const lastUidValidity = Number(tables.meta.get('lastUidValidity', options) ?? 0)
  yield {
    type: 'store',
    tag: String(tables.meta.get('tag', options)),
    lastFolder: Number(tables.meta.get('lastFolder', options) ?? 0),
    lastBlob: Number(tables.numbers.get(LAST_BLOB, options) ?? 0),
    lastUidValidity,
    folders: folders.length,
    messages,
  }
  const written = new Set<string>()
  for (const folder of folders) yield* dumpFolder(tables, bodies, folder, { state, options, written })
  yield* dumpValues(tables, '', options)
  for (const { key, value } of tables.subscriptions.getRange(options)) {
    yield { type: 'subscription', owner: key[0] as Owner, name: value }
  }
  for (const { key, value } of tables.state.getRange(options)) yield { type: 'state', key, value }
  const known = (start: string | undefined): string[] => [
    ...tables.history.getKeys({ start: start ?? '', limit: ROWS + 1, ...options }),
  ]
  for await (const messageId of yieldRows(state, known)) {
    yield { type: 'known', messageId }
  }
  for (const { key, value } of tables.retired.getRange(options)) {
    yield { type: 'retired', owner: key[0] as Owner, name: key[1], uidNext: value }
  }
}

interface DumpState {
  readonly state: HeldState
  readonly options: ReadOptions
  /** Names of shared blobs whose octets were yielded. */
  readonly written: Set<string>
}

async function* dumpFolder(
  tables: Tables,
  bodies: Bodies,
  folder: Folder,
  { state, options, written }: DumpState,
): AsyncGenerator<StoreItem, void, void> {
  const folderId = folder.id
  const [uidNext, highestModSeq] = numbersOf(tables, folderId, options)
  yield { type: 'folder', folder, uidNext, highestModSeq }
  const rowsFrom = (start: [string, number] | undefined) => {
    const range = { start: start ?? firstKey(folderId), end: lastKey(folderId), limit: ROWS + 1 }
    return [...tables.entries.getRange({ ...range, ...options })]
  }
  for await (const { key, value } of yieldRows(state, (last?: ReturnType<typeof rowsFrom>[number]) =>
    rowsFrom(last?.key),
  )) {
    const entry = fromRecord(key[1], value, bodies)
    const isShared = tables.holders.doesExist(bodies.numberOf(entry.blob))
    const isKnown = isShared && written.has(entry.blob)
    if (isShared) written.add(entry.blob)
    yield {
      type: 'message',
      folderId,
      entry,
      isShared,
      ...(!isKnown && { raw: octetsOf(tables, bodies, entry, options) }),
    }
  }
  for (const { key, value } of tables.vanished.getRange({
    start: firstKey(folderId),
    end: lastKey(folderId),
    ...options,
  })) {
    yield { type: 'vanished', folderId, modSeq: key[1], uids: value }
  }
  yield* dumpValues(tables, folderId, options)
}

/** Yields the rows that `read` returns, which starts at a row (undefined: the first). Other sessions run in between. */
async function* yieldRows<Row>(
  state: HeldState,
  read: (from: Row | undefined) => readonly Row[],
): AsyncGenerator<Row, void, void> {
  let from: Row | undefined
  while (true) {
    const rows = read(from)
    // The first row of a later step is the last one of the step before.
    for (let i = from === undefined ? 0 : 1; i < rows.length; i++) yield rows[i] as Row
    if (rows.length <= ROWS) return
    from = rows.at(-1)
    if (isSliceOver()) await nextSlice()
    state.check()
  }
}

function octetsOf(
  tables: Tables,
  bodies: Bodies,
  entry: MessageEntry,
  options: ReadOptions,
): Buffer | AsyncGenerator<Buffer, void, void> {
  if (entry.sizeOctets > WHOLE_OCTETS) return piecesFrom(tables, bodies.numberOf(entry.blob), options)
  const octets = bodies.read(entry, undefined, undefined, options)
  if (!octets) throw new StoreError('failed', `the octets of message ${entry.uid} are missing`)
  return octets
}

async function* piecesFrom(tables: Tables, blob: number, options: ReadOptions): AsyncGenerator<Buffer, void, void> {
  for (const key of [...tables.bodies.getKeys({ ...piecesOf(blob), ...options })]) {
    const piece = tables.bodies.get(key, options)
    if (piece) yield piece
  }
}

/** Yields the values of a folder; of the store as a whole for ''. */
function* dumpValues({ values }: Tables, folderId: string, options: ReadOptions): Generator<StoreItem, void, void> {
  const range = {
    start: [folderId, '', '', ''] as ValueKey,
    end: [folderId, LAST_TEXT, '', ''] as ValueKey,
    ...options,
  }
  for (const { key, value } of values.getRange(range)) {
    const [, kind, reader] = key
    const [name, content] = value
    yield {
      type: 'value',
      ...(folderId !== '' && { folderId }),
      kind: kind as ValueKind,
      reader,
      name,
      // The package reuses the memory that it reads into.
      content: Buffer.from(content),
    }
  }
}
