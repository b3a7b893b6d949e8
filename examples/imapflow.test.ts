// A test suite for code that reads mail with imapflow.
import { ImapFlow } from 'imapflow'
import { expect, test } from 'sealpost/vitest'

/** The code under test: returns the subjects of unread mail and marks it as read. */
async function readNew(client: ImapFlow): Promise<string[]> {
  const lock = await client.getMailboxLock('INBOX')
  try {
    // The server announces new messages in the reply to this command.
    await client.noop()
    const subjects: string[] = []
    for await (const message of client.fetch({ seen: false }, { envelope: true })) {
      subjects.push(message.envelope?.subject ?? '')
    }
    if (subjects.length > 0) await client.messageFlagsAdd({ seen: false }, ['\\Seen'])
    return subjects
  } finally {
    lock.release()
  }
}

test('new mail is read once', async ({ tenant }) => {
  await tenant.deliver({ subject: 'First', text: 'hello' }, 'alice')
  const client = new ImapFlow(tenant.imapflow('alice'))
  await client.connect()
  expect(await readNew(client)).toEqual(['First'])
  await tenant.deliver({ subject: 'Second', text: 'hello' }, 'alice')
  expect(await readNew(client)).toEqual(['Second'])
  expect(await readNew(client)).toEqual([])
  await client.logout()
})

test('reading works while another client removes mail', async ({ lab, tenant }) => {
  for (const subject of ['one', 'two']) await tenant.deliver({ subject }, 'alice')
  const client = new ImapFlow(tenant.imapflow('alice'))
  await client.connect()
  await client.mailboxOpen('INBOX')
  await lab.expunge({ user: tenant.user('alice') }, [1])
  expect(await readNew(client)).toEqual(['two'])
  await client.logout()
})

test('a changed UIDVALIDITY is visible to the client', async ({ lab, tenant }) => {
  await tenant.deliver({ subject: 'kept' }, 'alice')
  const open = async (): Promise<bigint> => {
    const client = new ImapFlow(tenant.imapflow('alice'))
    await client.connect()
    const { uidValidity } = await client.mailboxOpen('INBOX')
    await client.logout()
    return uidValidity
  }
  const before = await open()
  await lab.changeUidValidity({ user: tenant.user('alice') })
  expect(await open()).toBeGreaterThan(before)
})
