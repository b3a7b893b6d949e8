/**
 * - `disconnected`: the server cannot be reached, ends or refuses connections for now. Nothing was changed.
 * - `unknown`: the connection was lost during a commit, and it is not known whether the change was made.
 * - `no-space`: the server's disk is full.
 * - `conflict`: other transactions got in the way, also after several attempts.
 * - `busy`: no connection of the pool became free.
 * - `refused`: the address, the user, the password or the database is wrong, or cannot be used.
 * - `newer`: the tables are of a newer Sealpost.
 * - `absent`: there are no tables, so no lab has run.
 * - `older`: the tables are of an older Sealpost, and the caller does not change them.
 * - `closed`: the database was closed by this process.
 * - `failed`: any other error, such as wrong SQL.
 */
type DatabaseErrorCode =
  | 'disconnected'
  | 'unknown'
  | 'no-space'
  | 'conflict'
  | 'busy'
  | 'refused'
  | 'newer'
  | 'absent'
  | 'older'
  | 'closed'
  | 'failed'

const TEMPORARY: ReadonlySet<DatabaseErrorCode> = new Set(['disconnected', 'unknown', 'no-space', 'conflict', 'busy'])

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
    return TEMPORARY.has(this.code)
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
  // A mistake in a program, and not of the connection.
  if (error instanceof RangeError || error instanceof TypeError) {
    return new DatabaseError('failed', message, { cause: error })
  }
  // Errors of the network, and errors of the driver about a connection that ended.
  if (!isFromServer) return new DatabaseError('disconnected', message || String(code), { cause: error })
  const [, meaning = 'failed'] = codes.find(([start]) => code.startsWith(start)) ?? []
  return new DatabaseError(meaning, message, { cause: error, sqlState: code })
}

/** The cure of an error that prevents a connection, by the code of PostgreSQL or of the network. */
const advice: Readonly<Record<string, string>> = {
  '28P01': 'check the user and the password',
  '28000': 'check the user, and pg_hba.conf of the server',
  '3D000': 'create the database, or correct its name in the address',
  // The user may not create the schema, or may not use one that exists.
  '42501': 'let the user create schemas in the database, or make it the owner of the schema of the lab',
  '42P01': 'make the user the owner of the schema of the lab',
  '53300': 'raise max_connections of the server, or lower store.pool',
  ECONNREFUSED: 'check that the server is running, and its host and port in the address',
  ETIMEDOUT: 'check its host and port in the address, and the network',
  ENOTFOUND: 'check the host in the address',
}

/** The driver's message if the server asks for a password and no password is set. */
const NO_PASSWORD = /client password must be/
/** The driver's message if the server does not answer in time. */
const NO_ANSWER = /^(timeout expired|Connection terminated due to connection timeout)$/

/** Returns an error that prevents a connection, with the server's name and with what to do about it. */
export function connectionError(cause: unknown, server: string): DatabaseError {
  const { code, message, sqlState, cause: inner } = databaseError(cause)
  const options = { cause: inner, ...(sqlState !== undefined && { sqlState }) }
  const at = (text: string): string => `PostgreSQL at ${server}: ${text}`
  if (NO_PASSWORD.test(message)) {
    const text = 'a password is needed; set store.passwordFile, store.password or PGPASSWORD'
    return new DatabaseError('refused', at(text), options)
  }
  const isSilent = NO_ANSWER.test(message)
  const network = (inner as { readonly code?: string } | undefined)?.code
  const todo = advice[isSilent ? 'ETIMEDOUT' : (sqlState ?? network ?? '')]
  const text = isSilent ? 'the server does not answer' : message
  return new DatabaseError(code, at(todo === undefined ? text : `${text}; ${todo}`), options)
}

/** Statements that the server must prepare again: another node has changed the tables. */
export const isStale = ({ sqlState }: DatabaseError): boolean => sqlState === '0A000' || sqlState === '26000'
