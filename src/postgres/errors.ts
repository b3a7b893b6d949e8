/**
 * - `disconnected`: the server cannot be reached, ends or refuses connections for now. Nothing was changed.
 * - `unknown`: the connection was lost during a commit, and it is not known whether the change was made.
 * - `no-space`: the server's disk is full.
 * - `conflict`: other transactions got in the way, also after several attempts.
 * - `busy`: no connection of the pool became free.
 * - `refused`: the address, the user, the password or the database is wrong, or cannot be used.
 * - `newer`: the tables are of a newer Sealpost.
 * - `closed`: the database was closed by this process.
 * - `failed`: any other error, such as wrong SQL.
 */
export type DatabaseErrorCode =
  | 'disconnected'
  | 'unknown'
  | 'no-space'
  | 'conflict'
  | 'busy'
  | 'refused'
  | 'newer'
  | 'closed'
  | 'failed'

/** The error of everything that the database does. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: DatabaseErrorCode
  /** The server's code (SQLSTATE), if the server reported the error. */
  readonly sqlState: string | undefined
  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions & { readonly sqlState?: string }) {
    super(message, options)
    this.code = code
    this.sqlState = options?.sqlState
  }

  /** Whether the same call may work later. */
  get isTemporary(): boolean {
    return this.code !== 'refused' && this.code !== 'newer' && this.code !== 'closed' && this.code !== 'failed'
  }
}

/** Codes of PostgreSQL (appendix A of its manual) or their first two characters, and what they mean here. */
const codes: readonly (readonly [sqlState: string, code: DatabaseErrorCode])[] = [
  ['08', 'disconnected'],
  // Shutdown, restart, and a server that starts or ends a session that waited too long.
  ['57P', 'disconnected'],
  ['25P03', 'disconnected'],
  ['53300', 'disconnected'],
  // A server that became a standby only reads. The next connection may reach the new primary server.
  ['25006', 'disconnected'],
  ['53100', 'no-space'],
  ['53', 'busy'],
  ['40', 'conflict'],
  // A lock that another transaction holds for too long.
  ['55P03', 'conflict'],
  ['28', 'refused'],
  ['3D000', 'refused'],
]

/** Returns an error of the driver as an error of the database. */
export function databaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const { message, code } = error as Error & { readonly code?: string }
  const isFromServer = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object)
  // Errors of the network, and those of the driver about a connection that ended.
  if (!isFromServer) return new DatabaseError('disconnected', message || String(code), { cause: error })
  const [, meaning = 'failed'] = codes.find(([start]) => code.startsWith(start)) ?? []
  return new DatabaseError(meaning, message, { cause: error, sqlState: code })
}

/** Statements that the server must prepare again: another node has changed the tables. */
export const isStale = ({ sqlState }: DatabaseError): boolean => sqlState === '0A000' || sqlState === '26000'
