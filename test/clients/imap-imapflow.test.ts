import { once } from 'node:events'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startImapLab } from '../servers/imap4/support.ts'
import type { MailLab } from '../support/mail-lab.ts'

let lab: MailLab
const open: ImapFlow[] = []

beforeEach(async () => {
  lab = await startImapLab()
})
afterEach(async () => {
  for (const client of open.splice(0)) client.close()
  await lab[Symbol.asyncDispose]()
})

/** Returns a client that verifies our certificate and is logged on. */
async function connect(options: Partial<ImapFlowOptions> = {}): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: 'localhost',
    port: lab.tlsPort,
    secure: true,
    tls: { ca: lab.ca },
    auth: { user: 'alice', pass: 'secret' },
    logger: false,
    ...options,
  })
  open.push(client)
  await client.connect()
  return client
}

const mail = (subject: string, body = 'hello\r\n'): string =>
  `From: Bob <bob@lab.test>\r\nTo: alice@lab.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@lab.test>\r\n\r\n${body}`

test.each(['STARTTLS', 'TLS'])('%s: mailboxes', async (form) => {
  const client = await connect(form === 'TLS' ? {} : { port: lab.port, secure: false, doSTARTTLS: true })
  expect(client.secureConnection).toBe(true)
  const names = async () => (await client.list()).map(({ path, specialUse }) => [path, specialUse])
  expect(await names()).toEqual([
    ['INBOX', '\\Inbox'],
    ['Sent', '\\Sent'],
    ['Drafts', '\\Drafts'],
    ['Archive', '\\Archive'],
    ['Junk', '\\Junk'],
    ['Trash', '\\Trash'],
  ])
  expect(await client.mailboxCreate(['Zürich', '2026'])).toMatchObject({ path: 'Zürich/2026', created: true })
  expect(await client.mailboxCreate('Zürich/2026')).toMatchObject({ created: false })
  expect(await client.mailboxRename('Zürich/2026', 'Zürich/2027')).toMatchObject({ newPath: 'Zürich/2027' })
  expect(await client.mailboxSubscribe('Zürich/2027')).toBe(true)
  expect(await client.mailboxUnsubscribe('Zürich/2027')).toBe(true)
  expect((await names()).map(([path]) => path)).toContain('Zürich/2027')
  const tree = await client.listTree()
  expect(tree.folders?.find(({ name }) => name === 'Zürich')?.folders?.map(({ name }) => name)).toEqual(['2027'])
  expect(await client.mailboxDelete('Zürich/2027')).toMatchObject({ path: 'Zürich/2027' })
  const status = await client.status('INBOX', {
    messages: true,
    uidNext: true,
    uidValidity: true,
    unseen: true,
    highestModseq: true,
  })
  expect(status).toMatchObject({ path: 'INBOX', messages: 0, uidNext: 1, unseen: 0 })
  expect(await client.getQuota('INBOX')).toBeTruthy()
  await client.logout()
})

