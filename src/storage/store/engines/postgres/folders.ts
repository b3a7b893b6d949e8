import { sharedCalls } from '../../../../core/async/shared-calls.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import type { Database, Queries, Transaction } from '../../../database/database-types.ts'
import { StoreError } from '../../errors.ts'
import type { Folder, FolderSettings, Owner } from '../../folder.ts'
import type { StoreEvent } from '../../store-events.ts'
import { type FolderRegistry, newFolder, nextUidValidity, withSettings } from '../folder-registry.ts'
import { isCounted } from '../full/limits.ts'
import type { MessageCount } from './message-count.ts'
import { folderOfRow, hasReached, PostgresFolder } from './postgres-folder.ts'
import { FOLDER_COLUMNS, type FolderRow, type Names, settingsText } from './records.ts'
import { CLEAR_STATE } from './state.ts'

interface RegistryRow extends FolderRow {
  readonly is_deleted: boolean
}

interface LabRow {
  readonly tag: string
  readonly version: number
  readonly last_folder: number
  readonly last_uid_validity: number
}

/** One statement, so that it sees one moment. */
const CHANGED = `
  select ${FOLDER_COLUMNS}, false as is_deleted from folders where id > 0 and version > $1
  union all
  select id, owner, name, 0, '{}', version, 0, uid_next, 0, 0, true from deleted_folders where version > $1
  order by version`
const RELEASE_FOLDERS = `
  with gone as (delete from entries where folder = any($1::bigint[]) returning blob),
  released as (select blob, count(*) as fewer from gone group by blob),
  held as (
    update holders h set messages = h.messages - c.fewer from released c where h.blob = c.blob
    returning h.blob, h.messages
  )
  insert into doomed (blob) select c.blob from released c
  where not exists (select from held where held.blob = c.blob and held.messages > 0)
  on conflict do nothing`
const REMOVED_WITH_FOLDERS = ['vanished', '"values"', 'value_changes', 'places'].map(
  (table) => `delete from ${table} where folder = any($1::bigint[])`,
)
const RETIRE = `
  with gone as (delete from folders where id = any($1::bigint[]) returning id, owner, name, uid_next)
  insert into deleted_folders (id, owner, name, uid_next, version) select id, owner, name, uid_next, $2 from gone`

interface FoldersParts {
  readonly database: Database
  readonly clock: Clock
  readonly names: Names
  readonly registry: FolderRegistry<PostgresFolder>
  readonly emit: (event: StoreEvent) => void
  readonly count: MessageCount
}

/**
 * The names and settings of all folders, which every node has in memory. Changes lock the row of the lab, so that their
 * versions are in the order of their commits.
 */
