import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import { type FaultInput, startLab, type TestLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

const letter = { from: 'alice@lab.test', to: 'bob@lab.test', subject: 'after the content', text: 'words' }

/** Sends the letter by nodemailer. Returns the code of the final reply, or the code of the client's error. */
async function send(lab: TestLab, options: object = {}): Promise<number | string> {
  const transport = createTransport({ ...lab.nodemailer(), ...options })
  try {
    return Number((await transport.sendMail(letter)).response.slice(0, 3))
  } catch (error) {
    const { responseCode, code = '' } = error as { responseCode?: number; code?: string }
    return responseCode ?? code
  } finally {
    transport.close()
  }
}

/** nodemailer gives up. Long enough for all replies before on a busy machine. */
const IMPATIENT = { socketTimeout: 3_000 }

const stored = async (lab: TestLab): Promise<number> => (await lab.messages()).length

describe('after the content of a message, nodemailer sees', () => {
  it('spam rejection: the message is not stored, and the session goes on', async () => {
    await using lab = await startLab()
    const fault = lab.faults.add({
      when: { on: 'end-of-data', protocol: 'smtp' },
      do: { reply: '550 5.7.1 Message rejected as spam' },
      times: 1,
    })
    const transport = createTransport({ ...lab.nodemailer(), pool: true, maxConnections: 1 })
    await expect(transport.sendMail(letter)).rejects.toMatchObject({ responseCode: 550, command: 'DATA' })
    await transport.sendMail(letter)
    transport.close()
    expect(fault.hits).toBe(1)
    expect(await stored(lab)).toBe(1)
    expect(lab.sessions()).toHaveLength(1)
  })

  it('452 at the end', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { on: 'end-of-data', verb: 'DATA' }, do: { reply: '452 4.3.1 Full' }, times: 1 })
    expect([await send(lab), await send(lab)]).toEqual([452, 250])
    expect(await stored(lab)).toBe(1)
  })

  it.each([
    ['silence', { silence: true, stored: true }],
    ['a closed connection', { drop: 'before', stored: true }],
    ['a reset', { drop: 'rst', stored: true }],
    ['a late 451', { reply: '451 4.3.0 Error', stored: true }],
  ] as const)('a lost acknowledgement (%s): sending again makes a duplicate', async (_, action) => {
    await using lab = await startLab()
    const fault = lab.faults.add({ when: { on: 'end-of-data' }, do: action, times: 1 })
    expect(await send(lab, 'silence' in action ? IMPATIENT : {})).not.toBe(250)
    expect(await send(lab)).toBe(250)
    expect(fault.hits).toBe(1)
    expect((await lab.waitForMessages(2)).map(({ subject }) => subject)).toEqual([letter.subject, letter.subject])
    const notes = lab.sessions()[0]?.transcript.filter(({ kind }) => kind === 'note')
    expect(JSON.stringify(notes)).toMatch(/fault: not sent: 250 2\.0\.0 OK: queued as/)
  })

  it.each([
    { silence: true, stored: false },
    { drop: 'before', stored: false },
    { drop: 'rst', stored: false },
    { reply: '250 2.0.0 OK', stored: false },
  ] as const)('a lost message (%j): it is not stored', async (action) => {
    await using lab = await startLab()
    lab.faults.add({ when: { on: 'end-of-data' }, do: action })
    expect(await send(lab, 'silence' in action ? IMPATIENT : {})).toEqual('reply' in action ? 250 : expect.any(String))
    expect(await stored(lab)).toBe(0)
  })

  it('a slow final 250, which is stored even if the client does not wait for it', async () => {
    await using lab = await startLab()
    const fault = lab.faults.add({ when: { on: 'end-of-data' }, do: { delay: '1s' }, times: 2 })
    expect(await send(lab)).toBe(250)
    // A client that leaves when the lab has its message, however long that takes.
    const client = await LineClient.open(lab.server('smtp').port)
    client.send('EHLO me\r\nMAIL FROM:<a@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\n')
    await client.lines((line) => line.startsWith('354'))
    client.send('Subject: x\r\n\r\nx\r\n.\r\n')
    await expect.poll(() => fault.hits).toBe(2)
    client.destroy()
    expect(await lab.waitForMessages(2)).toHaveLength(2)
  })

  it('drop: after and mid-reply store the message', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { on: 'end-of-data', verb: 'DATA' }, do: { drop: 'mid-reply' }, times: 1 })
    expect(await send(lab)).toEqual(expect.any(String))
    lab.faults.add({ when: { on: 'end-of-data', verb: 'DATA' }, do: { drop: 'after' }, times: 1 })
    expect(await send(lab)).toBe(250)
    expect(await stored(lab)).toBe(2)
  })
})

