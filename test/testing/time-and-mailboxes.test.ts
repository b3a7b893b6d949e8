import type { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { ImapFlow } from 'imapflow'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import { newFolder } from '../support/folder.ts'

const folder = newFolder()

const DAY_MS = 86_400_000

function shown(lab: TestLab): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const { tlsPort } = lab.server('imap4')
    const socket = connect({ host: '127.0.0.1', port: tlsPort, ca: lab.ca, servername: 'localhost' }, () => {
      resolve(socket.getPeerX509Certificate() as X509Certificate)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

test('moving the clock changes INTERNALDATE, issued certificates and certificates with a defect', async () => {
  await using lab = await startLab()
  await shown(lab)
  await lab.clock.advance('370d')
  await lab.deliver({ subject: 'later' }, { to: 'bob' })
  const mail = await lab.waitForMessage({ subject: 'later' })
  expect(Math.round((mail.receivedAt.getTime() - Date.now()) / DAY_MS)).toBe(370)
  // The lab renewed it by its own clock, so a client with today's date does not accept it yet.
  await expect(shown(lab)).rejects.toMatchObject({ code: 'CERT_NOT_YET_VALID' })
  await lab.clock.reset()
  // `auto` follows the clock back, too.
  await shown(lab)
  await lab.clock.advance('398d')
  await expect(shown(lab)).rejects.toMatchObject({ code: 'CERT_NOT_YET_VALID' })
  await lab.reset()
  expect(Math.abs(lab.clock.now() - Date.now())).toBeLessThan(DAY_MS)
  await shown(lab)
  await lab.useCertificate({ defect: 'expired' })
  await expect(shown(lab)).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' })
  // It expires one day before the lab's date, so it is still valid today.
  await lab.clock.moveTo(new Date(Date.now() + 10 * DAY_MS))
  const until = Date.parse((await shown(lab)).validTo)
  expect(Math.round((until - Date.now()) / DAY_MS)).toBe(9)
  await expect(lab.clock.moveTo('tomorrow')).rejects.toThrow(
    'clock.moveTo: moment is "tomorrow": must be a Date, milli',
  )
  await expect(lab.clock.advance('40 dayz')).rejects.toThrow(
    'clock.advance: by is "40 dayz": write a time such as 500ms',
  )
})

test('load and save mailboxes and newsgroups as .eml, mbox and Maildir', async ({ lab }) => {
  const raw =
    'From: a@example.org\r\nTo: bob@lab.test\r\nSubject: kept\r\nMessage-ID: <kept@example.org>\r\n\r\nhello\r\n'
  const file = join(folder, 'one.eml')
  writeFileSync(file, raw.replaceAll('\r\n', '\n'))
  expect(await lab.load(file, { user: 'bob' })).toBe(1)
  await expect(lab.load('nowhere.eml', { user: 'bob' })).rejects.toThrow('nowhere.eml cannot be read: no such file')
  expect(await lab.load(file, { user: 'bob', folder: 'Archive' })).toBe(1)
  expect(await lab.load(file, { newsgroup: 'lab.general' })).toBe(1)
  expect((await lab.articles('lab.general'))[0]?.subject).toBe('kept')
  expect(await lab.messages({ to: 'bob' })).toEqual([])
  for (const format of ['eml', 'mbox', 'maildir'] as const) {
    const saved = join(folder, format)
    await lab.save(saved, { user: 'bob' }, format)
    expect(await lab.load(saved, { user: 'carol', folder: format })).toBe(1)
    const again = join(folder, `${format}-again`)
    await lab.save(again, { user: 'carol', folder: format })
    const [name = ''] = readdirSync(again).filter((one) => one.endsWith('.eml'))
    expect(readFileSync(join(again, name), 'latin1')).toBe(raw)
  }
  await expect(lab.save(folder, { user: 'bob', folder: 'Nowhere' })).rejects.toThrow(
    'there are: Archive, Drafts, INBOX',
  )
})

test('preload fills mailboxes and newsgroups at the start and after a reset', async () => {
  const raw = 'From: a@example.org\r\nSubject: there\r\nMessage-ID: <there@example.org>\r\n\r\nhello\r\n'
  const file = join(folder, 'there.eml')
  writeFileSync(file, raw)
  await using lab = await startLab({
    directory: { accounts: [{ user: 'bob', password: 'secret', preload: file }] },
    news: { groups: [{ name: 'lab.general', preload: file }] },
  })
  for (let round = 1; round <= 2; round++) {
    const client = new ImapFlow(lab.imapflow({ user: 'bob', pass: 'secret' }))
    await client.connect()
    expect(await client.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
    await client.logout()
    expect((await lab.articles('lab.general')).map(({ subject }) => subject)).toEqual(['there'])
    await lab.reset()
  }
  const missing = { directory: { accounts: [{ user: 'bob', password: 'secret', preload: '/nowhere.mbox' }] } }
  await expect(startLab(missing)).rejects.toThrow('preload of INBOX: cannot read /nowhere.mbox: no such file')
})

test('expunge and changeUidValidity act like another client and a restored backup', async ({ lab }) => {
  const dora = lab.imapflow({ user: 'dora', pass: 'any' })
  for (const subject of ['one', 'two', 'three']) await lab.deliver({ subject }, { to: 'dora' })
  const client = new ImapFlow(dora)
  client.on('error', () => {})
  await client.connect()
  const before = await client.mailboxOpen('INBOX')
  const gone: number[] = []
  client.on('expunge', ({ seq, uid }) => gone.push(uid ?? seq ?? 0))
  expect(await lab.expunge({ user: 'dora' }, [2, 9])).toEqual([2])
  await client.noop()
  expect(gone).toEqual([2])
  await client.logout()

  const value = await lab.changeUidValidity({ user: 'dora' })
  const again = new ImapFlow(dora)
  await again.connect()
  const after = await again.mailboxOpen('INBOX')
  expect(Number(after.uidValidity)).toBe(value)
  expect(after.uidValidity).toBeGreaterThan(before.uidValidity)
  expect(after.exists).toBe(2)
  await again.logout()
  expect((await lab.messages({ to: 'dora' })).map(({ subject }) => subject)).toEqual(['one', 'three'])
})

test('a message stays as long as one of its copies, with the flags and the folder that it has', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'kept' }, { to: 'alice' })
  await lab.waitForMessage({ subject: 'kept' })
  const client = new ImapFlow(lab.imapflow('alice'))
  await client.connect()
  await client.mailboxCreate('Old')
  await client.mailboxOpen('INBOX')
  await client.messageCopy('1', 'Old')
  await client.messageFlagsAdd('1', ['\\Flagged'])
  await client.mailboxOpen('Old')
  expect((await lab.messages()).map(({ folder }) => folder)).toEqual(['Old'])
  await client.messageDelete('1')
  const [left] = await lab.messages()
  expect(left).toMatchObject({ folder: 'INBOX', flags: ['\\Flagged'] })
  await client.mailboxOpen('INBOX')
  await client.messageMove('1', 'Old')
  await client.mailboxRename('Old', 'New')
  expect((await lab.messages({ folder: 'New' })).map(({ subject }) => subject)).toEqual(['kept'])
  await client.mailboxDelete('New')
  expect(await lab.messages({ to: 'bob' })).toEqual([])
  await client.logout()
})

test('a wait for several messages goes on after a client has fetched and deleted the first', async () => {
  await using lab = await startLab()
  const both = lab.waitForMessages(2, { to: 'alice' })
  await lab.deliver({ subject: 'one' }, { to: 'alice' })
  const first = await lab.receives({ subject: 'one' })
  expect(await lab.expunge('alice', [first.uid])).toEqual([first.uid])
  await lab.deliver({ subject: 'two' }, { to: 'alice' })
  expect((await both).map(({ subject }) => subject)).toEqual(['one', 'two'])
  expect((await lab.messages()).map(({ subject }) => subject)).toEqual(['two'])
})
