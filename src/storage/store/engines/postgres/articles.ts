import type { Database } from '../../../database/database-types.ts'
import { textKey } from '../text-key.ts'

/** The Message-IDs that public folders have, and those that they ever had. Every method @throws DatabaseError */
export class Articles {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns where public folders hold a Message-ID. */
  places(messageId: string): Promise<readonly { readonly folder: number; readonly uid: number }[]> {
    return this.#database.query('select folder, uid from places where message_id = $1 order by folder, uid', [
      textKey(messageId),
    ])
  }

  /** Returns whether a public folder has or ever had a Message-ID. */
  async knows(messageId: string): Promise<boolean> {
    const rows = await this.#database.query('select from history where message_id = $1', [textKey(messageId)])
    return rows.length > 0
  }

  async remember(messageId: string): Promise<void> {
    await this.#database.query('insert into history (message_id) values ($1) on conflict do nothing', [
      textKey(messageId),
    ])
  }
}
