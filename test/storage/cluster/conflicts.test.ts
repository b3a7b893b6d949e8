import { describe, expect, it } from 'vitest'
import { CLUSTER_LAB, withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'
import { messageOf } from './support.ts'

describe.skipIf(!needsPostgres() || !isLong)('transactions that PostgreSQL aborts are tried again', () => {
  it('after a serialization failure, anywhere in a transaction', { timeout: 240_000 }, async () => {
    await using server = await Postgres.start()
    await withCluster({ url: server.url }, async (cluster) => {
      // Also a server whose default is another isolation than the nodes need.
      await server.sql("ALTER ROLE lab SET default_transaction_isolation = 'serializable'", 'postgres')
      await server.sql(failingAtRandom(cluster.schema))
      const load = new Load('serializable')
      const running = load.run(cluster.nodes)
      await Promise.race([load.more(300), running])
      load.end()
      await running
      await server.sql(`DROP FUNCTION ${cluster.schema}.fail() CASCADE`)
      expect(load.refusals).toEqual([])
      for (const node of cluster.nodes) {
        const ledger = new Ledger()
        await ledger.check(node, [load])
        expect(ledger.faults).toEqual([])
        expect(ledger.checked).toBe(load.acknowledged.length)
      }
      expect(server.log.match(/a rival was faster/g)?.length).toBeGreaterThan(5)
    })
  })

  it('after a deadlock', { timeout: 240_000 }, async () => {
    // The node is the one whose wait is examined: the competing session never looks.
    await using server = await Postgres.start({ settings: { deadlock_timeout: '3s' } })
    await withCluster({ url: server.url, config: CLUSTER_LAB }, async (cluster) => {
      await cluster.a.deliver(messageOf('before'))
      await using rival = server.session('postgres')
      await using watcher = server.session('postgres')
      for (const one of [rival, watcher]) await one.run('\\c lab')
      await rival.run("SET deadlock_timeout = '1h'")
      const tables = await watcher.run(
        `SELECT tablename FROM pg_tables WHERE schemaname = '${cluster.schema}' ORDER BY tablename`,
      )
      const deadlocks = async (): Promise<number> => {
        const rows = await server.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'lab'")
        return Number(rows)
      }
      let delivered = 1
      for (const table of tables.split('\n')) {
        await rival.run('BEGIN')
        await rival.run(`LOCK TABLE ${cluster.schema}.${table} IN SHARE MODE`)
        const sent = cluster.a.deliver(messageOf(`against ${table}`))
        const held = await heldByWaiting(watcher, cluster.schema, sent)
        if (held !== undefined) await rival.run(`LOCK TABLE ${cluster.schema}.${held} IN SHARE MODE`)
        await rival.run('COMMIT')
        await sent
        delivered++
        if ((await deadlocks()) > 0) break
      }
      await expect.poll(deadlocks, { timeout: 10_000 }).toBeGreaterThan(0)
      using reader = await cluster.b.imap()
      expect(await reader.ok('SELECT INBOX')).toContain(`* ${delivered} EXISTS`)
    })
  })
})

/** Returns a table that a waiting transaction of a node has written to; undefined if it waits for nothing or holds none. */
async function heldByWaiting(
  watcher: { run(statements: string): Promise<string> },
  schema: string,
  sent: Promise<void>,
): Promise<string | undefined> {
  let isSent = false
  void sent.then(
    () => {
      isSent = true
    },
    () => {
      isSent = true
    },
  )
  for (let tries = 0; !isSent && tries < 100; tries++) {
    const waiting = await watcher.run(
      `SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND relation IN
         (SELECT oid FROM pg_class WHERE relnamespace = '${schema}'::regnamespace) LIMIT 1`,
    )
    if (waiting !== '') {
      const held = await watcher.run(
        `SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE pid = ${waiting} AND granted
           AND mode = 'RowExclusiveLock' AND relkind = 'r' AND relnamespace = '${schema}'::regnamespace LIMIT 1`,
      )
      return held === '' ? undefined : held
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return undefined
}

/** Returns statements that let one of 50 changes of any table fail, as PostgreSQL does if transactions compete. */
const failingAtRandom = (schema: string): string => `
  CREATE FUNCTION ${schema}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF random() < 0.02 THEN RAISE EXCEPTION 'a rival was faster' USING ERRCODE = '40001'; END IF;
    RETURN NULL;
  END $$;
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' LOOP
      EXECUTE format('CREATE TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON %I.%I FOR EACH STATEMENT
        EXECUTE FUNCTION %I.fail()', '${schema}', name, '${schema}');
    END LOOP;
  END $$`
