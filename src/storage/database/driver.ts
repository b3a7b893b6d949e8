import { installCommand } from '../../core/files/folders.ts'
import { DatabaseError } from './errors.ts'

/** The part of the package pg that is used. */
export interface DriverClient {
  /** The server's process of this connection. A pooler invents one. */
  readonly processID: number | null
  readonly connection: { readonly stream: { destroy(): void } }
  connect(): Promise<unknown>
  query(query: DriverQuery | string): Promise<DriverResult>
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'end', listener: () => void): void
  on(event: 'notification', listener: (notification: Notification) => void): void
}

export interface DriverQuery {
  /** Prepared once per connection under this name. */
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
  readonly rowMode?: 'array'
  /** The server sends columns in their binary form, which the driver reads as UTF-8. */
  readonly binary?: boolean
}

interface DriverResult {
  readonly rows: readonly unknown[]
}

export interface Notification {
  readonly processId: number
  readonly payload?: string
}

interface DriverOptions {
  readonly connectionString: string
  readonly application_name: string
  readonly connectionTimeoutMillis: number
  readonly keepAlive: boolean
  /** Sends queries without waiting for the answers of earlier ones. */
  readonly pipeline: boolean
  readonly types: { getTypeParser(oid: number, format?: string): (value: never) => unknown }
}

export interface Driver {
  readonly Client: new (options: DriverOptions) => DriverClient
  readonly types: DriverOptions['types']
}

let loading: Promise<Driver> | undefined

/** Loads the package pg. @throws DatabaseError `refused` if it is not installed */
export function loadDriver(): Promise<Driver> {
  // The package has no types of its own.
  const name: string = 'pg'
  loading ??= (import(name) as Promise<{ readonly default: Driver }>).then(
    ({ default: driver }) => driver,
    (cause: unknown) => {
      loading = undefined
      throw new DatabaseError('refused', `the PostgreSQL store needs the package pg; run: ${installCommand('pg')}`, {
        cause,
      })
    },
  )
  return loading
}

const BIGINT = 20
const BYTEA = 17

/** Returns the driver's parsers of columns, with numbers for `bigint`: counts and sizes are far below 2^53. */
export const typesOf = ({ types }: Driver): DriverOptions['types'] => ({
  getTypeParser(oid, format) {
    if (format === 'binary') return oid === BYTEA ? octetsOf : asIs
    return oid === BIGINT ? Number : types.getTypeParser(oid, format)
  },
})

/** The driver's replacement for octets that are not UTF-8. Texts can also contain the character itself. */
const NOT_UTF8 = '\uFFFD'

/**
 * Returns the octets of a column that the driver has read as UTF-8; undefined if they may be others. Called for each row as it
 * arrives: texts that wait for the last row outlive the next garbage collections.
 */
const octetsOf = (column: string): Buffer | undefined =>
  column.includes(NOT_UTF8) ? undefined : Buffer.from(column, 'utf8')

const asIs = (column: string): string => column
