import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { KnownValues, type PutOptions, type SharedMap, type SharedValues } from '../../core/values/shared-values.ts'
import type { Database } from './database-types.ts'

/** How often removed values are deleted from the tables, by one node after the other. */
const SWEEP_MS = 60_000
/** How long the removal of a value is kept, for nodes that have not seen it. A node that was away for longer reads all. */
const KEPT_REMOVALS = '10 minutes'

interface ChangedRow {
  readonly space: string
  readonly newest: number
  readonly forgotten: number
  /** Null: all rows of the space that changed are known. */
  readonly key: string | null
  /** JSON. Null: removed. */
  readonly value: string | null
  readonly ttl: number | null
}

/**
 * Reads the changes in each space since this node has read it. Within a space, revisions are committed in their order,
 * because each write locks the row of the space first. So a reader that has seen a revision has seen all before it.
 */
const CHANGED = `select s.name as space, s.revision as newest, s.forgotten, v.key, v.value,
    (extract(epoch from v.expires_at - now()) * 1000)::float8 as ttl
  from shared_spaces s
  left join unnest($1::text[], $2::bigint[]) as known(name, revision) on known.name = s.name
  left join shared_values v on v.space = s.name and v.revision > coalesce(known.revision, 0)
  where s.revision <> coalesce(known.revision, 0)
  order by v.revision`

const NEXT_REVISION = `with next as (
    insert into shared_spaces (name, revision) values ($1, 1)
    on conflict (name) do update set revision = shared_spaces.revision + 1
    returning revision
  )`

const INSERT = `${NEXT_REVISION}
  insert into shared_values as old (space, key, value, revision, changed_at, expires_at)
  select $1, $2, $3, revision, now(), now() + $4::float8 * interval '1 millisecond' from next
  on conflict (space, key) do update
  set value = excluded.value, revision = excluded.revision, changed_at = now(), expires_at = excluded.expires_at`

const PUT = INSERT
const CLAIM = `${INSERT} where old.value is null or old.expires_at < now() returning 1 as claimed`

const ADD = `${NEXT_REVISION}
  insert into shared_values as old (space, key, value, revision, changed_at)
  select $1, $2, $3::bigint::text, revision, now() from next
  on conflict (space, key) do update
  set value = (coalesce(old.value, '0')::bigint + $3::bigint)::text, revision = excluded.revision, changed_at = now()
  returning value`

const REMOVE = `${NEXT_REVISION}
  update shared_values set value = null, revision = next.revision, changed_at = now(), expires_at = null
  from next where space = $1 and value is not null and ($2::text is null or key = $2)`

/** In the order of every write: the space first. */
const LOCK_SPACES = 'select name from shared_spaces order by name for update'
const SWEEP = `with gone as (
    delete from shared_values
    where value is null and changed_at < now() - interval '${KEPT_REMOVALS}' or expires_at < now()
    returning space, value, revision
  )
  update shared_spaces set forgotten = greatest(forgotten, last)
  from (select space, max(revision) as last from gone where value is null group by space) as one
  where name = one.space`

/** The values of a lab whose nodes share a PostgreSQL database. */
export class PostgresValues implements SharedValues, AsyncDisposable {
  readonly isShared = true
  readonly #database: Database
  readonly #asError: (error: unknown) => unknown
  readonly #report: (error: unknown) => void
  readonly #maps = new Map<string, PostgresMap<unknown>>()
  readonly #revisions = new Map<string, number>()
  /** `soleSince` of the last read. */
  #readSince: number | undefined
  /** The read that is under way, and the one that follows it. */
  #reading: Promise<void> | undefined
  #next: Promise<void> | undefined
  #unlisten: () => void = () => {}
  #timer: NodeJS.Timeout | undefined

  private constructor(database: Database, { asError, report }: PostgresValuesOptions) {
    this.#database = database
    this.#asError = asError
    this.#report = report
  }

  /** Reads all values, and follows their changes. @throws DatabaseError as `asError` returns it */
  static async open(database: Database, options: PostgresValuesOptions): Promise<PostgresValues> {
    const values = new PostgresValues(database, options)
    // Before the first read, so that no change is missed.
    values.#unlisten = database.listen('values', () => void values.#follow())
    await values.read()
    values.#sweepLater()
    return values
  }

  map<V>(name: string): SharedMap<V> {
    return this.#mapOf(name) as PostgresMap<V>
  }

  /** If the database cannot be reached, the values stay as this node knows them. */
  refresh(): Promise<void> | undefined {
    const since = this.#database.soleSince
    return since !== undefined && since === this.#readSince ? undefined : this.#follow()
  }

  async #follow(): Promise<void> {
    try {
      await this.read()
    } catch (error) {
      if (this.#database.state === 'connected') this.#report(error)
    }
  }

