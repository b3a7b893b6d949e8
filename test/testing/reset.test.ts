import { createTransport } from 'nodemailer'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import { HttpLab } from '../servers/http/client.ts'
import { LineClient } from '../support/line-client.ts'

const soon = { timeout: 30 }

const pooled = (lab: TestLab) => createTransport({ ...lab.nodemailer('shop'), pool: true, maxConnections: 1 })
const mailTo = (to: string) => ({ from: 'shop@lab.test', to, subject: 'hello', text: 'words' })

/** Sends lines, each after the reply to the one before. */
async function converse(client: LineClient, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    client.send(`${line}\r\n`)
    for (let reply = await client.line(); /^\d{3}-/.test(reply ?? ''); reply = await client.line()) {}
  }
}

test('a reset keeps the records of open connections, which begin again', async () => {
  await using lab = await startLab()
  const transport = pooled(lab)
  await transport.sendMail(mailTo('bob@lab.test'))
  await lab.reset()
  const [session] = lab.sessions()
  expect(session).toMatchObject({
    user: 'shop',
    refusals: [],
    mail: { begun: 0, isOpen: false },
    resetAt: expect.any(Number),
  })
  await lab.assertNothingSent()
  await expect(lab.waitForMessage('bob', soon)).rejects.toThrow(/ smtp-1, .* as shop, open, begun before the reset at /)

  await transport.sendMail(mailTo('bob@lab.test'))
  const mail = await lab.waitForMessage('bob')
  expect(mail).toHaveBeenEncrypted()
  expect(mail.session?.id).toBe(session?.id)
  expect(await lab.disconnect('shop')).toBe(1)
  transport.close()
})

test('mail that is refused on a connection from before the reset counts as sent', async () => {
  await using lab = await startLab()
  const transport = pooled(lab)
  await transport.sendMail(mailTo('bob@lab.test'))
  await lab.reset()
  const refused = lab.on('refusal')
  lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '550 5.1.1 No such user' } })
  await expect(transport.sendMail(mailTo('bob@lab.test'))).rejects.toThrow('550')
  await expect(lab.assertNothingSent()).rejects.toThrow(
    /mail that was begun and is in no mailbox:\n {2}smtp-1 as shop: 1/,
  )
  refused.close()
  transport.close()
})

test('a message that is under way at a reset is reported', async () => {
  await using lab = await startLab()
  const client = await LineClient.greeted(lab.server('smtp').port)
  await converse(client, 'EHLO x', 'MAIL FROM:<a@lab.test>', 'RCPT TO:<bob@lab.test>', 'DATA')
  client.send('Subject: late\r\n\r\n')
  await lab.reset()
  await expect(lab.assertNothingSent({}, soon)).rejects.toThrow(
    'smtp-1 without log-on: in the middle of a message, begun before the last reset',
  )
  await converse(client, '.', 'MAIL FROM:<a@lab.test>', 'RCPT TO:<bob@lab.test>', 'DATA', 'Subject: new\r\n\r\n.')
  await expect(lab.assertNothingSent()).rejects.toThrow(
    [
      'messages that arrived:',
      '  from <a@lab.test> to <bob@lab.test>: "late"; begun before the last reset',
      '  from <a@lab.test> to <bob@lab.test>: "new"',
    ].join('\n'),
  )
  await lab.reset()
  await lab.assertNothingSent()
  client.send('QUIT\r\n')
  await client.rest()
})

test('clients that have a deleted mailbox, maildrop or newsgroup open are informed', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'one' }, ['bob', 'carol', 'lab.general'])
  const open = async (protocol: 'imap4' | 'pop3' | 'nntp', ...lines: readonly string[]): Promise<LineClient> => {
    const client = await LineClient.openTls(lab.server(protocol).tlsPort as number, lab.ca)
    await client.line()
    for (const line of lines) {
      client.send(`${line}\r\n`)
      await client.lines((reply) => /^(?:\w+ OK|\+|[2-5]\d\d )/.test(reply))
    }
    return client
  }
  const reader = await open('imap4', 'a LOGIN bob x', 'b SELECT INBOX')
  const idle = await open('imap4', 'a LOGIN carol x', 'b SELECT INBOX', 'c IDLE')
  const pop3 = await open('pop3', 'USER bob', 'PASS x')
  const nntp = await open('nntp', 'GROUP lab.general')
  await lab.reset()
  reader.send('c NOOP\r\n')
  for (const client of [reader, idle]) {
    expect((await client.rest()).at(-1)).toBe('* BYE The selected mailbox was deleted.')
  }
  pop3.send('RETR 1\r\n')
  expect(await pop3.line()).toMatch(/^-ERR Message 1 was removed/)
  nntp.send('ARTICLE 1\r\n')
  expect(await nntp.line()).toMatch(/^423 /)
})

test('over HTTP, a message on a connection from before the reset names a session that exists', async () => {
  await using http = await HttpLab.start()
  const transport = pooled(http.lab)
  await transport.sendMail(mailTo('bob@lab.test'))
  await http.request('reset', { method: 'POST' })
  await transport.sendMail(mailTo('bob@lab.test'))
  const { body: message } = await http.request('wait', { json: { to: 'bob' } })
  const { body: session } = await http.request(`sessions/${message.session}`)
  expect(session).toMatchObject({
    user: 'shop',
    resetAt: expect.any(String),
    summary: expect.stringContaining('before the reset'),
  })
  transport.close()
})