test('BDAT: only the end of the last chunk counts', async () => {
  await using lab = await startLab()
  const fault = lab.faults.add({ when: { on: 'end-of-data', verb: 'BDAT' }, do: { reply: '554 5.6.0 No' } })
  const client = await LineClient.open(lab.server('smtp').port)
  client.send('EHLO me\r\nMAIL FROM:<a@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nBDAT 4\r\na\r\n\r')
  await client.lines((line) => line.includes('4 octets received'))
  expect(fault.hits).toBe(0)
  client.send('BDAT 2 LAST\r\n\nbNOOP\r\nQUIT\r\n')
  expect((await client.rest()).map((line) => line.slice(0, 9))).toEqual(['554 5.6.0', '250 2.0.0', '221 2.0.0'])
  expect(await stored(lab)).toBe(0)
})

test.skipIf(!needs('swaks', 'curl'))('swaks and curl report the refusal after the content', async () => {
  await using lab = await startLab()
  lab.faults.add({ when: { on: 'end-of-data' }, do: { reply: ['552-5.7.0 Looks like', '552 5.7.0 spam'] } })
  const { port } = lab.server('smtp')
  const swaks = await runProgram('swaks', ['--server', '127.0.0.1', '--port', `${port}`, '--to', 'bob@lab.test'])
  expect(swaks.status).toBe(26) // the message was refused
  expect(swaks.stdout).toContain('<** 552 5.7.0 spam')
  const mail = ['--mail-from', 'a@lab.test', '--mail-rcpt', 'bob@lab.test', '-T', '-']
  const curl = await runProgram('curl', ['-sS', `smtp://127.0.0.1:${port}`, ...mail], {
    input: 'Subject: x\r\n\r\nx\r\n',
  })
  expect(curl.status).toBe(8) // weird server reply
  expect(await stored(lab)).toBe(0)
})

describe('APPEND', () => {
  async function uids(lab: TestLab): Promise<number[]> {
    const client = new ImapFlow(lab.imapflow('bob'))
    await client.connect()
    await client.mailboxOpen('INBOX')
    const found = await client.search({ all: true }, { uid: true })
    await client.logout()
    return found || []
  }

  async function append(lab: TestLab): Promise<unknown> {
    const client = new ImapFlow(lab.imapflow('bob'))
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.append('INBOX', 'Subject: x\r\n\r\nx\r\n')
    } catch (error) {
      return error
    } finally {
      client.close()
    }
  }

  it('is refused after the literal', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { on: 'end-of-data', verb: 'APPEND' }, do: { reply: 'NO [OVERQUOTA] Full' } })
    expect(await append(lab)).toMatchObject({ serverResponseCode: 'OVERQUOTA' })
    expect(await uids(lab)).toEqual([])
  })

  it('is stored, and the client does not learn it', async () => {
    await using lab = await startLab()
    const when = { on: 'end-of-data', protocol: 'imap4', matching: 'INBOX' } as const
    lab.faults.add({ when, do: { drop: 'rst', stored: true }, times: 1 })
    expect(await append(lab)).toBeInstanceOf(Error)
    expect(await append(lab)).toMatchObject({ uid: 2 })
    expect(await uids(lab)).toEqual([1, 2])
  })

  it('answers NO for a stored message, and still reports it as new', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { on: 'end-of-data' }, do: { reply: 'NO [UNAVAILABLE] Late', stored: true } })
    using client = await LineClient.open(lab.server('imap4').port)
    client.send('a LOGIN bob x\r\nb SELECT INBOX\r\n')
    await client.lines((line) => line.startsWith('b '))
    client.send('c APPEND INBOX {3+}\r\nA:b\r\n')
    expect(await client.lines((line) => line.startsWith('c '))).toEqual([
      '* 1 EXISTS',
      '* 1 RECENT',
      'c NO [UNAVAILABLE] Late',
    ])
  })
})

