import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/storage/database/database.ts'
import { freePort } from '../support/free-ports.ts'
import { freshDatabase, needsPostgres, Postgres } from '../support/postgres.ts'
import { S3Server } from '../support/s3-server.ts'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

const write = (url: string, schema: string, pool: number): unknown =>
  place.write(
    'lab.yaml',
    `store: { postgres: '${url}', pool: ${pool} }\ncluster: { name: ${schema} }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n`,
  )

const findings = async (): Promise<{ check: string; status: string; message: string }[]> => {
  const { stdout } = await place.run(['doctor', '--config', 'lab.yaml', '--json'])
  return JSON.parse(stdout).findings
}

describe.skipIf(!needsPostgres())('the database of several nodes', () => {
  it('cluster status tells nodes that stopped from nodes that crashed', async () => {
    const { url, schema } = await freshDatabase()
    write(url, schema, 4)
    await using database = await openDatabase({ url, schema, pool: 1, node: 'x' }, { log: pino({ level: 'silent' }) })
    const add = `insert into nodes (name, token, host, pid, version, state, addresses, seen_at)
      select name, name, 'h', 1, '0', state, '[]', clock_timestamp() - interval '1 minute'
      from unnest($1::text[], $2::text[]) n (name, state)`
    await database.query(add, [
      ['ended', 'killed'],
      ['gone', 'ready'],
    ])
    const { stdout } = await place.run(['cluster', 'status', '--config', 'lab.yaml'])
    expect(stdout).toMatch(/^ended +stopped /m)
    expect(stdout).toMatch(/^killed +crashed /m)
    const { nodes } = JSON.parse((await place.run(['cluster', 'status', '--config', 'lab.yaml', '--json'])).stdout)
    expect(nodes.map(({ name, lost }: { name: string; lost: boolean }) => [name, lost])).toEqual([
      ['ended', false],
      ['killed', true],
    ])
  })

  it('doctor warns if it does not allow the connections of all nodes', async () => {
    const { url, schema } = await freshDatabase()
    write(url, schema, 4)
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'database', status: 'ok' }))
    write(url, schema, 100)
    expect(await findings()).toContainEqual(
      expect.objectContaining({ check: 'database', status: 'warning', message: expect.stringMatching(/need 202/) }),
    )
  })

  it('doctor tries to write to the bucket of large messages', async () => {
    const { url, schema } = await freshDatabase()
    await using s3 = await S3Server.start()
    const withSecret = (secret: string): void => {
      const bodies = JSON.stringify({ ...s3.settings, secretAccessKey: undefined, secretAccessKeyFile: 's3.secret' })
      place.write('s3.secret', secret)
      place.write(
        'lab.yaml',
        `store: { postgres: '${url}', bodies: ${bodies} }\ncluster: { name: ${schema} }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n`,
      )
    }
    withSecret('S3RVER')
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'bucket', status: 'ok' }))
    withSecret('wrong')
    expect(await findings()).toContainEqual(
      expect.objectContaining({ check: 'bucket', status: 'error', message: expect.stringMatching('SignatureDoesNot') }),
    )
    const { stdout } = await place.run(['config', 'show', '--config', 'lab.yaml'])
    expect(stdout).not.toContain('wrong')
  })

  it('doctor warns of what lets the log of the database grow', async () => {
    await using server = await Postgres.start({ settings: { archive_mode: 'on', archive_command: 'false' } })
    write(server.url, 'lab', 4)
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'database', status: 'ok' }))
    await server.sql("SELECT pg_create_physical_replication_slot('forgotten', true), pg_switch_wal()", 'postgres')
    await expect
      .poll(async () => (await findings()).filter(({ check }) => check === 'database'), { timeout: 60_000 })
      .toEqual(
        [/replication slot forgotten/, /archive_command fails/].map((message) =>
          expect.objectContaining({ status: 'warning', message: expect.stringMatching(message) }),
        ),
      )
  })
})

it('doctor goes on without the database', async () => {
  write(`postgres://lab@127.0.0.1:${await freePort()}/lab`, 'lab', 4)
  const found = await findings()
  expect(found).toContainEqual(expect.objectContaining({ check: 'database', status: 'error' }))
  expect(found.map(({ check }) => check)).toEqual(expect.arrayContaining(['machine', 'lab', 'trust']))
})