  /** Reads what was committed before the call. Calls of the same time share a read. @throws DatabaseError */
  read(): Promise<void> {
    if (!this.#reading) {
      this.#reading = this.#readChanges().finally(() => {
        this.#reading = undefined
      })
      return this.#reading
    }
    // The read that is under way may have begun before what the caller is interested in.
    const follow = (): Promise<void> => {
      this.#next = undefined
      return this.read()
    }
    this.#next ??= this.#reading.then(follow, follow)
    return this.#next
  }

  /** Runs a statement that changes values, and takes up the changes. Returns its rows. */
  async write<Row>(space: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const run = this.#database.transaction((transaction) => transaction.query<Row>(text, [space, ...values]))
    const rows = await run.catch((error: unknown) => {
      throw this.#asError(error)
    })
    this.#database.notify('values', space)
    // It is written, whether or not it can be read now.
    await this.#follow()
    return rows
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten()
    clearTimeout(this.#timer)
    await Promise.allSettled([this.#reading, this.#next])
  }

  #mapOf(name: string): PostgresMap<unknown> {
    const known = this.#maps.get(name) ?? new PostgresMap<unknown>(name, this)
    this.#maps.set(name, known)
    return known
  }

  async #readChanges(): Promise<void> {
    const since = this.#database.soleSince
    const known = [...this.#revisions]
    const rows = await this.#database.query<ChangedRow>(CHANGED, [
      known.map(([space]) => space),
      known.map(([, revision]) => revision),
    ])
    const spaces = new Map(rows.map((row) => [row.space, row]))
    for (const [space, { newest, forgotten }] of spaces) {
      const own = rows.filter((row) => row.space === space)
      const revision = this.#revisions.get(space) ?? 0
      // Removals that this node has not seen are no longer in the table; or the database has lost changes.
      if ((revision > 0 && revision < forgotten) || newest < revision) await this.#readAll(space)
      else for (const row of own) this.#mapOf(space).follow(row)
      this.#revisions.set(space, newest)
    }
    this.#readSince = since
  }

  async #readAll(space: string): Promise<void> {
    const rows = await this.#database.query<ChangedRow>(CHANGED, [[], []])
    const map = this.#mapOf(space)
    const present = new Set(rows.flatMap((row) => (row.space === space && row.value !== null ? [row.key] : [])))
    for (const [key] of [...map.entries()]) if (!present.has(key)) map.follow({ key, value: null, ttl: null })
    for (const row of rows) if (row.space === space) map.follow(row)
  }

  #sweepLater(): void {
    this.#timer = setTimeout(() => void this.#sweep(), SWEEP_MS * (1 + Math.random())).unref()
  }

  async #sweep(): Promise<void> {
    for (const map of this.#maps.values()) map.forget()
    try {
      await this.#database.transaction(async (transaction) => {
        await transaction.query(LOCK_SPACES)
        await transaction.query(SWEEP)
      })
    } catch (error) {
      if (this.#database.state === 'connected') this.#report(error)
    }
    this.#sweepLater()
  }
}

interface PostgresValuesOptions {
  /** Returns what callers get for an error of the database. */
  readonly asError: (error: unknown) => unknown
  /** Called with errors that no caller waits for. */
  readonly report: (error: unknown) => void
}

class PostgresMap<V> extends KnownValues<V> implements SharedMap<V> {
  readonly #name: string
  readonly #values: PostgresValues

  constructor(name: string, values: PostgresValues) {
    super()
    this.#name = name
    this.#values = values
  }

  async put(key: string, value: V, { ttlMs = null }: { readonly ttlMs?: number | null } = {}): Promise<void> {
    await this.#values.write(this.#name, PUT, [key, JSON.stringify(value), ttlMs])
  }

  async claim(key: string, value: V, { ttlMs }: PutOptions = {}): Promise<boolean> {
    const rows = await this.#values.write(this.#name, CLAIM, [key, JSON.stringify(value), ttlMs ?? null])
    return rows.length > 0
  }

  async add(this: PostgresMap<number>, key: string, by: number): Promise<number> {
    const [row] = await this.#values.write<{ readonly value: string }>(this.#name, ADD, [key, by])
    return Number(row?.value)
  }

  async delete(key: string): Promise<void> {
    await this.#values.write(this.#name, REMOVE, [key])
  }

  async clear(): Promise<void> {
    await this.#values.write(this.#name, REMOVE, [null])
  }

  follow({ key, value, ttl }: Pick<ChangedRow, 'key' | 'value' | 'ttl'>): void {
    if (key !== null) this.apply(key, value === null ? undefined : (JSON.parse(value) as V), ttl ?? undefined)
  }

  forget(): void {
    this.forgetExpired()
  }
}
