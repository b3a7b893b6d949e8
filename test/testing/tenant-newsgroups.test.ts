import { ImapFlow } from 'imapflow'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { ImapClient } from '../support/imap-client.ts'
import { LineClient } from '../support/line-client.ts'

async function nntp(port: number, user: string | undefined, commands: string): Promise<string[]> {
  const client = await LineClient.open(port)
  const logon = user === undefined ? '' : `AUTHINFO USER ${user}\r\nAUTHINFO PASS any\r\n`
  client.send(`${logon}${commands}QUIT\r\n`)
  return client.rest()
}

test('a tenant sees its own newsgroups alone, by IMAP4 and NNTP', async ({ lab }) => {
  const [one, two] = [lab.tenant('one'), lab.tenant('two')]
  await one.createNewsgroup('talk')
  await two.createNewsgroup('talk')
  const article =
    'From: a@lab.test\r\nNewsgroups: two.talk\r\nSubject: x\r\nMessage-ID: <only@two>\r\n\r\nhello\r\n.\r\n'
  const port = lab.server('nntp').port
  expect(await nntp(port, two.user('alice'), `POST\r\n${article}`)).toContainEqual(expect.stringMatching(/^240 /))

  const client = new ImapFlow(one.imapflow('alice'))
  await client.connect()
  const seen = (await client.list()).map(({ path }) => path).filter((path) => path.startsWith('Public Folders/'))
  expect(seen).toEqual(['Public Folders/one.talk'])
  await expect(client.status('Public Folders/two.talk', { messages: true })).rejects.toThrow()
  expect(await client.status('Public Folders/one.talk', { messages: true })).toMatchObject({ messages: 0 })
  await client.logout()

  const ofOne = await nntp(
    port,
    one.user('alice'),
    'LIST\r\nGROUP two.talk\r\nGROUP one.talk\r\nARTICLE <only@two>\r\n',
  )
  expect(ofOne.filter((line) => /^(?:one|two|lab)\./.test(line))).toEqual([expect.stringMatching(/^one\.talk /)])
  expect(ofOne).toContainEqual(expect.stringMatching(/^411 /))
  expect(ofOne).toContainEqual(expect.stringMatching(/^211 0 .* one\.talk/))
  expect(ofOne).toContainEqual(expect.stringMatching(/^430 /))
  const posted = await nntp(port, one.user('alice'), `POST\r\n${article.replace('only@two', 'other@one')}`)
  expect(posted).toContainEqual(expect.stringMatching(/^44[01] /))
  // Without a log-on, a client belongs to no tenant.
  expect(await nntp(port, undefined, 'GROUP two.talk\r\n')).toContainEqual(expect.stringMatching(/^211 1 /))
  expect(await two.articles('talk')).toHaveLength(1)
})

/** Creates two tenants with a newsgroup each. Returns an account of the first, and the newsgroups. */
async function twoTenants(lab: TestLab, name: string) {
  const [one, two] = [lab.tenant(`${name}1`), lab.tenant(`${name}2`)]
  return { alice: one.user('alice'), own: await one.createNewsgroup('talk'), other: await two.createNewsgroup('talk') }
}

const articleFor = (newsgroups: string, more = ''): string =>
  `From: a@lab.test\r\nNewsgroups: ${newsgroups}\r\nSubject: x\r\n${more}\r\nhello\r\n`

test('IMAP4 APPEND posts to no newsgroup that the account does not see', async ({ lab }) => {
  const { alice, own, other } = await twoTenants(lab, 'append')
  const client = await ImapClient.open(lab.server('imap4').port, alice, 'any')
  const appended = await client.append(`"Public Folders/${own}"`, articleFor(`${own},${other}`))
  expect(appended).toMatch(/^OK \[APPENDUID \d+ 1\]/)
  client.destroy()
  expect(await lab.articles(own)).toHaveLength(1)
  expect(await lab.articles(other)).toEqual([])
})

test('a newsgroup that an account does not see does not exist for its articles', async ({ lab }) => {
  const { alice, own, other } = await twoTenants(lab, 'post')
  const port = lab.server('nntp').port
  const post = (newsgroups: string) => nntp(port, alice, `POST\r\n${articleFor(newsgroups)}.\r\n`)
  expect(await post(other)).toContain(`441 no such newsgroup: ${other}`)
  expect(await post(`${own},${other}`)).toContainEqual(expect.stringMatching(/^240 /))
  expect(await lab.articles(own)).toHaveLength(1)
  expect(await lab.articles(other)).toEqual([])
})

test('a control message needs the right to post to the newsgroups that it names and changes', async ({ lab }) => {
  const { alice, own, other } = await twoTenants(lab, 'control')
  const port = lab.server('nntp').port
  const post = (user: string | undefined, groups: string, more: string) =>
    nntp(port, user, `POST\r\n${articleFor(groups, more)}.\r\n`)
  await post(undefined, other, 'Message-ID: <e1@control.test>\r\n')
  await post(undefined, own, 'Message-ID: <e2@control.test>\r\n')
  await post(undefined, `${own},${other}`, 'Message-ID: <e3@control.test>\r\n')
  for (const id of ['e1', 'e2', 'e3']) {
    expect(await post(alice, own, `Control: cancel <${id}@control.test>\r\n`)).toContainEqual(
      expect.stringMatching(/^240 /),
    )
    await post(alice, other, `Control: cancel <${id}@control.test>\r\n`)
  }
  await post(alice, own, 'Message-ID: <e4@control.test>\r\nSupersedes: <e1@control.test>\r\n')
  const ids = async (group: string) => (await lab.articles(group)).map(({ messageId }) => messageId)
  expect(await ids(other)).toEqual(['<e1@control.test>', '<e3@control.test>'])
  expect(await ids(own)).toEqual(['<e3@control.test>', '<e4@control.test>'])
})
