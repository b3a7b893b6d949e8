import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { articleOf } from '../../support/news-lab.ts'

const alice = { user: 'alice', pass: 'secret' }
const newsgroups = [
  { name: 'lab.general', addresses: ['general@lab.test'] },
  { name: 'lab.test', addresses: ['tests@lab.test'] },
  {
    name: 'lab.announce',
    posting: 'moderated' as const,
    moderator: 'alice@lab.test',
    addresses: ['announce@lab.test'],
  },
]

async function openFolder(lab: TestLab, path: string): Promise<ImapFlow> {
  const client = new ImapFlow({ ...lab.imapflow(alice), logger: false })
  await client.connect()
  await client.mailboxOpen(path)
  return client
}

async function reader(lab: TestLab): Promise<LineClient> {
  const client = await LineClient.open(lab.server('nntp').port)
  await client.play('S: 200 *')
  return client
}

async function postBy(client: LineClient, article: Buffer): Promise<string> {
  client.send('POST\r\n')
  expect(await client.line()).toMatch(/^340 /)
  client.send(Buffer.concat([article, Buffer.from('.\r\n')]))
  return (await client.line()) as string
}

test('mail to the addresses of two groups becomes one article, which IMAP shows under the same numbers', async () => {
  await using lab = await startLab({ news: { groups: newsgroups } })
  const news = await reader(lab)
  await postBy(news, articleOf('Message-ID: <first@a>'))
  const transport = nodemailer.createTransport(lab.nodemailer(alice))
  await transport.sendMail({
    from: 'Bob <bob@lab.test>',
    to: 'general@lab.test, tests@lab.test, carol@lab.test',
    subject: 'By mail',
    messageId: '<mailed@lab.test>',
    headers: { Control: 'cancel <first@a>', Approved: 'me' },
    text: 'Hello by mail',
  })
  transport.close()
  await news.play(`
    C: HDR Newsgroups <mailed@lab.test>
    S: 225 *
    S: 0 lab.general,lab.test
    S: .
    C: HDR Control <mailed@lab.test>
    S: 225 *
    S: 0\\x20
    S: .
    C: STAT <first@a>
    S: 223 *
    C: GROUP lab.general
    S: 211 2 1 2 lab.general
    C: GROUP lab.test
    S: 211 1 1 1 lab.test
  `)
  news.destroy()
  const mail = await lab.waitForMessage({ to: 'carol@lab.test' }, { timeout: 5_000 })
  expect(mail.subject).toBe('By mail')
  const imap = await openFolder(lab, 'Public Folders/lab.general')
  const found = await imap.fetchAll('1:*', { envelope: true, uid: true, source: true })
  expect(found.map(({ uid, envelope }) => [uid, envelope?.messageId])).toEqual([
    [1, '<first@a>'],
    [2, '<mailed@lab.test>'],
  ])
  const [, article] = await lab.articles('lab.general')
  expect(found[1]?.source?.equals(article?.raw as Buffer)).toBe(true)
  await imap.logout()
})

test('RFC 5537 section 3.9.1: the gateway of a newsgroup mails its articles, and they do not come back', async () => {
  await using lab = await startLab({
    news: {
      groups: [
        { name: 'lab.general', addresses: ['general@lab.test'], gateway: ['alice@lab.test', 'list@elsewhere.test'] },
        { name: 'lab.test', gateway: ['ALICE@lab.test', 'general@lab.test'] },
      ],
    },
  })
  using news = await reader(lab)
  expect(
    await postBy(news, articleOf('Message-ID: <1@a>\nNewsgroups: lab.general,lab.test\nReferences: <0@a>')),
  ).toMatch(/^240 /)
  const mails = await lab.messages({ to: 'alice@lab.test' })
  expect(mails).toHaveLength(1)
  const raw = mails[0]?.raw.toString() ?? ''
  expect(raw).toMatch(/^List-Id: <lab\.general\.localhost>\r$/m)
  expect(raw).toMatch(/^List-Post: <mailto:general@lab\.test>\r$/m)
  expect(raw).toMatch(/^To: lab\.general:;\r$/m)
  expect(raw).toMatch(/^References: <0@a>\r$/m)
  expect(raw).not.toMatch(/^(?:Path|Xref|Injection-Info):/m)
  expect(await lab.messages({ to: 'list@elsewhere.test' })).toHaveLength(1)
  // The mail comes back as it was, and with another Message-ID.
  await lab.deliver(Buffer.from(raw), 'general@lab.test')
  await lab.deliver(Buffer.from(raw.replace('<1@a>', '<rewritten@a>')), 'general@lab.test')
  expect(await lab.articles('lab.general')).toHaveLength(1)
  // Mail to the group is posted, and reaches the others by the gateway.
  await lab.deliver({ from: 'bob@lab.test', subject: 'By mail', text: 'x' }, 'general@lab.test')
  expect((await lab.messages({ to: 'alice@lab.test' })).map(({ subject }) => subject)).toEqual(['A subject', 'By mail'])
})

