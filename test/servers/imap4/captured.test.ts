import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'

let lab: TestLab

beforeAll(async () => {
  lab = await startLab({
    directory: {
      unknown: 'capture',
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret' },
      ],
    },
    captured: { readers: ['Alice'] },
  })
  const to = ['customer@Gmail.com', 'anyone@lab.test', 'bob@lab.test', 'other@gmail.com']
  const transport = createTransport({ host: '127.0.0.1', port: lab.server('smtp').port, tls: { ca: lab.ca } })
  await transport.sendMail({ from: 'shop@example.com', to, subject: 'Hello', text: 'Text' })
})
afterAll(() => lab.stop())

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

  it('keeps the refusal of unknown accounts without directory.unknown', async () => {
    await using strict = await startLab({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    const transport = createTransport({ host: '127.0.0.1', port: strict.server('smtp').port, tls: { ca: strict.ca } })
    await expect(transport.sendMail({ from: 'a@b.example', to: 'anyone@lab.test', text: '' })).rejects.toMatchObject({
      responseCode: 550,
    })
  })
})
