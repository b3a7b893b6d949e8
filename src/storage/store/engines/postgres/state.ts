import type { Database } from '../../../database/database-types.ts'
import { textKey } from '../text-key.ts'

/** Takes the next revision. Its lock on the row of the lab makes revisions visible in their order. */
const NEXT = 'with next as (update lab set state_revision = state_revision + 1 returning state_revision as revision)'
const NOTE = `
  insert into state_changes (key, revision) select key, revision from changed, next
  on conflict (key) do update set revision = excluded.revision`
const SET = `
  ${NEXT}, changed (key) as (
    insert into state (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value returning key
  ) ${NOTE}`
const REMOVE = `${NEXT}, changed (key) as (delete from state where key = $1 returning key) ${NOTE}`
/** Removes everything. */
export const CLEAR_STATE = `${NEXT}, changed (key) as (delete from state returning key) ${NOTE}`
const CHANGED = `
  select c.key, c.revision, s.key is not null as is_set
  from state_changes c left join state s on s.key = c.key where c.revision > $1`

interface ChangedRow {
  readonly key: string
  readonly revision: number
  readonly is_set: boolean
}

/** The small values that services keep with the messages, such as the position of a feed. Their keys are in memory. */
export class State {
  readonly #database: Database
  #keys = new Set<string>()
  /** The last revision that `#keys` contains. */
  #revision = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Reads all keys. @throws DatabaseError */
  async load(): Promise<void> {
    const [lab] = await this.#database.query<{ revision: number }>('select state_revision as revision from lab')
    // After the revision: what changes meanwhile is read again.
    const rows = await this.#database.query<{ key: string }>('select key from state')
    this.#keys = new Set(rows.map(({ key }) => key))
    this.#revision = lab?.revision ?? 0
  }

  /** Reads the keys that nodes have set or removed since the last time. @throws DatabaseError */
  async readChanges(): Promise<void> {
    for (const { key, revision, is_set } of await this.#database.query<ChangedRow>(CHANGED, [this.#revision])) {
      this.#put(key, is_set)
      this.#revision = Math.max(this.#revision, revision)
    }
  }

  /** @throws DatabaseError */
  async get(key: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ value: string }>('select value from state where key = $1', [
      textKey(key),
    ])
    return row?.value
  }

  has(key: string): boolean {
    return this.#keys.has(textKey(key))
  }

  /** @throws DatabaseError */
  async set(key: string, value: string | undefined): Promise<void> {
    const stored = textKey(key)
    await (value === undefined ? this.#database.query(REMOVE, [stored]) : this.#database.query(SET, [stored, value]))
    this.#put(stored, value !== undefined)
    this.#database.notify('state', stored)
  }

  /** Forgets the keys, after `CLEAR_STATE` has removed the values. */
  cleared(): void {
    this.#keys.clear()
    this.#database.notify('state', '')
  }

  #put(key: string, isSet: boolean): void {
    if (isSet) this.#keys.add(key)
    else this.#keys.delete(key)
  }
}