test('messages: append, fetch, flags, search, copy, move, delete', async () => {
  const client = await connect()
  const when = new Date('2026-02-03T04:05:06Z')
  for (const name of ['one', 'two', 'three']) {
    expect(await client.append('INBOX', mail(name), ['\\Seen'], when)).toMatchObject({ destination: 'INBOX' })
  }
  const lock = await client.getMailboxLock('INBOX')
  expect(client.mailbox).toMatchObject({ path: 'INBOX', exists: 3, uidNext: 4, readOnly: false })
  const message = await client.fetchOne('2', {
    envelope: true,
    flags: true,
    internalDate: true,
    size: true,
    source: true,
    bodyStructure: true,
    headers: ['Subject'],
    threadId: true,
  })
  expect(message).toMatchObject({ seq: 2, uid: 2, size: mail('two').length, internalDate: when })
  if (!message) return
  expect(message.source?.toString()).toBe(mail('two'))
  expect(message.headers?.toString()).toBe('Subject: two\r\n\r\n')
  expect(message.envelope).toMatchObject({
    subject: 'two',
    messageId: '<two@lab.test>',
    from: [{ name: 'Bob', address: 'bob@lab.test' }],
  })
  expect([...(message.flags ?? [])]).toContain('\\Seen')

  const { content, meta } = await client.download('3', 'TEXT')
  const parts: Buffer[] = []
  for await (const part of content ?? []) parts.push(part as Buffer)
  expect(Buffer.concat(parts).toString()).toBe('hello\r\n')
  expect(meta?.expectedSize).toBeGreaterThan(0)

  expect(await client.messageFlagsAdd('1', ['\\Flagged', 'Label'])).toBe(true)
  expect(await client.messageFlagsRemove('1', ['\\Seen'])).toBe(true)
  expect(await client.messageFlagsSet('3', ['\\Answered'])).toBe(true)
  expect(await client.search({ flagged: true, keyword: 'Label', seen: false })).toEqual([1])
  expect(await client.search({ or: [{ subject: 'two' }, { answered: true }] }, { uid: true })).toEqual([2, 3])
  expect(await client.search({ body: 'HELLO', from: 'bob', since: new Date('2026-02-01') })).toEqual([1, 2, 3])

  expect(await client.messageCopy('1:2', 'Archive')).toMatchObject({
    uidMap: new Map([
      [1, 1],
      [2, 2],
    ]),
  })
  expect(await client.messageMove('3', 'Trash', { uid: true })).toMatchObject({ uidMap: new Map([[3, 1]]) })
  expect(await client.messageDelete('1')).toBe(true)
  expect(client.mailbox && client.mailbox.exists).toBe(1)
  const left: number[] = []
  for await (const { uid } of client.fetch('1:*', { uid: true })) left.push(uid)
  expect(left).toEqual([2])
  lock.release()
  expect(await client.status('Archive', { messages: true })).toMatchObject({ messages: 2 })
})

test('changes by other sessions arrive during IDLE', async () => {
  const watcher = await connect({ qresync: true })
  await watcher.mailboxOpen('INBOX')
  const exists = once(watcher, 'exists')
  const idling = watcher.idle()
  await lab.put('alice', mail('new'))
  expect(await exists).toMatchObject([{ path: 'INBOX', count: 1, prevCount: 0 }])
  const other = await connect()
  await other.mailboxOpen('INBOX')
  const flags = once(watcher, 'flags')
  await other.messageFlagsAdd('1', ['\\Flagged'])
  const [changed] = (await flags) as [{ uid?: number; flags: Set<string> }]
  expect([...changed.flags]).toContain('\\Flagged')
  const expunged = once(watcher, 'expunge')
  await other.messageDelete('1')
  expect(await expunged).toMatchObject([{ path: 'INBOX', uid: 1, vanished: true }])
  await watcher.noop()
  await idling
})

test('CONDSTORE: fetches what changed since a modification sequence', async () => {
  const client = await connect()
  await lab.put('alice', mail('one'), mail('two'))
  const { highestModseq } = await client.mailboxOpen('INBOX')
  await client.messageFlagsAdd('2', ['\\Seen'])
  const changed: number[] = []
  for await (const { uid } of client.fetch('1:*', { flags: true }, { changedSince: highestModseq as bigint }))
    changed.push(uid)
  expect(changed).toEqual([2])
})

test('a wrong password and an untrusted certificate are rejected', async () => {
  await expect(connect({ auth: { user: 'alice', pass: 'wrong' } })).rejects.toMatchObject({
    authenticationFailed: true,
  })
  await expect(connect({ tls: {} })).rejects.toThrow(/certificate/)
})

test('a message of 10 MB over a compressed connection', async () => {
  const client = await connect()
  const body = `${'0123456789abcdef'.repeat(64)}\r\n`.repeat(10_000)
  await client.append('INBOX', mail('large', body))
  await client.mailboxOpen('INBOX')
  const message = await client.fetchOne('1', { source: true })
  expect(message && message.source?.length).toBe(mail('large', body).length)
})