test('the gateway mails articles with a quoted local part and with UTF-8 in From', async () => {
  await using lab = await startLab({ news: { groups: [{ name: 'lab.general', gateway: ['alice@lab.test'] }] } })
  using news = await reader(lab)
  for (const [at, from] of ['"John Doe"@b.test', 'Ä <å@b.test>'].entries()) {
    const article = articleOf(`Message-ID: <${at}@a>\nNewsgroups: lab.general`).toString()
    expect(await postBy(news, Buffer.from(article.replace(/^From: .*$/m, `From: ${from}`)))).toMatch(/^240 /)
  }
  expect(await lab.messages({ to: 'alice@lab.test' })).toHaveLength(2)
})

test('RFC 5537 section 3.9.2: mail whose header would be malformed in an article is posted with a valid one', async () => {
  await using lab = await startLab({ news: { groups: newsgroups } })
  const mail = `From:bob@lab.test\r\nnonsense\r\nSubject:\r\n Long\r\nSubject: second\r\nX-Empty:\r\n\r\nHello.\r\n`
  await lab.deliver(Buffer.from(mail), 'general@lab.test')
  const [article] = await lab.articles('lab.general')
  const text = article?.raw.toString() ?? ''
  expect(text).toContain('\r\nFrom: bob@lab.test\r\nSubject: Long\r\n\r\nHello.\r\n')
  expect(text).not.toMatch(/nonsense|second|X-Empty/)
})

test('mail with a malformed header keeps UTF-8, and the first field that has content', async () => {
  await using lab = await startLab({ news: { groups: newsgroups } })
  const mail = 'From:\r\nFrom: bob@lab.test\r\nSubject:voilà\r\n\r\nHello.\r\n'
  await lab.deliver(Buffer.from(mail), 'general@lab.test')
  const [article] = await lab.articles('lab.general')
  expect(article?.raw.toString()).toContain('\r\nFrom: bob@lab.test\r\nSubject: voilà\r\n\r\nHello.\r\n')
})

test('mail to a group that refuses it is rejected and reaches no mailbox', async () => {
  await using lab = await startLab({
    news: { groups: [{ name: 'lab.closed', posting: 'no', addresses: ['closed@lab.test'] }] },
  })
  const transport = nodemailer.createTransport(lab.nodemailer(alice))
  const mail = { from: 'bob@lab.test', to: 'closed@lab.test, bob@lab.test', subject: 'x', text: 'x' }
  await expect(transport.sendMail(mail)).rejects.toThrow(/554.*lab\.closed/)
  transport.close()
  expect(await lab.messages({ to: 'bob@lab.test' })).toEqual([])
})

test('RFC 5537 section 3.5.1: an article for a moderated group is mailed to the moderator, and accepted once it is approved', async () => {
  await using lab = await startLab({
    news: { groups: newsgroups },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  })
  using news = await reader(lab)
  const reply = await postBy(
    news,
    articleOf('Newsgroups: lab.announce,lab.general\nMessage-ID: <m@a>\nFrom: bob@lab.test'),
  )
  expect(reply).toMatch(/^240 .*moderator/)
  await news.play('C: STAT <m@a>\nS: 430 *')
  const mail = await lab.waitForMessage({ to: 'alice@lab.test' }, { timeout: 5_000 })
  const raw = mail.raw.toString('latin1')
  expect(raw).toMatch(/^Message-ID: <m@a>\r$/m)
  expect(raw).toMatch(/^Newsgroups: lab\.announce,lab\.general\r$/m)
  expect(raw).not.toMatch(/^(Path|Xref|Injection-Info):/m)
  const approved = Buffer.from(`Approved: alice@lab.test\r\n${raw}`, 'latin1')
  expect(await postBy(news, approved)).toMatch(/^240 /)
  await news.play('C: GROUP lab.announce\nS: 211 1 1 1 *\nC: GROUP lab.general\nS: 211 1 1 1 *')
  expect(await postBy(news, approved)).toMatch(/^441 /)
})

test('an article for a moderated group is refused if the moderator has no mailbox', async () => {
  await using lab = await startLab({
    news: { groups: newsgroups },
    directory: { accounts: [{ user: 'bob', password: 'x' }] },
  })
  using news = await reader(lab)
  const reply = await postBy(news, articleOf('Newsgroups: lab.announce\nMessage-ID: <m@a>'))
  expect(reply).toMatch(/^441 .*alice@lab\.test/)
})
