import pino from 'pino'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'

const WAIT = { timeout: 60_000, interval: 20 }

/** Fails as a full disk does, as long as the reserve has all its parts. */
const FULL = `create function fail() returns trigger language plpgsql as $$
  begin
    if exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = 'reserve_1')
    then raise exception 'no space' using errcode = '53100'; end if;
    return new;
  end $$`

test.runIf(needsPostgres())(
  'the reserve on the disk is given up for everything but new messages, and comes back',
  async () => {
    const place = await freshDatabase()
    const log = pino({ level: 'silent' })
    await using database = await openDatabase({ ...place, pool: 2, node: 'a' }, { log, reserveMs: 50 })
    const parts = async () =>
      (
        await database.query<{ name: string }>(
          `select relname as name from pg_class where relnamespace = current_schema()::regnamespace
         and relname like 'reserve%' order by 1`,
        )
      ).map(({ name }) => name)
    const all = ['reserve_1', 'reserve_2', 'reserve_3', 'reserve_4']
    await expect.poll(parts, WAIT).toEqual(all)
    await database.query('create table marks (mark integer)')
    await database.query(FULL)
    await database.query('create trigger fail before insert on marks for each row execute function fail()')
    const add = 'insert into marks values (1)'
    await expect(database.transaction(({ query }) => query(add), { adds: true })).rejects.toMatchObject({
      code: 'no-space',
    })
    expect(database.isFull).toBe(true)
    expect(await database.query('select mark from marks')).toEqual([])
    await database.query('insert into marks values (2)')
    expect(await database.query('select mark from marks')).toEqual([{ mark: 2 }])
    await expect.poll(async () => [database.isFull, ...(await parts())], WAIT).toEqual([false, ...all])
  },
)
