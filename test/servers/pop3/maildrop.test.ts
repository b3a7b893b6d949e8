import { describe, expect, test } from 'vitest'
import { pop3 } from '../../../servers/pop3/session.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { openInbox } from '../../../src/storage/store/mailboxes.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'

async function logOn(lab: MailLab, user = 'alice', password = 'secret'): Promise<LineClient> {
  const client = await LineClient.open(lab.port)
  await client.play(`S: +OK *\nC: USER ${user}\nS: +OK*\nC: PASS ${password}\nS: +OK*`)
  return client
}

/** Logs on, and retries until the maildrop is unlocked. */
async function logOnAgain(lab: MailLab): Promise<LineClient> {
  const client = await LineClient.greeted(lab.port)
  for (;;) {
    client.send('USER alice\r\nPASS secret\r\n')
    await client.line()
    const reply = await client.line()
    if (reply?.startsWith('+OK')) return client
    expect(reply).toMatch(/^-ERR \[IN-USE\] /)
  }
}

const mail = (n: number): string => `Subject: ${n}\r\n\r\nmessage ${n}\r\n`

test('a maildrop with captured mail is open to readers of captured mail only', async () => {
  const captured = { folder: 'all', readers: ['Alice'] }
  await using lab = await startMailLab(pop3, { server: { maildrop: 'captured' }, config: { mail: { captured } } })
  using client = await LineClient.open(lab.port)
  await client.play('S: +OK *\nC: USER bob\nS: +OK*\nC: PASS geheim\nS: -ERR [AUTH] *captured.readers*')
  await client.play('C: USER alice\nS: +OK*\nC: PASS secret\nS: +OK*')
})

