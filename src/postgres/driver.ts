import { installCommand } from '../common/folders.ts'
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
  /** Whether columns arrive in PostgreSQL's binary form, which is half as long for octets. */
  readonly binary?: boolean
}

export interface DriverResult {
  readonly rows: readonly unknown[]
}

export interface Notification {
  readonly processId: number
  readonly payload?: string
}

interface DriverOptions {
  readonly connectionString: string
  readonly password?: string
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

type Parse = (value: never) => unknown

/** Parsers of column types by their number (`pg_type.oid`), where the driver's do not fit. */
const parsers: Readonly<Record<string, ReadonlyMap<number, Parse>>> = {
  text: new Map<number, Parse>([
    // Counts and sizes are far below 2^53.
    [20, (value: string) => Number(value)],
  ]),
  binary: new Map<number, Parse>([
    // The driver uses the memory again.
    [17, (value: Buffer) => Buffer.from(value)],
    [20, (value: Buffer) => Number(value.readBigInt64BE())],
  ]),
}

/** Returns the driver's parsers of columns, with numbers for `bigint` and buffers for `bytea`. */
export const typesOf = ({ types }: Driver): DriverOptions['types'] => ({
  getTypeParser: (oid, format = 'text') => parsers[format]?.get(oid) ?? types.getTypeParser(oid, format),
})
