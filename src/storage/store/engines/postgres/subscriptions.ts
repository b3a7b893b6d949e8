import type { Database } from '../../../database/database-types.ts'
import type { Owner } from '../../folder.ts'

/** The names to which owners are subscribed. Every method @throws DatabaseError */
export class Subscriptions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async of(owner: Owner): Promise<readonly string[]> {
    const rows = await this.#database.query<{ name: string }>(
      'select distinct name from subscriptions where owner = $1',
      [owner],
    )
    return rows.map(({ name }) => name).sort()
  }

  async set(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    await this.#database.query(
      subscribed
        ? `insert into subscriptions (owner, name) select $1, $2
           where not exists (select from subscriptions where owner = $1 and name = $2)`
        : 'delete from subscriptions where owner = $1 and name = $2',
      [owner, name],
    )
  }
}
