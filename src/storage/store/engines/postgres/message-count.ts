import { randomInt } from 'node:crypto'
import type { Database, Queries, Transaction } from '../../../database/database-types.ts'
import { OUTGOING_OWNER } from '../../folder.ts'

/** Rows of the count. Nodes with different rows do not wait for each other. */
const SHARDS = 32

const SUM = 'select coalesce(sum(messages), 0)::bigint as messages from message_counts'
const ADD = `
  insert into message_counts as c (shard, messages) values ($1, $2)
  on conflict (shard) do update set messages = c.messages + excluded.messages`
/** Changes that are not committed add themselves afterwards. */
const LOCK = 'lock table message_counts in exclusive mode'
const RECOUNT = `
  insert into message_counts (shard, messages)
  select 0, coalesce(sum(messages), 0) from folders where owner <> $1`

/** How many messages are in all folders that are counted. It is kept only if there is a limit. */
export class MessageCount {
  readonly limit: number | undefined
  readonly #shard = randomInt(SHARDS)

  constructor(limit: number | undefined) {
    this.limit = limit
  }

  /** Counts all messages. @throws DatabaseError */
  async recount(database: Database): Promise<void> {
    if (this.limit === undefined) return
    await database.transaction(async (transaction) => {
      await transaction.query(LOCK)
      transaction.send('delete from message_counts')
      transaction.send(RECOUNT, [OUTGOING_OWNER])
    })
  }

  /** Returns the number that was committed. @throws DatabaseError */
  async read(queries: Queries): Promise<number> {
    if (this.limit === undefined) return 0
    const [row] = await queries.query<{ readonly messages: number }>(SUM)
    return row?.messages ?? 0
  }

  /** Adds messages, or removes them, in the transaction that does so in a folder. */
  add(transaction: Transaction, messages: number): void {
    if (this.limit !== undefined && messages !== 0) transaction.send(ADD, [this.#shard, messages])
  }
}
