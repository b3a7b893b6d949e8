import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { StoreDigest } from '../../../src/storage/store/copy/digest.ts'
import { postgresPlace } from '../../../src/storage/store/copy/places.ts'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { openPostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { workplaceOfEach } from '../../support/sealpost.ts'
import { TestClock } from '../../support/test-clock.ts'
import { isThorough } from '../../support/thorough.ts'
import { message, pattern } from '../contract/store-context.ts'

const place = workplaceOfEach()

const open = (folder: string) =>
  openLmdbStore(join(place.folder, folder), { clock: new TestClock(), log: pino({ level: 'silent' }) })
const copy = (...args: string[]) => place.run(['store', 'copy', ...args])

async function fill(): Promise<string> {
  await using source = await open('data')
  const inbox = await source.createFolder(accountOwner('alice'), 'INBOX')
  await source.append([message('Subject: one\r\n\r\nx\r\n', inbox), { ...message('', inbox), raw: pattern(1_200_000) }])
  await source.setFlags(inbox.id, [2], { mode: 'add', flags: ['\\Seen', 'Work'] })
  return (await new StoreDigest().of(source.dump())).hash
}

it('sealpost store copy copies a store to a file and back, and verifies both', async () => {
  const hash = await fill()
  const result = await copy('data', 'lab.dump')
  expect(result).toMatchObject({ status: 0, stdout: 'lab.dump: 2 messages in 1 folder, verified\n' })
  expect(result.stderr).toContain('Copying: 2 of 2 messages\nVerifying: 2 of 2 messages\n')
  expect(statSync(join(place.folder, 'lab.dump')).mode & 0o777).toBe(0o600)
  place.write(
    'other.yaml',
    'store: { lmdb: other }\ncertificates: { store: memory, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n',
  )
  const back = await copy('lab.dump', 'other.yaml', '--json')
  expect(JSON.parse(back.stdout)).toMatchObject({ hash, octets: 1_200_019, counts: { folder: 1, message: 2 } })
  await using other = await open('other')
  expect((await new StoreDigest().of(other.dump())).hash).toBe(hash)
})

it('sealpost store copy refuses a target that is not empty, and a source that does not exist', async () => {
  await fill()
  await copy('data', 'lab.dump')
  for (const [from, to, why] of [
    ['data', 'lab.dump', 'lab.dump exists already; choose another name, or delete it first'],
    ['lab.dump', 'data', `${join(place.folder, 'data')} is not empty; choose an empty or new folder`],
    ['nothing.dump', 'new', 'nothing.dump does not exist'],
    ['nothing', 'new.dump', `${join(place.folder, 'nothing')} contains no store; check the path`],
  ] as const) {
    expect(await copy(from, to)).toMatchObject({ status: 1, stderr: `sealpost: ${why}\n` })
  }
  for (const name of ['new', 'new.partial', 'new.dump', 'new.dump.partial', 'nothing']) {
    expect(existsSync(join(place.folder, name)), name).toBe(false)
  }
})

it.each([
  ['cut off', (file: string) => truncateSync(file, statSync(file).size - 40), 'lab.dump is cut off'],
  [
    'changed',
    (file: string) => writeFileSync(file, readFileSync(file, 'latin1').replace('{"type":"folder"', '{"type":"f')),
    'lab.dump is damaged',
  ],
  ['no copy', (file: string) => writeFileSync(file, '{"a":1}\n'), 'lab.dump is no copy of a store'],
  [
    'newer',
    (file: string) => writeFileSync(file, '{"sealpostStore":2}\n'),
    'lab.dump has format 2; use a newer Sealpost',
  ],
])('sealpost store copy leaves nothing behind if the file is %s', async (_, damage, why) => {
  await fill()
  await copy('data', 'lab.dump')
  damage(join(place.folder, 'lab.dump'))
  const { status, stderr } = await copy('lab.dump', 'new')
  expect(status).toBe(1)
  expect(stderr).toContain(`sealpost: ${why}`)
  expect([existsSync(join(place.folder, 'new')), existsSync(join(place.folder, 'new.partial'))]).toEqual([false, false])
})

it.runIf(isThorough)('a running lab writes the messages in its memory', async () => {
  place.write(
    'lab.yaml',
    'store: memory\ncertificates: { store: memory, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]\ndirectory: { accounts: [{ user: alice, password: secret }] }\n',
  )
  await using lab = await place.start(['--config', 'lab.yaml'])
  const smtp = createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port, ignoreTLS: true })
  await smtp.sendMail({ from: 'bob@lab.test', to: 'alice@lab.test', subject: 'hello', text: 'hello' })
  expect(await copy('lab.yaml', 'lab.dump')).toMatchObject({ status: 0 })
  expect(await copy('lab.dump', 'data')).toMatchObject({ status: 0 })
  await using store = await open('data')
  const inbox = await store.findFolder(accountOwner('alice'), 'INBOX')
  expect((await store.read(inbox?.id ?? '', 1))?.toString()).toContain('\r\nSubject: hello\r\n')
})

it.runIf(needsPostgres())('sealpost store copy copies to PostgreSQL and back', async () => {
  const hash = await fill()
  const { url, schema } = await freshDatabase()
  const lab = `${url}#${schema}`
  const there = await copy('data', lab, '--json')
  expect(there).toMatchObject({ status: 0 })
  expect(JSON.parse(there.stdout)).toMatchObject({ hash })
  expect(await copy('data', lab)).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') })
  expect(await copy('data', `${url}#My-Lab`)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('the name of the lab after # (cluster.name): write up to 40 lower-case letters'),
  })
  const back = await copy(lab, 'back', '--json')
  expect(JSON.parse(back.stdout)).toMatchObject({ hash, counts: { folder: 1, message: 2 } })
})

it.runIf(needsPostgres())('a copy does not replace what a lab has stored in PostgreSQL meanwhile', async () => {
  const { url, schema } = await freshDatabase()
  const log = pino({ level: 'silent' })
  await using database = await openDatabase({ url, schema, pool: 2, node: 'one' }, { log })
  const target = postgresPlace({ url, schema })
  const copied = target.write(async () => {
    await using store = await openPostgresStore(database, { clock: new TestClock(), log })
    await store.createFolder(accountOwner('alice'), 'INBOX')
  })
  await expect(copied).rejects.toMatchObject({ code: 'exists', message: expect.stringMatching('folders has rows') })
  expect(await database.query('select name from folders where id > 0')).toEqual([{ name: 'INBOX' }])
  await database.query(`insert into nodes (name, token, host, pid, version, state, addresses)
    values ('one', '', '', 1, '', 'ready', '[]')`)
  await expect(target.write(async () => {})).rejects.toMatchObject({ code: 'in-use' })
})

it('the password of a database with several hosts is not shown', () => {
  const { label } = postgresPlace({ url: 'postgres://lab:hidden@one:5432,two:5432/mail', schema: 'lab' })
  expect(label).toBe('postgres://one:5432/mail, two:5432/mail#lab')
})
