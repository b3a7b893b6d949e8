import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import { openCaptured } from '../../../src/storage/store/mailboxes.ts'
import { type QuotaInput, startLab, type TestLab } from '../../../src/testing/index.ts'
import { connectBy, startImapLab } from '../../servers/imap4/support.ts'
import { countingStore } from '../../support/counting-store.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { isThorough } from '../../support/thorough.ts'

const accounts = (quota?: QuotaInput) => ({
  directory: {
    accounts: [
      { user: 'bob', password: 'x', ...(quota && { quota }) },
      { user: 'eve', password: 'x' },
    ],
  },
})

/** Sends by nodemailer, which announces the size. Returns the final reply or the recipients that were refused. */
async function send(lab: TestLab, to: string | string[] = 'bob@lab.test', text = 'words'): Promise<string> {
  const transport = createTransport(lab.nodemailer())
  try {
    const { response, rejectedErrors = [] } = await transport.sendMail({ from: 'a@lab.test', to, text })
    const refused = rejectedErrors.map((error) => (error as Error & { response?: string }).response?.slice(0, 9))
    return [response.slice(0, 3), ...refused].join(' ')
  } catch (error) {
    return (error as { response?: string }).response?.slice(0, 9) ?? (error as Error).message
  }
}

async function withImap<T>(lab: TestLab, use: (client: ImapFlow) => Promise<T>): Promise<T> {
  const client = new ImapFlow(lab.imapflow('bob'))
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.logout()
  }
}

describe('SMTP', () => {
  it.each([
    ['defer', '452 4.2.2'],
    ['refuse', '552 5.2.2'],
  ] as const)('a mailbox with all its messages, exceeded: %s', async (exceeded, reply) => {
    await using lab = await startLab(accounts({ messages: 1, exceeded }))
    expect([await send(lab), await send(lab)]).toEqual(['250', reply])
    // Each recipient has its own reply: the others get the message.
    expect(await send(lab, ['bob@lab.test', 'eve@lab.test'])).toBe(`250 ${reply}`)
    await lab.expunge('bob')
    expect(await send(lab)).toBe('250')
  })

  it('a message larger than the whole quota is refused for good, by its announced size', async () => {
    await using lab = await startLab(accounts({ size: '2KiB' }))
    expect(await send(lab, 'bob@lab.test', 'x'.repeat(70).concat('\r\n').repeat(50))).toBe('552 5.2.2')
    expect(await send(lab)).toBe('250')
  })

  it('without SIZE, the message is refused after its content, and not stored', async () => {
    await using lab = await startLab(accounts({ size: '2KiB' }))
    const client = await LineClient.open(lab.server('smtp').port)
    client.send('HELO me\r\nMAIL FROM:<a@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\n')
    await client.lines((line) => line.startsWith('354'))
    client.send(`Subject: x\r\n\r\n${'x'.repeat(70).concat('\r\n').repeat(50)}.\r\n`)
    expect(await client.line()).toMatch(/^552 5\.2\.2 /)
    client.destroy()
    expect(await lab.messages()).toHaveLength(0)
  })

  test.skipIf(!needs('swaks'))('swaks sees the refusal of the recipient', async () => {
    await using lab = await startLab(accounts({ messages: 0 }))
    const { port } = lab.server('smtp')
    const { status, stdout } = await runProgram('swaks', ['--server', `127.0.0.1:${port}`, '--to', 'bob@lab.test'])
    expect(status).toBe(24) // no recipient was accepted
    expect(stdout).toMatch(/<\*\* 552 5\.2\.2 .*quota/)
  })
})

