import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, withoutTrace } from './support.ts'

const envelope = 'MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\n'
/** Content that a server which counts wrongly would take for commands. */
const trap = 'RSET\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n'

/** The commands after EHLO, the code of each reply, and the messages that alice gets. RFC 3030 section 2. */
const dialogs: Readonly<Record<string, readonly [string, string, readonly string[]]>> = {
  'only LAST': [`${envelope}BDAT 0 LAST\r\n`, '250 250 250', ['']],
  'empty chunks': [
    `${envelope}BDAT 0\r\nBDAT 0\r\nBDAT 3\r\nx\r\nBDAT 0\r\nBDAT 0 LAST\r\n`,
    '250 250 250 250 250 250 250',
    ['x\r\n'],
  ],
  'case, white space, zeros': [`${envelope}bdat 0003\r\nx\r\nBdat 0 last \r\n`, '250 250 250 250', ['x\r\n']],
  'no line end at the end': [`${envelope}BDAT 1 LAST\r\nxNOOP\r\n`, '250 250 250 250', ['x']],
  'a line end after a chunk belongs to the next command': [
    `${envelope}BDAT 1 LAST\r\nx\r\nNOOP\r\n`,
    '250 250 250 500 250',
    ['x'],
  ],
  'DATA after an empty chunk': [`${envelope}BDAT 0\r\nDATA\r\nBDAT 3 LAST\r\nx\r\n`, '250 250 250 503 250', ['x\r\n']],
  'RCPT after an empty chunk': [
    `${envelope}BDAT 0\r\nRCPT TO:<bob@lab.test>\r\nBDAT 3 LAST\r\nx\r\n`,
    '250 250 250 503 250',
    ['x\r\n'],
  ],
  'a chunk after LAST': [
    `${envelope}BDAT 3 LAST\r\nx\r\nBDAT ${trap.length}\r\n${trap}NOOP\r\n`,
    '250 250 250 503 250',
    ['x\r\n'],
  ],
  'a chunk without a recipient': [
    `MAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@lab.test>\r\nBDAT ${trap.length} LAST\r\n${trap}NOOP\r\n`,
    '250 550 503 250',
    [],
  ],
  'a chunk without MAIL': [
    `BDAT ${trap.length}\r\n${trap}BDAT ${trap.length} LAST\r\n${trap}NOOP\r\n`,
    '503 503 250',
    [],
  ],
  'a chunk that is too large, and all after it': [
    `${envelope}BDAT 3\r\nx\r\nBDAT 2000 LAST\r\n${trap.padEnd(2_000)}BDAT 0 LAST\r\nBDAT ${trap.length} LAST\r\n${trap}NOOP\r\n`,
    '250 250 250 552 503 503 250',
    [],
  ],
  'chunks that are too large together': [
    `${envelope}BDAT 1000\r\n${'x'.repeat(1_000)}BDAT 1\r\nxBDAT 0 LAST\r\n`,
    '250 250 250 552 503',
    [],
  ],
  'exactly the size limit': [
    `${envelope}BDAT 999\r\n${'x'.repeat(999)}BDAT 1 LAST\r\nx`,
    '250 250 250 250',
    ['x'.repeat(1_000)],
  ],
  'RSET between': [
    `${envelope}BDAT 3\r\nx\r\nRSET\r\nBDAT ${trap.length} LAST\r\n${trap}${envelope}BDAT 3 LAST\r\ny\r\n`,
    '250 250 250 250 503 250 250 250',
    ['y\r\n'],
  ],
  'QUIT between': [`${envelope}BDAT 3\r\nx\r\nQUIT\r\nBDAT 0 LAST\r\n`, '250 250 250 221', []],
  'other commands between': [
    `${envelope}BDAT 3\r\nx\r\nNOOP\r\nVRFY x\r\nHELP\r\nDATA\r\nMAIL FROM:<>\r\nSTARTTLS\r\nXYZZY\r\nBDAT 3 LAST\r\ny\r\n`,
    '250 250 250 250 252 214 503 503 503 500 250',
    ['x\r\ny\r\n'],
  ],
  'DATA and chunks alternating': [
    `${envelope}DATA\r\n1\r\n.\r\n${envelope}BDAT 3 LAST\r\n2\r\n${envelope}DATA\r\n3\r\n.\r\n`,
    '250 250 354 250 250 250 250 250 250 354 250',
    ['1\r\n', '2\r\n', '3\r\n'],
  ],
  'CR and LF in two chunks': [
    `${envelope}BDAT 2\r\nx\rBDAT 2\r\n\n\nBDAT 0 LAST\r\n`,
    '250 250 250 250 250',
    ['x\r\n\r\n'],
  ],
  'every octet': [
    `${envelope}BDAT 256 LAST\r\n${String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet))}`,
    '250 250 250',
    [String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet)).replace('\n', '\r\n')],
  ],
}

