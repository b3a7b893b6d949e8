import { performance } from '../../core/time/real-timers.ts'
import type { Connection } from './connection.ts'
import type { Transaction, TransactionOptions } from './database-types.ts'
import { DatabaseError, databaseError } from './errors.ts'

/** How long the tokens of transactions are kept. */
export const TOKENS_KEPT_MS = 600_000
/** Deletes old tokens. */
export const FORGET_TOKENS = `delete from commits where at < now() - interval '${TOKENS_KEPT_MS} milliseconds'`
/**
 * Waits until a transaction with the token has ended. If it was not committed, it never will be: the row that this statement
 * leaves stands for that.
 */
export const OUTCOME = `
  insert into commits as one (token, is_committed) values ($1, false)
  on conflict (token) do update set is_committed = one.is_committed returning is_committed`

/** The row that `OUTCOME` returns. */
export interface Outcome {
  readonly is_committed: boolean
}

/** The error of every statement after the one that failed. */
const IN_FAILED_TRANSACTION = '25P02'

/** The connection was lost after COMMIT was sent. */
export class LostCommit extends Error {
  /** Undefined: the outcome cannot be asked for. */
  readonly token: string | undefined
  /** As `performance.now()`. */
  readonly begunAt: number
  readonly result: unknown
  readonly lost: DatabaseError
  constructor(token: string | undefined, begunAt: number, result: unknown, lost: DatabaseError) {
    super(lost.message)
    this.token = token
    this.begunAt = begunAt
    this.result = result
    this.lost = lost
  }
}

/**
 * Runs a transaction once. @param token is committed with it, so that the outcome can be asked for
 * @throws LostCommit, DatabaseError, and what `work` throws
 */
export async function attemptTransaction<T>(
  connection: Connection,
  work: (transaction: Transaction) => Promise<T>,
  token: string | undefined,
  options?: TransactionOptions,
): Promise<T> {
  const begunAt = performance.now()
  const begun = connection.begin(token, options)
  // The first query of `work` fails then, too.
  begun.catch(() => {})
  const sent: Promise<unknown>[] = []
  let first: DatabaseError | undefined
  const query = <Row>(text: string, values?: readonly unknown[]): Promise<Row[]> => {
    const answer = connection.query<Row>(text, values)
    answer.catch((error: DatabaseError) => {
      first ??= error
    })
    return answer
  }
  let result: T
  try {
    result = await work({ query, send: (text, values) => sent.push(query(text, values)) })
    await begun
  } catch (error) {
    if (!connection.isLost) await connection.run('ROLLBACK').catch(() => connection.destroy())
    if (!(error instanceof DatabaseError) || error.sqlState !== IN_FAILED_TRANSACTION) throw error
    // Statements that were sent together fail together. The first of them says why.
    await begun
    throw first ?? error
  }
  const committed = connection.run('COMMIT')
  const outcomes = await Promise.allSettled([...sent, committed])
  const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [databaseError(one.reason)] : []))
  // After a failed statement, COMMIT rolls back without an error.
  const refused = errors.find(({ code }) => code !== 'disconnected')
  if (refused) throw refused
  if (errors[0]) throw new LostCommit(token, begunAt, result, errors[0])
  return result
}
