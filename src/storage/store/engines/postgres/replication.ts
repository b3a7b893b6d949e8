import { performance } from '../../../../core/time/real-timers.ts'
import type { Database, Queries } from '../../../database/database-types.ts'
import type { FolderIndex } from '../../entries/folder-index.ts'
import type { Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { ValueKind } from '../../value-types.ts'
import { type LoadedFolder, type PackedEntries, readIndex, UnpackedBlocks } from './packed-entries.ts'
import { FoldersBehind, hasReached, type Position, type PostgresFolder } from './postgres-folder.ts'
import { columnsOf, ENTRY_COLUMNS, type EntryRow, entryOf, type Names } from './records.ts'

/** Entries in memory, of all folders together. Beyond it, folders that were not used for longest are forgotten. */
const MAX_ENTRIES = 2_000_000

interface DeltaRow extends EntryRow {
  readonly folder_id: number
  readonly uid_next: number
  readonly folder_mod_seq: number
  readonly folder_value_seq: number
  /** Null: the folder has no changes. */
  readonly what: 'entry' | 'vanished' | 'values' | null
  readonly uids: string | null
  readonly kind: ValueKind | null
  readonly reader: Owner | null
  readonly names: string | null
}

/** Reads the changes in folders after positions. One statement, so that it sees one moment. */
const DELTAS = `
  select f.id as folder_id, f.uid_next, f.mod_seq as folder_mod_seq, f.value_seq as folder_value_seq, c.*
  from unnest($1::bigint[], $2::bigint[], $3::bigint[]) k (id, mod_seq, value_seq) join folders f on f.id = k.id
  left join lateral (
    select 'entry' as what, ${ENTRY_COLUMNS}, null as uids, null as kind, null as reader, null as names
    from entries e where e.folder = k.id and e.mod_seq > k.mod_seq and f.mod_seq > k.mod_seq
    union all
    select 'vanished', null, null, null, null, null, null, v.mod_seq, null, array_to_string(v.uids, ','), null, null, null
    from vanished v where v.folder = k.id and v.mod_seq > k.mod_seq and f.mod_seq > k.mod_seq
    union all
    select 'values', w.value_seq, null, null, null, null, null, w.mod_seq, null, null, w.kind, w.reader, w.names
    from value_changes w where w.folder = k.id and w.value_seq > k.value_seq and f.value_seq > k.value_seq
  ) c on true`

/** The changes in a folder after a position. */
export interface Delta {
  readonly position: Position
  readonly rows: readonly DeltaRow[]
}

/**
 * Replicates the changes of folders that other nodes make: reads what changed after the position that this node knows, and
 * emits it. Call its methods within a folder's turn, except `replicate` and `load`.
 */
export class Replication {
  readonly #database: Database
  readonly #names: Names
  readonly #emit: (event: StoreEvent) => void
  /** The folders in memory, and where their entries are packed. */
  readonly #loaded = new Map<PostgresFolder, PackedEntries>()
  readonly #unpacked = new UnpackedBlocks()
  readonly #most: number

  /** @param most entries in memory of the folders that nobody uses */
  constructor(database: Database, names: Names, emit: (event: StoreEvent) => void, most = MAX_ENTRIES) {
    this.#most = most
    this.#database = database
    this.#names = names
    this.#emit = (event) => emit({ ...event, isRemote: true })
  }

  /** Emits what other nodes have committed in folders before this call. @throws DatabaseError */
  async replicate(states: readonly PostgresFolder[]): Promise<void> {
    // Without the turns: a folder that is changed now must not hold up the others.
    const deltas = await this.deltasOf(this.#database, states)
    const take = async (state: PostgresFolder, delta: Delta): Promise<void> => {
      const end = await state.turn()
      try {
        this.apply(state, delta)
      } finally {
        end()
      }
    }
    await Promise.all([...deltas].map(([state, delta]) => take(state, delta)))
  }

  /** Emits what other nodes have committed before this call. Returns whether the folder exists. @throws DatabaseError, FoldersBehind */
  async refresh(state: PostgresFolder): Promise<boolean> {
    const since = this.#database.soleSince
    if (since !== undefined && since === state.comparedSince) return true
    const exists = await this.#compare(state)
    state.comparedSince = since
    return exists
  }

  async #compare(state: PostgresFolder): Promise<boolean> {
    const { uidNext, modSeq, valueSeq } = state.position
    const [row] = await this.#database.query<{ uid_next: number; mod_seq: number; value_seq: number }>(
      'select uid_next, mod_seq, value_seq from folders where id = $1',
      [state.key],
    )
    if (!row) return false
    if (row.uid_next === uidNext && row.mod_seq === modSeq && row.value_seq === valueSeq) return true
    if (!hasReached({ uidNext: row.uid_next, modSeq: row.mod_seq, valueSeq: row.value_seq }, state.position)) {
      throw new FoldersBehind([state])
    }
    const delta = await this.deltaOf(this.#database, state)
    if (delta) this.apply(state, delta)
    return delta !== undefined
  }

  /** Reads the entries of a folder into memory. Call it without the folder's turn. @throws DatabaseError */
  async load(state: PostgresFolder): Promise<void> {
    if (state.index) return
    state.loading ??= this.#loadBeside(state).finally(() => {
      state.loading = undefined
    })
    await state.loading
  }

  /** Returns the index of a folder as of now, with all its entries; undefined if it does not exist. @throws DatabaseError */
  async index(state: PostgresFolder): Promise<FolderIndex | undefined> {
    // It may have been forgotten since `load`.
    if (!state.index) this.#keep(state, await this.#read(state))
    const { index } = state
    if (!index) return undefined
    state.usedAt = performance.now()
    if (!(await this.refresh(state))) {
      this.forget(state)
      return undefined
    }
    this.#raise(index, state.position)
    return index
  }

  /** Removes the entries of a folder from memory. */
  forget(state: PostgresFolder): void {
    state.index = undefined
    state.comparedSince = undefined
    const source = this.#loaded.get(state)
    if (source) this.#unpacked.forget(source)
    this.#loaded.delete(state)
  }

  /** Returns what changed after a folder's position; undefined if it does not exist. @throws DatabaseError */
  async deltaOf(queries: Queries, state: PostgresFolder): Promise<Delta | undefined> {
    return (await this.deltasOf(queries, [state])).get(state)
  }

  /** Returns what changed after the positions of the folders that exist; by default what is not emitted yet. @throws DatabaseError */
  async deltasOf(
    queries: Queries,
    states: readonly PostgresFolder[],
    positionOf: (state: PostgresFolder) => Position = ({ position }) => position,
  ): Promise<ReadonlyMap<PostgresFolder, Delta>> {
    const byKey = new Map(states.map((state) => [state.key, state]))
    const found = await queries.query<DeltaRow>(DELTAS, [
      states.map(({ key }) => key),
      states.map((state) => positionOf(state).modSeq),
      states.map((state) => positionOf(state).valueSeq),
    ])
    const deltas = new Map<PostgresFolder, { readonly position: Position; readonly rows: DeltaRow[] }>()
    for (const row of found) {
      const state = byKey.get(row.folder_id) as PostgresFolder
      const position = { uidNext: row.uid_next, modSeq: row.folder_mod_seq, valueSeq: row.folder_value_seq }
      const delta = deltas.get(state) ?? { position, rows: [] }
      deltas.set(state, delta)
      if (row.what !== null) delta.rows.push(row)
    }
    return deltas
  }

  /** Applies what changed to the index, and emits it, except what was emitted since it was read. */
  apply(state: PostgresFolder, { position, rows }: Delta): void {
    const before = { ...state.position }
    if (position.modSeq <= before.modSeq && position.valueSeq <= before.valueSeq) return
    const added: MessageEntry[] = []
    const others: DeltaRow[] = []
    for (const row of rows) {
      // The uid of a change of values is its number.
      if (row.what === 'values' ? row.uid <= before.valueSeq : row.mod_seq <= before.modSeq) continue
      if (row.what === 'entry' && row.uid >= before.uidNext) added.push(this.#entryOf(state, row))
      else others.push(row)
    }
    Object.assign(state.position, position)
    if (added.length > 0) {
      added.sort((a, b) => a.uid - b.uid)
      // The index may be read after the position, and have some of them as they were before.
      state.index?.append(added)
      state.index?.replace(added)
      this.#emit({ type: 'appended', folder: state.folder, entries: added })
    }
    others.sort((a, b) => orderOf(a) - orderOf(b) || a.uid - b.uid)
    for (let i = 0; i < others.length; ) {
      const { what, mod_seq } = others[i] as DeltaRow
      const same: DeltaRow[] = []
      for (let next = others[i]; next?.what === what && next.mod_seq === mod_seq; next = others[++i]) same.push(next)
      this.#applySame(state, same, before)
    }
    if (state.index) this.#raise(state.index, state.position)
  }

  /** Applies changes of one kind with the same modSeq. */
  #applySame(state: PostgresFolder, rows: readonly DeltaRow[], before: Position): void {
    const { folder, index } = state
    const [{ what, mod_seq: modSeq }] = rows as readonly [DeltaRow]
    if (what === 'entry') {
      const entries = rows.map((row) => this.#entryOf(state, row)).sort((a, b) => a.uid - b.uid)
      index?.replace(entries)
      this.#emit({ type: 'flags', folder, entries })
    } else if (what === 'vanished') {
      const all = rows.flatMap(({ uids }) => (uids ?? '').split(',').map(Number))
      index?.remove(all, modSeq)
      // Messages that came and went since the last look were never emitted.
      const uids = all.filter((uid) => uid < before.uidNext).sort((a, b) => a - b)
      if (uids.length === 0) return
      this.#emit({ type: 'expunged', folder, uids, modSeq })
    } else {
      for (const { kind, reader, names, mod_seq } of rows) {
        const event = { folder, kind: kind as ValueKind, names: JSON.parse(names ?? '[]') as string[] }
        this.#emit({
          type: 'values',
          ...event,
          ...(reader !== null && { reader }),
          ...(mod_seq !== null && { modSeq: mod_seq }),
        })
      }
    }
  }

  /** Reads the entries without the folder's turn, because it takes long if there are many. */
  async #loadBeside(state: PostgresFolder): Promise<void> {
    const before = { ...state.position }
    const loaded = await this.#read(state)
    const end = await state.turn()
    try {
      if (state.index) return
      if (!hasReached(before, state.position)) {
        const delta = (await this.deltasOf(this.#database, [state], () => before)).get(state)
        if (!delta) return
        this.#catchUp(state, loaded.index, delta)
      }
      this.#keep(state, loaded)
    } finally {
      end()
    }
  }

  /** Applies to an index what was emitted while it was read. */
  #catchUp(state: PostgresFolder, index: FolderIndex, { rows }: Delta): void {
    const entries = rows.filter(({ what }) => what === 'entry').sort((a, b) => a.uid - b.uid)
    const changed = entries.map((row) => this.#entryOf(state, row))
    index.append(changed)
    index.replace(changed)
    for (const { what, uids, mod_seq } of rows) {
      if (what === 'vanished') index.remove((uids ?? '').split(',').map(Number), mod_seq)
    }
  }

  #read(state: PostgresFolder): Promise<LoadedFolder> {
    return readIndex(this.#database, state, this.#names, this.#unpacked)
  }

  #keep(state: PostgresFolder, { index, source }: LoadedFolder): void {
    state.index = index
    this.#loaded.set(state, source)
    this.#makeRoom(state)
  }

  #makeRoom(newest: PostgresFolder): void {
    const others = [...this.#loaded.keys()].filter((one) => one !== newest).sort((a, b) => a.usedAt - b.usedAt)
    let entries = others.reduce((sum, { index }) => sum + (index?.exists ?? 0), 0)
    for (const state of others) {
      if (entries <= this.#most) break
      // A change that has begun needs its entries.
      if (state.isInUse) continue
      entries -= state.index?.exists ?? 0
      this.forget(state)
    }
  }

  #raise(index: FolderIndex, { uidNext, modSeq }: Position): void {
    index.uidNext = Math.max(index.uidNext, uidNext)
    index.highestModSeq = Math.max(index.highestModSeq, modSeq)
  }

  #entryOf(state: PostgresFolder, row: EntryRow): MessageEntry {
    return entryOf(columnsOf(row), this.#names, state)
  }
}

/** Values without a modSeq do not depend on messages, so they come last. */
const orderOf = ({ mod_seq }: DeltaRow): number => mod_seq ?? Number.MAX_SAFE_INTEGER