describe('chunks', () => {
  test.each(Object.entries(dialogs))('%s', async (_, [text, codes, messages]) => {
    await using lab = await startMailLab(smtp, { limits: { messageSize: 1_000 } })
    const client = await greeted(lab)
    client.send(`${text}QUIT\r\n`)
    const replies = (await client.rest()).filter((line) => line[3] === ' ').map((line) => line.slice(0, 3))
    expect(replies).toEqual([...codes.split(' '), ...(codes.includes('221') ? [] : ['221'])])
    expect((await lab.inbox('alice')).map(({ raw }) => withoutTrace(raw))).toEqual(messages)
    expect(await lab.inbox('bob')).toEqual([])
  })

  test.each([
    'BDAT',
    'BDAT x',
    'BDAT -1',
    'BDAT 1.5',
    'BDAT LAST',
    'BDAT 1 FIRST',
    'BDAT 1 LAST x',
    `BDAT ${'9'.repeat(16)}`,
    'BDAT \xb2',
    'BDAT 0x10',
  ])('%j ends the session, because what follows may be content', expectEnd)

  test.each([13_000, 300_000])('a BDAT line with %i spaces ends the session, because content follows', (spaces) =>
    expectEnd(`bdat 3${' '.repeat(spaces)}LAST`),
  )

  async function expectEnd(command: string): Promise<void> {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.send(`${envelope}${command}\r\n${trap}`)
    const replies = await client.rest()
    expect(replies.map((line) => line.slice(0, 9))).toEqual(['250 2.1.0', '250 2.1.5', '421 4.5.4'])
    expect(await lab.inbox('bob')).toEqual([])
  }

  test('a chunk of absurd size is read as content until the client disconnects', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.send(`${envelope}BDAT 999999999999999 LAST\r\n${trap}`)
    client.end()
    expect((await client.rest()).map((line) => line.slice(0, 3))).toEqual(['250', '250'])
    expect(await lab.inbox('bob')).toEqual([])
  })

  test('a chunk that is refused for want of a log-on is read and dropped', async () => {
    await using lab = await startMailLab(smtp, { server: { authentication: ['basic'] } })
    const client = await LineClient.open(lab.port)
    client.send(`EHLO x\r\nBDAT ${trap.length} LAST\r\n${trap}NOOP\r\nQUIT\r\n`)
    const replies = (await client.rest()).filter((line) => line[3] === ' ').map((line) => line.slice(0, 3))
    expect(replies).toEqual(['220', '250', '530', '250', '221'])
  })

  test('a client may log on between messages sent in chunks', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    client.send(`${envelope}BDAT 3 LAST\r\nx\r\n`)
    for (let i = 0; i < 3; i++) expect(await client.line()).toMatch(/^250 /)
    expect(await ask(client, 'AUTH PLAIN AGFsaWNlAHNlY3JldA==')).toMatch(/^235 /)
  })
})

