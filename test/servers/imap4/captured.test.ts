import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { ImapClient } from '../../support/imap-client.ts'

const lab = await startLab({
  directory: {
    unknown: 'capture',
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
    ],
  },
  mail: { captured: { readers: ['Alice'] } },
  news: { groups: [{ name: 'lab.general' }, { name: 'lab.tests' }] },
})
beforeEach(async () => {
  await lab.reset()
  await send('customer@Gmail.com', 'anyone@lab.test', 'bob@lab.test', 'other@gmail.com')
})
afterAll(() => lab.stop())

async function send(...to: string[]): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: lab.server('smtp').port, tls: { ca: lab.ca } })
  await transport.sendMail({ from: 'shop@example.com', to, subject: 'Hello', text: 'Text' })
}

async function as<T>(user: string, run: (client: ImapFlow) => Promise<T>): Promise<T> {
  const client = new ImapFlow(lab.imapflow({ user, pass: 'secret' }))
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.logout()
  }
}

const pathsOf = (user: string): Promise<string[]> =>
  as(user, async (client) =>
    (await client.list()).map(({ path }) => path).filter((path) => path.startsWith('Captured')),
  )

const openImap = (user: string): Promise<ImapClient> => ImapClient.open(lab.server('imap4').port, user, 'secret')

/** The shared mailboxes that LSUB and LIST name as subscribed. RFC 3501 section 6.3.9; RFC 5258 section 3.1. */
async function subscribed(user: string): Promise<string[]> {
  const client = await openImap(user)
  const namesIn = async (command: string): Promise<string[]> =>
    (await client.ok(command)).flatMap((line) => /"\/" "?((?:Captured|Public).*?)"?$/.exec(line)?.[1] ?? [])
  const lsub = await namesIn('LSUB "" "*"')
  const list = await namesIn('LIST (SUBSCRIBED) "" "*"')
  expect(list).toEqual(lsub)
  client.destroy()
  return lsub
}

describe('captured mail', () => {
  it('is in a shared namespace by domain, once for each domain, for the accounts of captured.readers', async () => {
    expect(await pathsOf('alice')).toEqual(['Captured', 'Captured/gmail.com', 'Captured/lab.test'])
    expect(await pathsOf('bob')).toEqual([])
    const found = await as('alice', async (client) => {
      await client.mailboxOpen('Captured/gmail.com')
      return client.fetchAll('1:*', { envelope: true, flags: true })
    })
    expect(found).toMatchObject([{ envelope: { subject: 'Hello' } }])
    await as('bob', async (client) => {
      await expect(client.mailboxOpen('Captured/gmail.com')).rejects.toMatchObject({
        responseText: 'The mailbox does not exist.',
      })
    })
  })

  it('can be read, marked, copied out and deleted, but not stored by clients', async () => {
    await as('alice', async (client) => {
      await client.mailboxOpen('Captured/lab.test')
      await client.messageFlagsAdd('1', ['\\Seen'])
      expect(await client.messageCopy('1', 'Archive')).toMatchObject({ destination: 'Archive' })
      await client.messageDelete('1')
      expect(await client.status('Captured/lab.test', { messages: true })).toMatchObject({ messages: 0 })
      const refused = { responseText: 'Only the lab stores captured mail.' }
      await expect(client.append('Captured/lab.test', 'Subject: a\r\n\r\nb\r\n')).rejects.toMatchObject(refused)
      const kept = { responseText: 'The lab keeps the mailboxes of captured mail.' }
      for (const change of [client.mailboxCreate('Captured/x'), client.mailboxDelete('Captured/gmail.com')]) {
        await expect(change).rejects.toMatchObject(kept)
      }
    })
  })

  it('is subscribed for its readers, as newsgroups are, until they unsubscribe', async () => {
    const newsgroups = ['Public Folders/lab.general', 'Public Folders/lab.tests']
    const shared = ['Captured/gmail.com', 'Captured/lab.test', ...newsgroups]
    expect(await subscribed('bob')).toEqual(newsgroups)
    expect(await subscribed('alice')).toEqual(shared)

    using alice = await openImap('alice')
    for (const name of ['Captured/gmail.com', 'Public Folders/lab.tests']) await alice.ok(`UNSUBSCRIBE "${name}"`)
    const rest = ['Captured/lab.test', 'Public Folders/lab.general']
    expect(await subscribed('alice')).toEqual(rest)
    expect(await subscribed('bob')).toEqual(newsgroups)
    await alice.ok('NOTIFY SET (SUBSCRIBED (MessageNew MessageExpunge))')
    for (const domain of ['gmail.com', 'new.example', 'lab.test']) await send(`someone@${domain}`)
    const told = await alice.until(/STATUS "?Captured\/lab\.test/)
    expect(told.join()).toContain('Captured/new.example')
    expect(told.join()).not.toContain('gmail.com')
    expect(await subscribed('alice')).toEqual([
      'Captured/lab.test',
      'Captured/new.example',
      'Public Folders/lab.general',
    ])

    await alice.ok('NOTIFY NONE')
    for (const name of ['Captured/gmail.com', 'Public Folders/lab.tests']) await alice.ok(`SUBSCRIBE "${name}"`)
    expect(await subscribed('alice')).toEqual(expect.arrayContaining(shared))
  })

  it('keeps the refusal of unknown accounts without directory.unknown', async () => {
    await using strict = await startLab({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    const transport = createTransport({ host: '127.0.0.1', port: strict.server('smtp').port, tls: { ca: strict.ca } })
    await expect(transport.sendMail({ from: 'a@b.example', to: 'anyone@lab.test', text: '' })).rejects.toMatchObject({
      responseCode: 550,
    })
  })
})

describe('with maildrop: captured', () => {
  it('INBOX is the folder of captured mail for its readers', async () => {
    await using own = await startLab({
      directory: {
        unknown: 'capture',
        accounts: [
          { user: 'alice', password: 'secret' },
          { user: 'bob', password: 'secret' },
        ],
      },
      mail: { captured: { readers: ['alice'], folder: 'all' } },
      virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4', maildrop: 'captured' }],
    })
    await own.deliver({ subject: 'Captured' }, { to: 'x@example.org' })
    await own.deliver({ subject: 'Own' }, { to: 'bob@lab.test' })
    const dialog = async (user: string, ...commands: string[]): Promise<string> => {
      const client = await ImapClient.open(own.server('imap4').port, user, 'secret')
      const answers: string[] = []
      for (const command of commands) answers.push(JSON.stringify(await client.ask(command)))
      await client.ask('LOGOUT')
      return answers.join('\n')
    }
    const fetch = 'FETCH 1:* BODY[HEADER.FIELDS (SUBJECT)]'
    const alice = await dialog('alice', 'LIST "" INBOX RETURN (STATUS (MESSAGES))', 'SELECT INBOX', fetch)
    expect(alice).toMatch(/INBOX \(MESSAGES 1\)/)
    expect(alice).toContain('Subject: Captured')
    const rev2 = await dialog('alice', 'ENABLE IMAP4rev2', 'SELECT INBOX')
    expect([rev2.includes('Captured/'), /LIST .*INBOX/.test(rev2)]).toEqual([false, true])
    expect(await dialog('bob', 'SELECT INBOX', fetch)).toContain('Subject: Own')
    expect(await dialog('alice', 'APPEND INBOX {3+}\r\na: ')).toMatch(/NO \[NOPERM\]/)
    expect(await dialog('alice', 'SELECT INBOX', 'STORE 1 +FLAGS (\\Deleted)', 'EXPUNGE')).toMatch(/1 EXPUNGE/)
  })
})
