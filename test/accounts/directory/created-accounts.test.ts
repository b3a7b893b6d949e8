import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'

const virtualServers = [{ protocol: 'smtp' as const }, { protocol: 'imap4' as const }]

const send = (lab: TestLab, to: string) => {
  const { port } = lab.server('smtp')
  return createTransport({ host: 'localhost', port, tls: { ca: lab.ca } }).sendMail({
    from: 'app@elsewhere.example',
    to,
    text: 'Hi',
  })
}

/** Returns how many messages are in the INBOX of an account; undefined if the log-on is refused. */
async function inboxOf(lab: TestLab, user: string, pass: string): Promise<number | undefined> {
  const { tlsPort } = lab.server('imap4')
  const tls = { ca: lab.ca }
  const client = new ImapFlow({
    host: 'localhost',
    port: tlsPort ?? 0,
    secure: true,
    tls,
    logger: false,
    auth: { user, pass },
  })
  try {
    await client.connect()
    const status = await client.status('INBOX', { messages: true })
    return status ? status.messages : undefined
  } catch {
    return undefined
  } finally {
    await client.logout().catch(() => client.close())
  }
}

describe('directory.unknown: create', () => {
  let lab: TestLab
  beforeAll(async () => {
    const accounts = [{ user: 'alice', password: 'secret' }]
    lab = await startLab({ virtualServers, directory: { unknown: 'create', accounts } })
  })
  afterAll(() => lab.stop())

  it('creates an account with the first message for an address of any domain', async () => {
    expect(await inboxOf(lab, 'bob@shop.example', 'bob@shop.example')).toBeUndefined()
    await send(lab, 'bob@shop.example')
    await send(lab, 'bob+code@shop.example')
    expect(await inboxOf(lab, 'bob@shop.example', 'bob@shop.example')).toBe(2)
    expect(await inboxOf(lab, 'bob@shop.example', 'other')).toBeUndefined()
    await send(lab, 'carol@lab.test')
    expect(await inboxOf(lab, 'carol@lab.test', 'carol@lab.test')).toBe(1)
  })

  it('leaves configured accounts as they are', async () => {
    await send(lab, 'alice@lab.test')
    expect(await inboxOf(lab, 'alice', 'secret')).toBe(1)
    expect(await inboxOf(lab, 'alice', 'alice@lab.test')).toBeUndefined()
  })
})

it('an open directory gives each address of other domains a mailbox of its own, with any password', async () => {
  await using lab = await startLab({ virtualServers, directory: { mode: 'open', unknown: 'create' } })
  await send(lab, 'bob@shop.example')
  expect(await inboxOf(lab, 'bob@shop.example', 'any')).toBe(1)
  expect(await inboxOf(lab, 'bob', 'any')).toBe(0)
})