describe('RFC 3030 section 3: BINARYMIME', () => {
  const binary = 'Content-Transfer-Encoding: binary\r\n\r\n\0\xff\n.\nbare\rCR\r\n.\r\n\n'
  const mail = 'MAIL FROM:<a@b.test> BODY=binarymime\r\nRCPT TO:<alice@lab.test>\r\n'
  const codes = (lines: readonly string[]): string => lines.map((line) => line.slice(0, 3)).join(' ')

  test('keeps each octet, which 8BITMIME does not', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    for (const begin of [mail, envelope]) {
      client.send(
        Buffer.from(
          `${begin}BDAT 50\r\n${binary.slice(0, 50)}BDAT ${binary.length - 50} LAST\r\n${binary.slice(50)}`,
          'latin1',
        ),
      )
    }
    client.send('QUIT\r\n')
    expect(codes(await client.rest())).toBe('250 250 250 250 250 250 250 250 221')
    const kept = (await lab.inbox('alice')).map(({ raw }) => withoutTrace(raw))
    expect(kept).toEqual([binary, binary.replace(/\r?\n/g, '\r\n')])
  })

  test('is refused with DATA, and the transaction goes on', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.send(`${mail}DATA\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n`)
    expect(codes(await client.rest())).toBe('250 250 503 250 221')
    expect(await lab.inbox('alice')).toHaveLength(1)
  })

  test('is sent unchanged by POP3 and by FETCH BINARY; FETCH BODY has 0x80 for NUL', async () => {
    await using lab = await startLab({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    const large = `${binary}${'\0\n'.repeat(300_000)}`
    for (const message of [binary, large]) {
      const client = await LineClient.open(lab.server('smtp').port)
      client.send(Buffer.from(`EHLO x\r\n${mail}BDAT ${message.length} LAST\r\n${message}QUIT\r\n`, 'latin1'))
      expect(codes(await client.rest())).toMatch(/ 250 250 250 221$/)
    }
    const whole = async (protocol: 'pop3' | 'imap4', commands: string): Promise<string> => {
      const client = await LineClient.open(lab.server(protocol).port)
      client.send(commands)
      return (await client.rest()).join('\r\n')
    }
    const stuffed = (text: string): string => text.replace(/\r\n\./g, '\r\n..')
    const popped = await whole('pop3', 'USER alice\r\nPASS secret\r\nRETR 1\r\nRETR 2\r\nQUIT\r\n')
    for (const message of [binary, large]) expect(popped).toContain(`\r\n${stuffed(message.slice(0, -1))}`)
    const shown = await whole(
      'imap4',
      'a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1:2 (BINARY.PEEK[] BODY.PEEK[TEXT])\r\nd LOGOUT\r\n',
    )
    const body = binary.slice(binary.indexOf('\0'))
    expect(shown).toContain(binary)
    expect(shown).toContain(`{${body.length}}\r\n${body.replaceAll('\0', '\x80')})`)
    expect(shown).toContain(large)
  })
})

test('a binary message for a newsgroup becomes an article whose lines all end with CRLF', async () => {
  await using lab = await startLab({
    news: { groups: [{ name: 'lab.general', addresses: ['general@lab.test'] }] },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'nntp' }],
  })
  const client = await LineClient.greeted(lab.server('smtp').port)
  await ask(client, 'HELO client.test')
  const mail = 'From: a@b.test\r\nSubject: one\nControl: rmgroup lab.general\nApproved: x\r\n\r\nhello\n.\nend\r\n'
  await ask(client, 'MAIL FROM:<a@b.test> BODY=BINARYMIME')
  await ask(client, 'RCPT TO:<general@lab.test>')
  client.send(Buffer.from(`BDAT ${mail.length} LAST\r\n${mail}`, 'latin1'))
  expect(await client.line()).toMatch(/^250 /)
  client.destroy()
  using reader = await LineClient.greeted(lab.server('nntp').port)
  await ask(reader, 'GROUP lab.general')
  expect(await ask(reader, 'ARTICLE 1')).toMatch(/^220 /)
  const lines = await reader.lines((line) => line === '.')
  expect(lines).not.toContain('Control: rmgroup lab.general')
  expect(lines.slice(lines.indexOf('Subject: one'))).toEqual(['Subject: one', '', 'hello', '..', 'end', '.'])
})
