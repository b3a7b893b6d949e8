import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeEach, expect, it } from 'vitest'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { withTables } from '../../support/lmdb-file.ts'
import { Workplace } from '../../support/sealpost.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message, pattern } from '../contract/store-context.ts'

const CONFIG =
  'store: { lmdb: data }\ncertificates: { store: memory, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n'
let place: Workplace
let config: string[]
beforeEach(() => {
  place = new Workplace()
  config = ['--config', place.write('lab.yaml', CONFIG)]
})

const open = (folder = 'data') =>
  openLmdbStore(join(place.folder, folder), { clock: new TestClock(), log: pino({ level: 'silent' }) })
const store = (...args: string[]) => place.run(['store', ...args, ...config])

it('sealpost store export and import copy messages from one store to another', async () => {
  {
    await using source = await open()
    const inbox = await source.createFolder(accountOwner('alice'), 'INBOX')
    await source.append([message('Subject: one\r\n\r\nx\r\n', inbox), message('Subject: two\r\n\r\ny\r\n', inbox)])
    await source.setFlags(inbox.id, [2], { mode: 'add', flags: ['\\Seen', 'Work'] })
  }
  expect(await store('export', 'out', '--format', 'mbox')).toMatchObject({
    status: 0,
    stdout: 'out: 2 messages in 1 folder\n',
  })
  expect(readdirSync(join(place.folder, 'out/users/alice'))).toEqual(['INBOX.mbox'])
  place.write('lab.yaml', CONFIG.replace('data', 'other'))
  expect(await store('import', 'out', '--format', 'mbox', '--json')).toMatchObject({
    status: 0,
    stdout: '{"folders":1,"messages":2,"known":0}\n',
  })
  await using target = await open('other')
  const [inbox] = await target.listFolders(accountOwner('alice'))
  expect(await target.list(inbox?.id ?? '')).toMatchObject([{ flags: [] }, { flags: ['\\Seen', 'Work'] }])
  expect((await target.read(inbox?.id ?? '', 2))?.toString()).toBe('Subject: two\r\n\r\ny\r\n')
})

it('sealpost store import names each place that has no message, and imports the others', async () => {
  place.write(
    'INBOX.mbox',
    'From a@b Thu Nov 26 08:00:00 2026\nSubject: one\r\n\r\nx\r\nFrom a@b Thu Nov 26 08:00:00 2026\nnone\n',
  )
  place.write('other.mbox', 'Subject: no From\n')
  const { status, stdout, stderr } = await store('import', '.', '--format', 'mbox', '--account', 'alice')
  expect({ status, stdout, stderr }).toMatchObject({
    status: 1,
    stdout: '1 message in 2 folders, 0 articles already in the newsgroups\n',
  })
  expect(stderr).toMatch(/INBOX\.mbox, line 6 is not a message: “none” is not a header field/)
  expect(stderr).toMatch(/other\.mbox, line 1 is not in the format mbox: no line begins with “From ”/)
  await using target = await open()
  const inbox = await target.findFolder(accountOwner('alice'), 'INBOX')
  expect((await target.read(inbox?.id ?? '', 1))?.toString()).toBe('Subject: one\r\n\r\nx\r\n')
})

it.each([
  ['messages.json', '["a", "b"]'],
  ['messages.json', '{ "1.eml": { "flags": "Seen", "internalDate": 0 } }'],
  ['messages.json', '{'],
  ['folders.json', '{ "folders": { "1": 2 } }'],
])('sealpost store import names a %s of another program: %s', async (name, content) => {
  mkdirSync(join(place.folder, 'mail'))
  place.write('mail/1.eml', 'Subject: one\n\nx\n')
  place.write(`mail/${name}`, content)
  expect(await store('import', 'mail', '--format', 'eml', '--account', 'alice')).toMatchObject({
    status: 1,
    stderr: `sealpost: mail/${name} was not written by an export. Move it to another folder, and import again\n`,
  })
})

it('sealpost store compact shrinks the file, and check finds no fault', async () => {
  {
    await using source = await open()
    const inbox = await source.createFolder(accountOwner('alice'), 'INBOX')
    await source.append([{ raw: pattern(3_000_000), targets: [{ folderId: inbox.id }] }, message('kept', inbox)])
    await source.expunge(inbox.id, [1])
  }
  const { status, stdout } = await store('compact', '--json')
  const { before, after } = JSON.parse(stdout) as { before: number; after: number }
  expect(status).toBe(0)
  expect(after).toBeLessThan(before / 10)
  expect(statSync(join(place.folder, 'data/messages.mdb')).size).toBe(after)
  expect(await store('check')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('1 message in 1 folder, no errors'),
  })
  await using again = await open()
  const [inbox] = await again.listFolders(accountOwner('alice'))
  expect((await again.read(inbox?.id ?? '', 2))?.toString()).toBe('kept')
})

it('sealpost store reports faults and errors in one line each', async () => {
  expect(await store('check')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^sealpost: .*data contains no store; check the path\n$/),
  })
  {
    await using source = await open()
    const inbox = await source.createFolder(accountOwner('alice'), 'INBOX')
    await source.append([message('one', inbox)])
    expect(await store('check')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(new RegExp(`^sealpost: .*data is in use by process ${process.pid}\n$`)),
    })
  }
  await withTables(join(place.folder, 'data'), (table) => table('bodies').removeSync([1, 0]))
  expect(await store('check')).toMatchObject({ status: 1, stderr: 'blob 1: it has 0 of 3 octets\n' })
  place.write('lab.yaml', 'store: memory\n')
  expect(await store('check')).toMatchObject({ status: 2, stderr: expect.stringContaining('keeps messages in memory') })
})

it('sealpost store export fails for an account without folders', async () => {
  {
    await using source = await open()
    for (const user of ['alice', 'bob']) await source.createFolder(accountOwner(user), 'INBOX')
  }
  expect(await store('export', 'out', '--account', 'nobody')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'sealpost: nobody has no folders in the store; known: alice, bob\n',
  })
  expect(await store('export', 'out', '--account', 'bob')).toMatchObject({ status: 0 })
})