describe('IMAP4', () => {
  it('imapflow sees the quota, and APPEND and COPY answer OVERQUOTA', async () => {
    await using lab = await startLab(accounts({ size: '10KiB', messages: 2 }))
    expect(await send(lab)).toBe('250')
    await withImap(lab, async (client) => {
      expect(await client.getQuota('INBOX')).toMatchObject({
        storage: { limit: 10 * 1024 },
        message: { usage: 1, limit: 2 },
      })
      await client.append('INBOX', 'Subject: x\r\n\r\n')
      await expect(client.append('INBOX', 'Subject: x\r\n\r\n')).rejects.toMatchObject({
        serverResponseCode: 'OVERQUOTA',
      })
      await client.mailboxOpen('INBOX')
      expect(await client.messageCopy('1', 'INBOX')).toBe(false)
    })
    expect(await lab.quota('bob')).toMatchObject({ size: 10_240, messages: 2, used: { messages: 2 } })
  })

  /** A lab in which alice has a quota and two messages are captured, and her session with these selected. */
  async function captured(quota: QuotaInput | undefined, messages: readonly string[]) {
    const { store, calls } = countingStore()
    const alice = { user: 'alice', password: 'secret', ...(quota && { quota }) }
    const lab = await startImapLab({
      store,
      config: { directory: { accounts: [alice] }, mail: { captured: { readers: 'all' } } },
    })
    const { id } = await openCaptured(store, 'x.test')
    await store.append(messages.map((raw) => ({ raw: Buffer.from(raw), targets: [{ folderId: id }] })))
    const client = await connectBy('TLS', lab)
    /** Sends a command and returns its last line. */
    const ask = async (command: string): Promise<string> => {
      client.send(`a ${command}\r\n`)
      return (await client.lines((line) => line.startsWith('a '))).at(-1) ?? ''
    }
    await ask('LOGIN alice secret')
    await ask('SELECT Captured/x.test')
    return { lab, ask, calls, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
  }

  it.each(['COPY', 'MOVE'])('%s out of captured mail obeys the quota', async (verb) => {
    await using alice = await captured({ size: 100, messages: 2 }, ['a: b\r\n\r\n', 'c: d\r\n\r\n', 'e: f\r\n\r\n'])
    expect(await alice.ask(`${verb} 1:3 INBOX`)).toBe('a NO [OVERQUOTA] The quota would be exceeded.')
    expect(await alice.lab.inbox('alice')).toEqual([])
    expect(await alice.lab.inbox(undefined)).toHaveLength(3)
    expect(await alice.ask(`${verb} 1:2 INBOX`)).toMatch(/^a OK /)
    // Between mailboxes of the account, MOVE adds nothing.
    await alice.ask('SELECT INBOX')
    expect(await alice.ask('MOVE 1:2 Trash')).toMatch(/^a OK /)
    expect(await alice.ask('SETQUOTA "" (STORAGE 1)')).toMatch(/^a OK /)
    await using large = await captured({ size: 100 }, [`a: b\r\n\r\n${'x'.repeat(99)}\r\n`])
    expect(await large.ask(`${verb} 1 INBOX`)).toBe('a NO [OVERQUOTA] The quota would be exceeded.')
  })

  it('REPLACE of captured mail counts the whole message', async () => {
    await using alice = await captured({ size: 10, messages: 1 }, ['a: b\r\n\r\n', 'c: d\r\n\r\n'])
    const refused = 'a NO [OVERQUOTA] The quota would be exceeded.'
    expect(await alice.ask('REPLACE 1 INBOX {11+}\r\na: bcd\r\n\r\nx')).toBe(refused)
    expect(await alice.ask('REPLACE 1 INBOX {8+}\r\na: b\r\n\r\n')).toMatch(/^a OK /)
    expect(await alice.ask('REPLACE 1 INBOX {8+}\r\na: b\r\n\r\n')).toBe(refused)
    await alice.ask('SELECT INBOX')
    expect(await alice.ask('REPLACE 1 INBOX {8+}\r\nc: d\r\n\r\n')).toMatch(/^a OK /)
  })

  it.each([
    ['without a quota ask the store nothing about it', undefined, []],
    ['with a quota ask for its use', { messages: 9 }, ['listFolders', 'status']],
  ] as const)('COPY and MOVE %s', async (_, quota, expected) => {
    await using alice = await captured(quota, ['a: b\r\n\r\n', 'c: d\r\n\r\n'])
    for (const verb of ['COPY', 'MOVE']) {
      alice.calls.length = 0
      expect(await alice.ask(`${verb} 1 Trash`)).toMatch(/^a OK /)
      const about = alice.calls.filter((call) => ['getState', 'listFolders', 'status'].includes(call))
      expect([...new Set(about)], verb).toEqual(expected)
    }
  })

  test.skipIf(!needs('curl'))('POP3 is not affected', async () => {
    await using lab = await startLab(accounts({ messages: 1 }))
    expect([await send(lab), await send(lab)]).toEqual(['250', '452 4.2.2'])
    const url = `pop3://127.0.0.1:${lab.server('pop3').port}/`
    const list = await runProgram('curl', ['-sS', '-u', 'bob:x', url])
    expect(list.stdout).toMatch(/^1 \d+\r\n$/)
    expect((await runProgram('curl', ['-sS', '-u', 'bob:x', '-X', 'DELE 1', '-I', url])).status).toBe(0)
    expect(await send(lab)).toBe('250')
  })
})

describe('the quota of a directory, and at run time', () => {
  it('holds for every account of an open directory', async () => {
    await using lab = await startLab({ directory: { quota: { messages: 1 } } })
    expect([await send(lab), await send(lab), await send(lab, 'new@lab.test')]).toEqual(['250', '452 4.2.2', '250'])
  })

  it('lab.setQuota changes, lifts and restores it; reset restores the configured one', async () => {
    await using lab = await startLab(accounts({ messages: 1 }))
    expect([await send(lab), await send(lab)]).toEqual(['250', '452 4.2.2'])
    await lab.setQuota('bob', { size: '1MiB', messages: 2, exceeded: 'refuse' })
    expect([await send(lab), await send(lab)]).toEqual(['250', '552 5.2.2'])
    await withImap(lab, async (client) => {
      expect(await client.getQuota('INBOX')).toMatchObject({ storage: { limit: 1024 * 1024 }, message: { limit: 2 } })
    })
    await lab.setQuota('bob', 'off')
    expect(await send(lab)).toBe('250')
    expect(await lab.quota('bob')).toMatchObject({ size: undefined, messages: undefined, used: { messages: 3 } })
    await lab.setQuota('bob')
    expect(await send(lab)).toBe('452 4.2.2')
    await lab.setQuota('bob', 'off')
    await lab.reset()
    expect([await send(lab), await send(lab)]).toEqual(['250', '452 4.2.2'])
  })

  it('a quota set by IMAP4 holds for SMTP, too', async () => {
    await using lab = await startLab()
    const client = await LineClient.open(lab.server('imap4').port)
    client.send('a LOGIN bob x\r\nb SETQUOTA "" (MESSAGE 1)\r\nc LOGOUT\r\n')
    expect(await client.rest()).toContain('* QUOTA "" (MESSAGE 0 1)')
    expect([await send(lab), await send(lab)]).toEqual(['250', '452 4.2.2'])
  })

  it('holds after a restart, in a store on disk', async () => {
    const folder = newFolder()
    const config = { ...accounts(), store: { lmdb: folder } }
    {
      await using lab = await startLab(config)
      await lab.setQuota('bob', { messages: 1 })
    }
    await using lab = await startLab(config)
    expect([await send(lab), await send(lab)]).toEqual(['250', '452 4.2.2'])
  })

  it('lab.deliver rejects, and mistakes are named', async () => {
    await using lab = await startLab(accounts({ messages: 0 }))
    await expect(lab.deliver({ subject: 'x' }, 'bob')).rejects.toMatchObject({ reason: 'over-quota' })
    await expect(lab.setQuota('bob', { sise: 1 } as never)).rejects.toThrow(
      /quota\.sise: unknown key; did you mean size\?/,
    )
    await expect(lab.setQuota('bobb', 'off')).rejects.toThrow('setQuota: no account "bobb"; did you mean bob?')
    await expect(startLab(accounts({ messages: -1 }))).rejects.toThrow(/accounts\[0\]\.quota\.messages: is -1/)
  })
})

describe('clients that store at the same time', () => {
  const limited = { directory: { accounts: [{ user: 'bob', password: 'x', quota: { messages: 10 } }] } }

  it.each(['memory', 'lmdb'])('get no more than the quota together: %s', async (kind) => {
    const folder = newFolder()
    await using lab = await startLab({ ...limited, ...(kind === 'lmdb' && { store: { lmdb: folder } }) })
    await expectTen(lab, [lab], isThorough ? 5 : 2)
  })

  it.skipIf(!needsPostgres())('get no more than the quota together: three nodes', { timeout: 300_000 }, async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      startLab({ ...limited, store: { postgres: url, pool: 3 }, cluster: { name: schema, node } })
    await using one = await start('one')
    await using two = await start('two')
    await using three = await start('three')
    await expectTen(one, [one, two, three], isLong ? 100 : isThorough ? 5 : 2)
  })

  /** Appends by twelve simultaneous clients and delivers as many, several times. */
  async function expectTen(lab: TestLab, nodes: readonly TestLab[], rounds: number): Promise<void> {
    const node = (at: number): TestLab => nodes[at % nodes.length] as TestLab
    const clients = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const client = new ImapFlow(node(at).imapflow('bob'))
        await client.connect()
        return client
      }),
    )
    try {
      for (let round = 0; round < rounds; round++) {
        const appends = clients.map((client, at) =>
          client.append(at % 2 ? 'INBOX' : 'Drafts', 'Subject: x\r\n\r\nx\r\n'),
        )
        const sends = Array.from({ length: 12 }, (_, at) => send(node(at)))
        const appended = (await Promise.allSettled(appends)).filter(({ status }) => status === 'fulfilled').length
        const replies = await Promise.all(sends)
        const sent = replies.filter((reply) => reply === '250').length
        expect(replies.filter((reply) => reply !== '250')).toEqual(Array(12 - sent).fill('452 4.2.2'))
        expect(appended + sent).toBe(10)
        const { used } = await lab.quota('bob')
        expect(used.messages).toBe(10)
        await lab.expunge('bob')
        for (const name of ['INBOX', 'Drafts']) {
          const lock = await clients[0]?.getMailboxLock(name)
          await clients[0]?.messageDelete('1:*')
          lock?.release()
        }
      }
    } finally {
      for (const client of clients) client.close()
    }
  }
})
