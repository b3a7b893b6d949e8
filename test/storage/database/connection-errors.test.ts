import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { freePort } from '../../support/free-ports.ts'
import { freshDatabase, needsPostgres, sharedPostgres } from '../../support/postgres.ts'

const open = (url: string, schema = 'lab'): Promise<unknown> =>
  openDatabase({ url, schema, pool: 2, node: 'one' }, { log: pino({ level: 'silent' }) })

/** A message of the server that asks for authentication. */
function authentication(kind: number, data: string): Buffer {
  const head = Buffer.from('R\0\0\0\0\0\0\0\0', 'latin1')
  head.writeInt32BE(8 + data.length, 1)
  head.writeInt32BE(kind, 5)
  return Buffer.concat([head, Buffer.from(data)])
}

describe('a database that cannot be opened: one line says why, and what to do', () => {
  // Whatever the machine has set, and no ~/.pgpass.
  beforeEach(() => {
    vi.stubEnv('PGPASSWORD', undefined)
    vi.stubEnv('PGPASSFILE', '/nonexistent')
  })
  afterEach(() => vi.unstubAllEnvs())

  it('no server', async () => {
    const port = await freePort()
    await expect(open(`postgres://lab:hidden@127.0.0.1:${port}/lab`)).rejects.toMatchObject({
      code: 'disconnected',
      message: `PostgreSQL at 127.0.0.1:${port}/lab: connect ECONNREFUSED 127.0.0.1:${port}; check that the server is running, and its host and port in the address`,
    })
  })

  it('no password', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(authentication(10, 'SCRAM-SHA-256\0\0'))
        socket.once('data', () => socket.write(authentication(11, 'r=nonce,s=c2FsdA==,i=4096')))
      })
      socket.on('error', () => {})
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      await expect(open(`postgres://lab@127.0.0.1:${port}/lab`)).rejects.toMatchObject({
        code: 'refused',
        message: `PostgreSQL at 127.0.0.1:${port}/lab: a password is needed; set store.passwordFile, store.password or PGPASSWORD`,
      })
    } finally {
      server.close()
    }
  })

  it.runIf(needsPostgres())('a database that is not in UTF-8', async () => {
    const server = await sharedPostgres()
    const { url, schema } = await freshDatabase()
    const other = new URL(url)
    other.pathname = `/${schema}`
    const form = `ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`
    await server.sql(`CREATE DATABASE ${schema} OWNER lab ${form}`, 'postgres')
    await expect(open(other.href)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/has the encoding LATIN1; create one with: createdb --encoding UTF8/),
    })
    await server.sql(`DROP DATABASE ${schema} WITH (FORCE)`, 'postgres')
  })

  it.runIf(needsPostgres())('a database or a user that does not exist', async () => {
    const { url } = await freshDatabase()
    const other = new URL(url)
    other.pathname = '/nothing'
    await expect(open(other.href)).rejects.toMatchObject({
      code: 'refused',
      message: `PostgreSQL at ${other.host}/nothing: database "nothing" does not exist; create the database, or correct its name in the address`,
    })
    const { host, pathname } = new URL(url)
    await expect(open(url.replace('://lab', '://nobody'))).rejects.toMatchObject({
      code: 'refused',
      message: `PostgreSQL at ${host}${pathname}: role "nobody" does not exist; check the user, and pg_hba.conf of the server`,
    })
  })

  it.runIf(needsPostgres())('a schema that the user may not create', async () => {
    const { url } = await freshDatabase()
    const template = new URL(url)
    template.pathname = '/postgres'
    await expect(open(template.href, 'forbidden')).rejects.toThrow(
      `PostgreSQL at ${template.host}/postgres: permission denied for database postgres; let the user create schemas in the database, or make it the owner of the schema of the lab`,
    )
  })
})
