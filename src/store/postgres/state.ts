import type { Database } from '../../postgres/database.ts'
import { textKey } from '../text-key.ts'

/** The small values that services keep with the messages, such as the position of a feed. Their keys are in memory. */
export class State {
  readonly #database: Database
  #keys: ReadonlySet<string> = new Set()

  constructor(database: Database) {
    this.#database = database
  }

  /** Reads the keys that all nodes have set. @throws DatabaseError */
  async readKeys(): Promise<void> {
    const rows = await this.#database.query<{ key: string }>('select key from state')
    this.#keys = new Set(rows.map(({ key }) => key))
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
    if (value === undefined) await this.#database.query('delete from state where key = $1', [stored])
    else {
      await this.#database.query(
        'insert into state (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value',
        [stored, value],
      )
    }
    // Not before: other calls may have changed the keys meanwhile.
    const keys = new Set(this.#keys)
    if (value === undefined) keys.delete(stored)
    else keys.add(stored)
    this.#keys = keys
    this.#database.notify('state', stored)
  }

  /** Forgets the keys, after `clear` of the store has deleted the values. */
  cleared(): void {
    this.#keys = new Set()
    this.#database.notify('state', '')
  }
}
