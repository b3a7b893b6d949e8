import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import pino from 'pino'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { newFolder } from '../../support/folder.ts'
import { freePort } from '../../support/free-ports.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { needs } from '../../support/programs.ts'
import { Workplace } from '../../support/sealpost.ts'

const PGBOUNCER = '/usr/sbin/pgbouncer'
const hasPooler = needsPostgres() && needs(PGBOUNCER)
/** pgbouncer refuses to run as root. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Starts pgbouncer in front of a database. Returns its URL. */
async function startPooler(url: string, mode: 'transaction' | 'session') {
  const folder = newFolder()
  chmodSync(folder, 0o755)
  const port = await freePort()
  const { hostname, port: to } = new URL(url)
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
lab = host=${hostname} port=${to} dbname=lab user=lab
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
`,
  )
  const child: ChildProcess = spawn(PGBOUNCER, [file], { ...user, stdio: 'ignore' })
  const ended = once(child, 'exit')
  while (child.exitCode === null && !(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20))
  return {
    url: `postgres://lab@127.0.0.1:${port}/lab`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGQUIT')
      await ended
    },
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

it.skipIf(!hasPooler)('a node does not start behind a pooler in transaction mode, and says why', async () => {
  const { url, schema } = await freshDatabase()
  await using pooler = await startPooler(url, 'transaction')
  const place = new Workplace()
  const store = `store: { postgres: '${pooler.url}' }\ncluster: { name: ${schema} }\n`
  place.write('lab.yaml', `${store}virtualServers: [{ protocol: smtp, port: 0, certificate: none }]\n`)
  const { status, stdout, stderr } = await place.runProcess(['start', '--config', 'lab.yaml', '--log-level', 'warn'])
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/behind a connection pooler in transaction mode, .*; use the address of the server itself/)
})

it.skipIf(!hasPooler)('notifications pass a pooler in session mode', async () => {
  const { url, schema } = await freshDatabase()
  await using pooler = await startPooler(url, 'session')
  const log = pino({ level: 'silent' })
  await using a = await openDatabase({ url: pooler.url, pool: 2, schema, node: 'a' }, { log })
  await using b = await openDatabase({ url: pooler.url, pool: 2, schema, node: 'b' }, { log })
  const arrived = new Promise((resolve) => {
    b.listen('folders', (key) => key === 'f1' && resolve(key))
  })
  a.notify('folders', 'f1')
  expect(await arrived).toBe('f1')
})
