import { ImapFlow } from 'imapflow'
import { afterAll, expect, test } from 'vitest'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { startLab } from '../../../src/testing/index.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { startImapLab } from './support.ts'

const lab = await startLab({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
    ],
  },
  news: {
    groups: [
      { name: 'lab.general', description: 'General talk' },
      { name: 'lab.closed', posting: 'no' },
      { name: 'lab.moderated', posting: 'moderated', moderator: 'bob@lab.test' },
    ],
  },
})
const client = new ImapFlow({ ...lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
await client.connect()
afterAll(async () => {
  await client.logout()
  await lab.stop()
})

const mail = (subject: string, fields = ''): string =>
  `From: Alice <alice@lab.test>\r\nSubject: ${subject}\r\n${fields}\r\nbody of ${subject}\r\n`
const sources = async (path: string): Promise<string[]> => {
  await client.mailboxOpen(path, { readOnly: true })
  const found: string[] = []
  for await (const { source } of client.fetch('1:*', { source: true })) found.push(source?.toString() ?? '')
  return found
}

test('RFC 2342: newsgroups are in the shared namespace', async () => {
  const paths = (await client.list()).map(({ path }) => path).filter((path) => path.startsWith('Public'))
  expect(paths).toEqual(
    expect.arrayContaining(['Public Folders/lab.closed', 'Public Folders/lab.general', 'Public Folders/lab.moderated']),
  )
})

test('APPEND posts an article, and its uid is the article number', async () => {
  const made = await client.append('Public Folders/lab.general', mail('posted'))
  expect(made).toMatchObject({ uid: 1 })
  const [source] = await sources('Public Folders/lab.general')
  expect(source).toMatch(/^Path: /m)
  expect(source).toMatch(/^Newsgroups: lab\.general$/m)
  expect(source).toMatch(/^Message-ID: </m)
  expect(source).toMatch(/\r\n\r\nbody of posted\r\n$/)
  expect(await lab.articles('lab.general')).toHaveLength(1)
  expect(client.mailbox).toMatchObject({ readOnly: true })
})

test('APPEND is refused if the group does not accept the article', async () => {
  const refused = async (path: string, text: string): Promise<string | undefined> => {
    try {
      await client.append(path, text)
      return undefined
    } catch (error) {
      return (error as { serverResponseCode?: string }).serverResponseCode
    }
  }
  expect(await refused('Public Folders/lab.closed', mail('closed'))).toBe('NOPERM')
  expect(await refused('Public Folders/lab.general', mail('other', 'Newsgroups: lab.closed\r\n'))).toBe('CANNOT')
  expect(await refused('Public Folders/lab.general', 'Subject: without From\r\n\r\nx')).toBe('CANNOT')
  expect(await refused('Public Folders/lab.missing', mail('missing'))).toBe('TRYCREATE')
  expect(await lab.articles('lab.closed')).toHaveLength(0)
})

test('APPEND of an article that the store cannot take now may be tried again', async () => {
  await using full = await startImapLab({ config: { news: { groups: [{ name: 'lab.general' }] } } })
  using alice = await ImapClient.open(full.port, 'alice', 'secret')
  full.store.append = () => Promise.reject(new StoreError('failed', 'disk failed'))
  expect(await alice.append('"Public Folders/lab.general"', mail('later'))).toBe('NO [UNAVAILABLE] disk failed')
})

test('APPEND to a moderated group sends the article to the moderator', async () => {
  await client.append('Public Folders/lab.moderated', mail('moderate'))
  const sent = await lab.waitForMessage({ to: 'bob@lab.test', subject: /moderate/ }, { timeout: 5_000 })
  expect(sent.subject).toBe('moderate')
  expect(await sources('Public Folders/lab.moderated')).toEqual([])
})

test('an article can be copied into a mailbox, but the group is read-only', async () => {
  await client.mailboxOpen('Public Folders/lab.general')
  expect(await client.messageCopy('1', 'Archive')).toMatchObject({ destination: 'Archive' })
  expect(await client.messageDelete('1')).toBe(false)
  expect(await sources('Archive')).toHaveLength(1)
  expect(await lab.articles('lab.general')).toHaveLength(1)
})