describe('articles', () => {
  const feeds = [{ peer: 'p', direction: 'in', groups: 'lab.*', from: ['127.0.0.1'] }]
  const article = (id: string): string =>
    `From: a@b.test\r\nNewsgroups: lab.general\r\nSubject: x\r\nMessage-ID: ${id}\r\nDate: Wed, 25 Nov 2026 11:00:00 +0000\r\nPath: p!x\r\n\r\nx\r\n.\r\n`
  const cases = [
    ['POST', 'POST\r\n', '340', '441 Spam'],
    ['IHAVE', 'IHAVE <1@x.test>\r\n', '335', '437 Spam'],
    ['TAKETHIS', 'TAKETHIS <1@x.test>\r\n', '', '439 <1@x.test>'],
  ] as const

  it.each(cases)('%s is refused, or stored without a reply', async (verb, command, ready, refusal) => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'nntp', feeds } as never] })
    lab.faults.add({ when: { on: 'end-of-data', verb }, do: { reply: refusal }, times: 1 })
    lab.faults.add({ when: { on: 'end-of-data', verb }, do: { drop: 'before', stored: true }, skip: 1 })
    const client = await LineClient.greeted(lab.server('nntp').port)
    for (const expected of [refusal, undefined]) {
      client.send(command)
      if (ready !== '') expect((await client.line())?.slice(0, 3)).toBe(ready)
      client.send(article('<1@x.test>'))
      expect(await client.line()).toBe(expected)
      if (expected) expect(await lab.articles('lab.general')).toHaveLength(0)
    }
    expect(await lab.articles('lab.general')).toHaveLength(1)
  })
})

describe('drop: rst', () => {
  it.each([
    ['in clear text', { when: { verb: 'EHLO' }, do: { drop: 'rst' } }],
    ['under TLS', { when: { verb: 'MAIL', tls: true }, do: { drop: 'rst' } }],
    ['before the greeting', { when: { on: 'connect' }, do: { drop: 'rst' } }],
    ['within a message', { when: { on: 'data' }, do: { dropAfterOctets: 10, drop: 'rst' } }],
    ['in the handshake', { when: { on: 'handshake' }, do: { drop: 'rst' } }],
  ] as readonly (readonly [string, FaultInput])[])('%s: nodemailer sees ECONNRESET', async (_, fault) => {
    await using lab = await startLab()
    const added = lab.faults.add({ ...fault, times: 1 })
    const transport = createTransport(lab.nodemailer())
    await expect(transport.sendMail(letter)).rejects.toThrow(/ECONNRESET/)
    expect(added.hits).toBe(1)
    expect(await send(lab)).toBe(250)
  })
})

describe('faults that could never happen after the content are refused', () => {
  it.each([
    [
      { when: { on: 'end-of-data', verb: 'RCPT' }, do: { reply: '550 no' } },
      'when.verb: is "RCPT": never holds on end-of-data; must be DATA, BDAT, APPEND, REPLACE, UID REPLACE, POST, IHAVE, TAKETHIS',
    ],
    [
      { when: { on: 'end-of-data', protocol: 'pop3' }, do: { delay: 1 } },
      'when.protocol: is "pop3": clients send no messages; end-of-data is for smtp, lmtp, imap4, nntp',
    ],
    [
      { when: { on: 'end-of-data' }, do: { silence: true } },
      'do.stored: is missing: write true (the message is kept, as if the acknowledgement were lost) or false (the message is lost)',
    ],
    [{ when: { on: 'end-of-data' }, do: { reply: '250 OK' } }, /^do\.stored: is missing: write true/],
    [{ when: { on: 'end-of-data' }, do: { delay: 1, stored: false } }, /^do\.stored: is false: has no effect/],
    [
      { when: { on: 'data' }, do: { drop: 'before' } },
      'do.drop: is "before": on data, only rst is possible, together with dropAfterOctets',
    ],
    [
      { when: { verb: 'RCPT' }, do: { reply: '550 no', stored: true } },
      'do.stored: is true: not possible on command, only on end-of-data',
    ],
  ] as readonly (readonly [FaultInput, string | RegExp])[])('%j', async (fault, message) => {
    await using lab = await startLab()
    expect(() => lab.faults.add(fault)).toThrow(message)
  })
})