test('RFC 1939 section 11: STAT and LIST give the octets that RETR sends, with the CRLF that it adds', async () => {
  await using lab = await startMailLab(pop3)
  const large = `Subject: large\r\n\r\n${'.text\r\n'.repeat(200_000)}end`
  const sent = [mail(1), 'Subject: 2\r\n\r\nno line end', 'Subject: 3', 'Subject: 4\r\n\r\nline feed\n', large, '']
  await lab.put('alice', ...sent)
  using client = await logOn(lab)
  const ask = async (command: string): Promise<string> => {
    client.send(`${command}\r\n`)
    return (await client.line()) ?? ''
  }
  const lines = (): Promise<string[]> => client.lines((line) => line === '.')
  const octets: number[] = []
  for (const [index, text] of sent.entries()) {
    const reply = await ask(`RETR ${index + 1}`)
    const content = (await lines()).slice(0, -1).map((line) => `${line.replace(/^\./, '')}\r\n`)
    octets.push(Buffer.byteLength(content.join(''), 'latin1'))
    expect(reply).toBe(`+OK ${octets.at(-1)} octets`)
    expect(content.join('')).toBe(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`)
    expect(await ask(`LIST ${index + 1}`)).toBe(`+OK ${index + 1} ${octets.at(-1)}`)
  }
  const sum = (from = 0): number => octets.slice(from).reduce((all, one) => all + one, 0)
  expect(await ask('STAT')).toBe(`+OK 6 ${sum()}`)
  expect(await ask('LIST')).toBe(`+OK 6 messages (${sum()} octets)`)
  expect(await lines()).toEqual([...octets.map((size, index) => `${index + 1} ${size}`), '.'])
  for (const number of [1, 2]) expect(await ask(`DELE ${number}`)).toMatch(/^\+OK/)
  expect(await ask('STAT')).toBe(`+OK 4 ${sum(2)}`)
  expect(await ask('RSET')).toBe(`+OK 6 messages (${sum()} octets)`)
})

describe('RFC 1939 section 4: the exclusive lock', () => {
  test('only one session can open a maildrop; other accounts are not affected', async () => {
    await using lab = await startMailLab(pop3)
    using _first = await logOn(lab)
    using second = await LineClient.open(lab.port)
    await second.play('S: +OK *\nC: USER alice\nS: +OK*\nC: PASS secret\nS: -ERR [IN-USE] *')
    await second.play('C: USER bob\nS: +OK*\nC: PASS geheim\nS: +OK*')
  })

  test.each<[string, (client: LineClient, lab: MailLab) => unknown]>([
    ['QUIT', (client) => client.send('QUIT\r\n')],
    ['a lost connection', (client) => client.destroy()],
    ['a half-closed connection', (client) => client.end()],
  ])('%s releases the lock', async (_, end) => {
    await using lab = await startMailLab(pop3)
    end(await logOn(lab), lab)
    using _again = await logOnAgain(lab)
  })

  test('a store that fails at log-on releases the lock', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1))
    const { id } = await openInbox(lab.store, accountOwner('alice'))
    const snapshot = lab.store.snapshot.bind(lab.store)
    lab.store.snapshot = () => Promise.reject(new StoreError('closed', 'the store is closed'))
    using client = await LineClient.open(lab.port)
    await client.play('S: +OK *\nC: USER alice\nS: +OK*\nC: PASS secret\nS: -ERR [SYS/TEMP] the store is closed')
    lab.store.snapshot = snapshot
    await client.play('C: USER alice\nS: +OK*\nC: PASS secret\nS: +OK 1 message *')
    expect(await lab.store.list(id)).toHaveLength(1)
  })
})

test('an unexpected error is an internal error, and the session continues', async () => {
  await using lab = await startMailLab(pop3)
  await lab.put('alice', mail(1))
  using client = await logOn(lab)
  lab.store.read = () => Promise.reject(new TypeError('a defect'))
  await client.play('C: RETR 1\nS: -ERR [SYS/TEMP] Internal server error.\nC: STAT\nS: +OK 1 *')
})

describe('the snapshot taken at log-on', () => {
  test('new mail is visible only after the next log-on', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1))
    const client = await logOn(lab)
    await lab.put('alice', mail(2))
    await client.play('C: STAT\nS: +OK 1 *\nC: QUIT\nS: +OK bye\nS: (end)')
    using again = await logOn(lab)
    await again.play('C: STAT\nS: +OK 2 *')
  })

  test('a message removed by another session is an error for RETR and TOP, but not for QUIT', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1), mail(2))
    const { id } = await openInbox(lab.store, accountOwner('alice'))
    const client = await logOn(lab)
    await lab.store.expunge(id, [1])
    await client.play(`C: RETR 1
      S: -ERR Message 1 was removed by another session.
      C: TOP 1 1
      S: -ERR Message 1 was removed by another session.
      C: DELE 1
      S: +OK*
      C: DELE 2
      S: +OK*
      C: QUIT
      S: +OK*
      S: (end)`)
    expect(await lab.store.list(id)).toEqual([])
  })

  test('unique ids are never reused', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1), mail(2), mail(3))
    const uidl = async (client: LineClient): Promise<string[]> => {
      client.send('UIDL\r\n')
      return (await client.lines((line) => line === '.')).slice(1, -1).map((line) => line.replace(/^\d+ /, ''))
    }
    const client = await logOn(lab)
    const before = await uidl(client)
    await client.play('C: DELE 1\nS: +OK*\nC: QUIT\nS: +OK*\nS: (end)')
    await lab.put('alice', mail(4))
    const after = await uidl(await logOn(lab))
    expect(after.slice(0, 2)).toEqual(before.slice(1))
    expect(new Set([...before, ...after]).size).toBe(4)
  })
})

describe('RFC 1939 section 6: UPDATE', () => {
  test.each<[string, (client: LineClient) => void]>([
    ['a lost connection', (client) => client.destroy()],
    ['a half-closed connection', (client) => client.end()],
  ])('%s without QUIT removes nothing', async (_, end) => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1))
    const client = await logOn(lab)
    await client.play('C: DELE 1\nS: +OK*')
    end(client)
    using again = await logOnAgain(lab)
    await again.play('C: STAT\nS: +OK 1 *')
  })

  test('a timeout removes no messages and sends no reply', async () => {
    await using lab = await startMailLab(pop3, { idleTimeoutMs: 300 })
    await lab.put('alice', mail(1))
    const client = await logOn(lab)
    await client.play('C: DELE 1\nS: +OK*\nS: (end)')
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('idle')
    expect(await lab.inbox('alice')).toHaveLength(1)
  })

  test('a lab that stops sends a farewell and removes no messages', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1))
    const client = await logOn(lab)
    await client.play('C: DELE 1\nS: +OK*')
    const stopped = lab.stop()
    await client.play('S: -ERR [SYS/TEMP] Server is shutting down.\nS: (end)')
    await stopped
    expect(await lab.inbox('alice')).toHaveLength(1)
  })

  test('QUIT replies SYS/TEMP if the store cannot remove messages, and releases the lock', async () => {
    await using lab = await startMailLab(pop3, { store: new MemoryStore({ clock: systemClock }) })
    await lab.put('alice', mail(1))
    lab.store.expunge = () => Promise.reject(new StoreError('read-only', 'the store is read-only'))
    const client = await logOn(lab)
    await client.play(
      'C: DELE 1\nS: +OK*\nC: QUIT\nS: -ERR [SYS/TEMP] Some deleted messages were not removed.\nS: (end)',
    )
    // Without DELE, nothing has to be removed.
    await (await logOn(lab)).play('C: QUIT\nS: +OK bye\nS: (end)')
  })

  test('messages may be marked as deleted in any order', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', mail(1), mail(2), mail(3))
    const client = await logOn(lab)
    await client.play('C: DELE 3\nS: +OK*\nC: DELE 1\nS: +OK*\nC: QUIT\nS: +OK bye, 2 messages removed\nS: (end)')
    expect((await lab.inbox('alice')).map(({ raw }) => raw)).toEqual([mail(2)])
  })
})

describe('messages', () => {
  test('large messages are streamed octet for octet, with dots at chunk boundaries', async () => {
    await using lab = await startMailLab(pop3)
    const line = '.\r\n..\r\n\r\n.x\r\n'
    const large = Buffer.from(`Subject: large\r\n\r\n${line.repeat(200_000)}`)
    await lab.put('alice', large)
    const client = await logOn(lab)
    client.send('RETR 1\r\n')
    expect(await client.line()).toBe(`+OK ${large.length} octets`)
    const lines = (await client.lines((text) => text === '.')).slice(0, -1)
    const got = lines.map((text) => `${text.replace(/^\./, '')}\r\n`).join('')
    expect(got === large.toString()).toBe(true)
    await client.play('C: TOP 1 3\nS: +OK*\nS: Subject: large\nS:\nS: ..\nS: ...\nS:\nS: .\nC: QUIT\nS: +OK*\nS: (end)')
  })

  test('a message that cannot be read to its end closes the connection, without the final dot', async () => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', `Subject: large\r\n\r\n${'x\r\n'.repeat(200_000)}`)
    const client = await logOn(lab)
    lab.store.stream = async function* () {
      yield Buffer.from('Subject: large\r\n\r\n')
      throw new StoreError('closed', 'the store is closed')
    }
    client.send('RETR 1\r\nNOOP\r\n')
    const received = await client.rest()
    expect('+OK 600018 octets|Subject: large||'.startsWith(received.join('|'))).toBe(true)
  })

  test('RFC 1939 section 7: TOP returns headers and lines of any length', async () => {
    await using lab = await startMailLab(pop3)
    const header = `${'X: y\r\n'.repeat(100_000)}\r\n`
    const body = 'body\r\n'.repeat(300_000)
    await lab.put('alice', header + body)
    using client = await logOn(lab)
    for (const lines of [0, 1, 200_000, 300_000, 300_001]) {
      client.send(`TOP 1 ${lines}\r\n`)
      expect(await client.line()).toBe('+OK top of message follows')
      const got = (await client.lines((text) => text === '.')).slice(0, -1).map((text) => `${text}\r\n`)
      expect(got.join('') === header + body.slice(0, 6 * lines)).toBe(true)
    }
  })

  test.each([
    ['an empty message', '', ['']],
    ['a header without a line end', 'Subject: x', ['Subject: x', '']],
    ['a header without a body', 'Subject: x\r\n', ['Subject: x', '']],
    ['an empty header', '\r\nfirst\r\n\r\nsecond\r\n', ['']],
  ])('RFC 1939 section 7: TOP 1 0 of %s', async (_, raw, expected) => {
    await using lab = await startMailLab(pop3)
    await lab.put('alice', raw)
    using client = await logOn(lab)
    client.send('TOP 1 0\r\n')
    expect(await client.lines((text) => text === '.')).toEqual(['+OK top of message follows', ...expected, '.'])
  })

  test('RETR returns every octet value unchanged', async () => {
    await using lab = await startMailLab(pop3)
    const octets = Buffer.from(
      Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => octet !== 10 && octet !== 13),
    )
    const message = Buffer.concat([Buffer.from('Subject: all\r\n\r\n'), octets, Buffer.from('\r\n')])
    await lab.put('alice', message)
    using client = await logOn(lab)
    client.send('RETR 1\r\n')
    const lines = (await client.lines((text) => text === '.')).slice(1, -1)
    expect(Buffer.from(lines.map((text) => `${text}\r\n`).join(''), 'latin1')).toEqual(message)
  })

  test('pipelined commands are answered in order', async () => {
    await using lab = await startMailLab(pop3)
    const messages = Array.from({ length: 500 }, (_, i) => mail(i + 1))
    await lab.put('alice', ...messages)
    const client = await logOn(lab)
    client.send(messages.map((_, i) => `RETR ${i + 1}\r\nDELE ${i + 1}\r\n`).join(''))
    client.send('QUIT\r\n')
    const all = (await client.rest()).join('\r\n')
    expect(all).toBe(
      `${messages.map((raw, i) => `+OK ${raw.length} octets\r\n${raw}.\r\n+OK message ${i + 1} deleted`).join('\r\n')}\r\n+OK bye, 500 messages removed`,
    )
    expect(await lab.inbox('alice')).toEqual([])
  })

  test('a line that is too long gets one error, and the session continues', async () => {
    await using lab = await startMailLab(pop3)
    const client = await LineClient.open(lab.port)
    client.send(`${'x'.repeat(200_000)}\r\nQUIT\r\n`)
    await client.play('S: +OK*\nS: -ERR Line too long.\nS: +OK bye\nS: (end)')
  })

  test('a client over the connection limit gets an error', async () => {
    await using lab = await startMailLab(pop3, { limits: { connections: 1 } })
    using _first = await logOn(lab)
    const second = await LineClient.open(lab.port)
    await second.play('S: -ERR [SYS/TEMP] Too many connections*\nS: (end)')
  })
})
