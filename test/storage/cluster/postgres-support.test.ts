import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isLong } from '../../support/long.ts'
import { canMount, needsPostgres, Postgres, sharedPostgres } from '../../support/postgres.ts'

describe.skipIf(!needsPostgres())('the PostgreSQL of the tests', () => {
  it('is shared by the tests of a worker', async () => {
    const server = await sharedPostgres()
    expect(await server.sql('SELECT current_user, current_database()')).toBe('lab|lab')
    expect(await sharedPostgres()).toBe(server)
  })

  it.skipIf(!isLong)('restarts, crashes, is copied by a replica, and leaves nothing behind', async () => {
    let folders: string[]
    {
      await using server = await Postgres.start()
      await server.sql('CREATE TABLE words (word text)')
      await server.restart()
      await using replica = await server.replica()
      await server.sql("INSERT INTO words VALUES ('kept')")
      await server.stop('immediate')
      await replica.promote()
      expect(await replica.sql('SELECT word FROM words')).toBe('kept')
      await replica.sql("INSERT INTO words VALUES ('more')")
      await server.restart()
      folders = [server.folder, replica.folder]
      await using session = server.session()
      await session.run('BEGIN; SELECT 1')
      expect(await session.run('SELECT 2; nonsense')).toMatch(/^2\nERROR: {2}syntax error/)
    }
    expect(folders.filter(existsSync)).toEqual([])
  })
})

describe.skipIf(!isLong || !needsPostgres() || !(await canMount()))(
  'the small disk of the PostgreSQL of the tests',
  () => {
    it.each(['tables', 'everything'] as const)('holds %s', async (holds) => {
      await using server = await Postgres.start({ smallDisk: { mebibytes: holds === 'tables' ? 32 : 96, holds } })
      await server.sql('CREATE TABLE words (word text)')
      server.fillDisk()
      const fill = server.sql('INSERT INTO words SELECT repeat(md5(i::text), 50) FROM generate_series(1, 10000) i')
      await expect(fill).rejects.toThrow(holds === 'tables' ? 'could not extend file' : /./)
      server.freeDisk()
      await server.restart()
      await server.sql("INSERT INTO words VALUES ('more')")
    })
  },
)
