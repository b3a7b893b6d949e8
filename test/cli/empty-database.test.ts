import { beforeAll, describe, expect, it } from 'vitest'
import { Connection } from '../../src/storage/database/connection.ts'
import { freshDatabase, needsPostgres } from '../support/postgres.ts'
import { Workplace } from '../support/sealpost.ts'

describe.skipIf(!needsPostgres())('commands that only read, with a database in which no lab has run', () => {
  const place = new Workplace()
  let database: { readonly url: string; readonly schema: string }
  let address: string

  beforeAll(async () => {
    database = await freshDatabase()
    const { url, schema } = database
    address = `${url}#${schema}`
    place.write(
      'lab.yaml',
      `store: { postgres: '${url}' }\ncluster: { name: ${schema} }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n`,
    )
  })

  const tables = async (): Promise<readonly string[]> => {
    const connection = await Connection.open({ ...database, node: 'test' }, () => {})
    const rows = await connection.query<{ readonly name: string }>(
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 UNION SELECT nspname FROM pg_namespace WHERE nspname = $1',
      [database.schema],
    )
    await connection.end()
    return rows.map(({ name }) => name)
  }

  it.each([
    ['check', 0, 'no lab yet'],
    ['doctor', undefined, 'no lab yet'],
    ['config show', 0, ''],
    ['client-settings', undefined, ''],
    ['cluster status', 0, 'none has run yet'],
    ['store backup backups', 1, 'no lab yet'],
    ['store copy lab.yaml lab.dump', 1, 'no lab yet'],
    ['store copy ADDRESS lab.dump', 1, 'no lab yet'],
    ['cert copy lab.yaml copy', 1, 'no lab yet'],
    ['cert copy ADDRESS copy', 1, 'no lab yet'],
  ] as const)('%s', async (words, status, said) => {
    const args = words.split(' ').map((word) => (word === 'ADDRESS' ? address : word))
    const result = await place.run(words.includes('copy') ? args : [...args, '--config', 'lab.yaml'])
    expect(result.stdout + result.stderr).toContain(said)
    if (status !== undefined) expect(result.status).toBe(status)
    expect(await tables()).toEqual([])
  })
})
