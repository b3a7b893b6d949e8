import { ImapFlow } from 'imapflow'
import { expect, test } from '../../src/testing/vitest.ts'
import { LineClient } from '../support/line-client.ts'

async function nntp(port: number, user: string | undefined, commands: string): Promise<string[]> {
  const client = await LineClient.open(port)
  const logon = user === undefined ? '' : `AUTHINFO USER ${user}\r\nAUTHINFO PASS any\r\n`
  client.send(`${logon}${commands}QUIT\r\n`)
  return client.rest()
}

test('a tenant sees no newsgroups of other tenants, by IMAP4 and NNTP', async ({ lab }) => {
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
  expect(seen.toSorted()).toEqual(['Public Folders/lab.general', 'Public Folders/one.talk'])
  await expect(client.status('Public Folders/two.talk', { messages: true })).rejects.toThrow()
  expect(await client.status('Public Folders/one.talk', { messages: true })).toMatchObject({ messages: 0 })
  await client.logout()

  const ofOne = await nntp(
    port,
    one.user('alice'),
    'LIST\r\nGROUP two.talk\r\nGROUP one.talk\r\nARTICLE <only@two>\r\n',
  )
  expect(ofOne.filter((line) => /^(?:one|two|lab)\./.test(line)).toSorted()).toEqual([
    expect.stringMatching(/^lab\.general /),
    expect.stringMatching(/^one\.talk /),
  ])
  expect(ofOne).toContainEqual(expect.stringMatching(/^411 /))
  expect(ofOne).toContainEqual(expect.stringMatching(/^211 0 .* one\.talk/))
  expect(ofOne).toContainEqual(expect.stringMatching(/^430 /))
  const posted = await nntp(port, one.user('alice'), `POST\r\n${article.replace('only@two', 'other@one')}`)
  expect(posted).toContainEqual(expect.stringMatching(/^44[01] /))
  // Without a log-on, a client belongs to no tenant.
  expect(await nntp(port, undefined, 'GROUP two.talk\r\n')).toContainEqual(expect.stringMatching(/^211 1 /))
  expect(await two.articles('talk')).toHaveLength(1)
})