export class Folders {
  readonly #parts: FoldersParts
  readonly #byKey = new Map<number, PostgresFolder>()
  #version = -1
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: FoldersParts) {
    this.#parts = parts
  }

  get all(): Iterable<PostgresFolder> {
    return this.#byKey.values()
  }

  get(key: number): PostgresFolder | undefined {
    return this.#byKey.get(key)
  }

  /** Reads all folders, without events. @throws DatabaseError */
  load(): Promise<void> {
    return this.#alone(async () => {
      const rows = await this.#parts.database.query<RegistryRow>(CHANGED, [-1])
      for (const row of rows) {
        this.#version = Math.max(this.#version, row.version)
        if (!row.is_deleted) this.#add(row, row.uid_next)
      }
      this.#version = Math.max(this.#version, 0)
    })
  }

  /** Emits what other nodes have committed before this call. @throws DatabaseError */
  readonly refresh = sharedCalls(() => this.#refreshNow())

  async #refreshNow(): Promise<void> {
    const [lab] = await this.#parts.database.query<{ version: number }>('select version from lab')
    if (lab) await this.follow(lab.version)
  }

  /** Emits what other nodes have committed up to a version of the folders. @throws DatabaseError */
  async follow(version: number): Promise<void> {
    if (version > this.#version) await this.#alone(() => this.#read(this.#parts.database))
    else if (version < this.#version && (await this.#alone(() => this.#isBehind())))
      await this.#change(async () => () => {})
  }

  /** Returns whether the database lacks changes of folders that this node knows. */
  async #isBehind(): Promise<boolean> {
    const [lab] = await this.#parts.database.query<{ version: number }>('select version from lab')
    return lab !== undefined && lab.version < this.#version
  }

  /**
   * Gives a folder a new UIDVALIDITY, and numbers above all known ones, if its row lacks changes that this node knows. Emits it
   * as a deletion and a new folder. Call it within the folder's turn. Returns whether it was. @throws DatabaseError
   */
  renew(state: PostgresFolder): Promise<boolean> {
    const { key, position } = state
    return this.#change(async (transaction, lab, version) => {
      const [row] = await transaction.query<FolderRow>(
        `select ${FOLDER_COLUMNS} from folders where id = $1 for update`,
        [key],
      )
      // Another node may have been faster.
      if (state.isReplaced || this.#byKey.get(key) !== state) return () => false
      if (!row) {
        return () => {
          this.#remove(state)
          return true
        }
      }
      const found = { uidNext: row.uid_next, modSeq: row.mod_seq, valueSeq: row.value_seq }
      if (hasReached(found, position)) return () => false
      const uid_validity = nextUidValidity(lab.last_uid_validity, this.#parts.clock.now())
      const numbers = [
        Math.max(found.uidNext, position.uidNext),
        Math.max(found.modSeq, position.modSeq) + 1,
        Math.max(found.valueSeq, position.valueSeq),
      ]
      transaction.send(
        'update folders set uid_validity = $2, version = $3, uid_next = $4, mod_seq = $5, value_seq = $6 where id = $1',
        [key, uid_validity, version, ...numbers],
      )
      transaction.send('update lab set last_uid_validity = $1', [uid_validity])
      return () => {
        this.#renewed(state, { ...row, uid_validity })
        return true
      }
    })
  }

  create(owner: Owner, name: string, settings: FolderSettings): Promise<Folder> {
    const { registry, clock } = this.#parts
    return this.#change(async (transaction, lab, version) => {
      registry.checkFree(owner, name)
      const number = lab.last_folder + 1
      const now = clock.now()
      const folder = newFolder(owner, name, settings, {
        tag: lab.tag,
        number,
        lastUidValidity: lab.last_uid_validity,
        now,
      })
      const [retired] = await transaction.query<{ uid_next: number | null }>(
        `select max(uid_next) as uid_next from deleted_folders
         where md5(owner || '/' || name) = md5($1 || '/' || $2) and owner = $1 and name = $2`,
        [owner, folder.name],
      )
      const uidNext = retired?.uid_next ?? 1
      transaction.send(
        `insert into folders (id, owner, name, uid_validity, settings, version, first_uid, uid_next)
         values ($1, $2, $3, $4, $5, $6, $7, $7)`,
        [number, owner, folder.name, folder.uidValidity, settingsText(folder), version, uidNext],
      )
      transaction.send('update lab set last_folder = $1, last_uid_validity = $2', [number, folder.uidValidity])
      return () => {
        this.#insert(new PostgresFolder(number, folder, { uidNext, modSeq: 1, valueSeq: 0 }))
        return folder
      }
    })
  }

  async rename(folderId: string, name: string): Promise<Folder> {
    const { registry } = this.#parts
    return this.#change(async (transaction, _, version) => {
      const plan = registry.planRename(folderId, name)
      for (const { folder } of plan) {
        const { key } = registry.need(folder.id)
        transaction.send('update folders set name = $2, version = $3 where id = $1', [key, folder.name, version])
      }
      return () => {
        registry.replace(plan.map(({ folder }) => folder))
        for (const renaming of plan) this.#parts.emit({ type: 'folder-changed', ...renaming })
        return registry.need(folderId).folder
      }
    })
  }

  async update(folderId: string, settings: FolderSettings): Promise<Folder> {
    const { registry, emit } = this.#parts
    return this.#change(async (transaction, _, version) => {
      const state = registry.need(folderId)
      const folder = withSettings(state.folder, settings)
      transaction.send('update folders set settings = $2, version = $3 where id = $1', [
        state.key,
        settingsText(folder),
        version,
      ])
      return () => {
        registry.replace([folder])
        emit({ type: 'folder-changed', folder, previousName: folder.name })
        return folder
      }
    })
  }

  async delete(folderId: string, onlyIfEmpty: boolean): Promise<void> {
    const { registry } = this.#parts
    await this.#change(async (transaction, _, version) => {
      const state = registry.need(folderId)
      const [row] = await transaction.query<{ messages: number }>(
        'select messages from folders where id = $1 for update',
        [state.key],
      )
      if (onlyIfEmpty && row && row.messages > 0) return () => {}
      this.#sendRemoval(transaction, [state], version)
      if (row && isCounted(state.folder)) this.#parts.count.add(transaction, -row.messages)
      return () => this.#remove(state)
    })
  }

  /** Deletes every folder and everything else. @throws DatabaseError */
  async clear(): Promise<void> {
    await this.#change(async (transaction, _, version) => {
      const all = [...this.#parts.registry.all]
      this.#sendRemoval(transaction, all, version)
      for (const table of ['history', 'subscriptions', '"values"', 'message_counts']) {
        transaction.send(`delete from ${table}`)
      }
      transaction.send(CLEAR_STATE)
      return () => {
        for (const state of all) this.#remove(state)
      }
    })
  }

  #sendRemoval(transaction: Transaction, states: readonly PostgresFolder[], version: number): void {
    const keys = [states.map(({ key }) => key).sort((a, b) => a - b)]
    transaction.send(RELEASE_FOLDERS, keys)
    for (const text of REMOVED_WITH_FOLDERS) transaction.send(text, keys)
    transaction.send(RETIRE, [...keys, version])
  }

  /**
   * Runs a change with the current registry and the next version.
   * @param change returns what makes the change in memory, after the commit
   */
  #change<T>(change: (transaction: Transaction, lab: LabRow, version: number) => Promise<() => T>): Promise<T> {
    return this.#alone(async () => {
      const { database } = this.#parts
      const { apply, version } = await database.transaction(async (transaction) => {
        const [lab] = await transaction.query<LabRow>(
          'select tag, version, last_folder, last_uid_validity from lab for update',
        )
        if (!lab) throw new StoreError('failed', 'the table lab has no row')
        if (lab.version > this.#version) await this.#read(transaction)
        const isBehind = lab.version < this.#version
        const version = Math.max(lab.version, this.#version) + 1
        const current = isBehind ? await this.#readAgain(transaction, lab) : lab
        const apply = await change(transaction, current, version)
        transaction.send('update lab set version = $1', [version])
        return { apply, version }
      })
      this.#version = version
      const result = apply()
      database.notify('owners', String(version))
      return result
    })
  }

  /** Reads the folders that changed after the known version, which others have committed, and emits it. */
  async #read(queries: Queries): Promise<readonly RegistryRow[]> {
    const { registry, emit } = this.#parts
    const rows = await queries.query<RegistryRow>(CHANGED, [this.#version])
    for (const row of rows) {
      const known = this.#byKey.get(row.id)
      if (row.is_deleted) {
        if (known) this.#remove(known)
      } else if (known && known.folder.uidValidity !== row.uid_validity) this.#renewed(known, row)
      else if (known) {
        const { folder: before } = known
        const folder = folderOfRow(row, this.#parts.names)
        registry.replace([folder])
        emit({ type: 'folder-changed', folder, previousName: before.name })
      } else this.#insert(this.#stateOf(row, row.first_uid))
      this.#version = Math.max(this.#version, row.version)
    }
    return rows
  }

  /** Reads all folders after the database has lost changes. No number that a lost folder had is used again. */
  async #readAgain(transaction: Transaction, lab: LabRow): Promise<LabRow> {
    const known = [...this.#byKey.values()]
    const last_folder = Math.max(lab.last_folder, ...known.map(({ key }) => key))
    const last_uid_validity = Math.max(lab.last_uid_validity, ...known.map(({ folder }) => folder.uidValidity))
    transaction.send('update lab set last_folder = $1, last_uid_validity = $2', [last_folder, last_uid_validity])
    this.#version = -1
    const rows = await this.#read(transaction)
    const found = new Set(rows.map(({ id }) => id))
    for (const state of known) if (!found.has(state.key)) this.#remove(state)
    return { ...lab, last_folder, last_uid_validity }
  }

  /** Takes a folder whose messages are numbered again. */
  #renewed(state: PostgresFolder, row: FolderRow): void {
    state.isReplaced = true
    this.#remove(state)
    this.#insert(this.#stateOf(row, row.first_uid))
  }

  #add(row: FolderRow, uidNext: number): void {
    const state = this.#stateOf(row, uidNext)
    Object.assign(state.position, { modSeq: row.mod_seq, valueSeq: row.value_seq })
    this.#byKey.set(row.id, state)
    this.#parts.registry.add(state)
  }

  #stateOf(row: FolderRow, uidNext: number): PostgresFolder {
    return new PostgresFolder(row.id, folderOfRow(row, this.#parts.names), { uidNext, modSeq: 1, valueSeq: 0 })
  }

  #insert(state: PostgresFolder): void {
    this.#byKey.set(state.key, state)
    this.#parts.registry.add(state)
    this.#parts.emit({ type: 'folder-created', folder: state.folder })
  }

  #remove(state: PostgresFolder): void {
    this.#byKey.delete(state.key)
    this.#parts.registry.remove(state)
    this.#parts.emit({ type: 'folder-deleted', folder: state.folder })
  }

  /** Runs one change or reading after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }
}
