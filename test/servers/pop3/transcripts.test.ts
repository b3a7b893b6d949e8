import { describe, expect, test } from 'vitest'
import { pop3 } from '../../../servers/pop3/session.ts'
import { basicMechanisms } from '../../support/basic-mechanisms.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, type MailLabOptions, startMailLab } from '../../support/mail-lab.ts'

type Form = 'clear' | 'STLS' | 'TLS'
const forms: readonly Form[] = ['clear', 'STLS', 'TLS']

/** Opens a connection in clear text, with STLS or with implicit TLS, and reads the greeting. */
async function connectBy(form: Form, lab: MailLab): Promise<LineClient> {
  const client = form === 'TLS' ? await LineClient.openTls(lab.tlsPort, lab.ca) : await LineClient.open(lab.port)
  await client.play('S: +OK Sealpost POP3 server ready*')
  if (form === 'STLS') {
    await client.play('C: STLS\nS: +OK Begin TLS negotiation now.')
    await client.startTls(lab.ca)
  }
  return client
}

const one = 'Subject: one\r\n\r\nfirst\r\nsecond\r\n'
const two = 'Subject: two\r\n\r\n.dot\r\n..\r\nend\r\n'
const headerOnly = 'Subject: three\r\n'
const logOn = `
  C: USER alice
  S: +OK send PASS
  C: PASS secret
  S: +OK 3 messages (*`

async function withMail(options: MailLabOptions = {}): Promise<MailLab> {
  const lab = await startMailLab(pop3, options)
  await lab.put('alice', one, two, headerOnly)
  return lab
}

describe.each(forms)('over %s', (form) => {
  test('RFC 1939 section 5: the TRANSACTION state', async () => {
    await using lab = await withMail()
    const client = await connectBy(form, lab)
    await client.play(`${logOn}
      C: STAT
      S: +OK 3 78
      C: LIST
      S: +OK 3 messages (78 octets)
      S: 1 31
      S: 2 31
      S: 3 16
      S: .
      C: LIST 2
      S: +OK 2 31
      C: LIST 4
      S: -ERR No such message: 4
      C: RETR 1
      S: +OK 31 octets
      S: Subject: one
      S:
      S: first
      S: second
      S: .
      C: NOOP
      S: +OK*
      C: DELE 1
      S: +OK*
      C: DELE 1
      S: -ERR No such message: 1
      C: RETR 1
      S: -ERR No such message: 1
      C: LIST 1
      S: -ERR No such message: 1
      C: STAT
      S: +OK 2 47
      C: LIST
      S: +OK 2 messages (47 octets)
      S: 2 31
      S: 3 16
      S: .
      C: RSET
      S: +OK 3 messages (78 octets)
      C: STAT
      S: +OK 3 78
      C: DELE 2
      S: +OK*
      C: QUIT
      S: +OK bye, 1 message removed
      S: (end)`)
    expect((await lab.inbox('alice')).map(({ raw }) => raw)).toEqual([one, headerOnly])
  })

  test('RFC 1939 section 7: TOP and UIDL', async () => {
    await using lab = await withMail()
    const client = await connectBy(form, lab)
    await client.play(`${logOn}
      C: TOP 1 0
      S: +OK *
      S: Subject: one
      S:
      S: .
      C: TOP 1 1
      S: +OK *
      S: Subject: one
      S:
      S: first
      S: .
      C: TOP 2 100
      S: +OK *
      S: Subject: two
      S:
      S: ..dot
      S: ...
      S: end
      S: .
      C: TOP 3 5
      S: +OK *
      S: Subject: three
      S:
      S: .
      C: TOP 9 1
      S: -ERR No such message: 9
      C: UIDL 2
      S: +OK 2 *.2
      C: UIDL
      S: +OK *
      S: 1 *.1
      S: 2 *.2
      S: 3 *.3
      S: .
      C: QUIT
      S: +OK bye
      S: (end)`)
  })

  test('RFC 2449 section 5: CAPA depends on the channel and the state', async () => {
    await using lab = await withMail()
    using client = await connectBy(form, lab)
    const capabilities = async (): Promise<string[]> => {
      client.send('CAPA\r\n')
      return (await client.lines((line) => line === '.')).slice(1, -1)
    }
    const always = [
      'TOP',
      'UIDL',
      'RESP-CODES',
      'AUTH-RESP-CODE',
      'PIPELINING',
      'EXPIRE NEVER',
      'UTF8 USER',
      'LANG',
      'USER',
    ]
    always.push(`SASL ${basicMechanisms(form !== 'clear').join(' ')}`)
    const stls = form === 'clear' ? ['STLS'] : []
    expect(await capabilities()).toEqual([...always, ...stls, 'IMPLEMENTATION Sealpost'])
    await client.play(logOn)
    expect(await capabilities()).toEqual([...always, 'IMPLEMENTATION Sealpost'])
  })

  test('RFC 5034 section 4: AUTH', async () => {
    await using lab = await withMail()
    const client = await connectBy(form, lab)
    await client.play(`C: AUTH
      S: +OK *
      ${basicMechanisms(form !== 'clear')
        .map((name) => `S: ${name}`)
        .join('\n')}
      S: .
      C: AUTH NTLM
      S: -ERR *
      C: AUTH PLAIN
      S: +\\x20
      C: *
      S: -ERR Authentication cancelled.
      C: AUTH PLAIN AGFsaWNlAA==
      S: -ERR [AUTH] *
      C: AUTH PLAIN !
      S: -ERR Invalid base64 in the response.
      C: AUTH LOGIN
      S: + VXNlcm5hbWU6
      C: YWxpY2U=
      S: + UGFzc3dvcmQ6
      C: c2VjcmV0
      S: +OK 3 messages*
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      S: -ERR Command is not valid in this state.
      C: QUIT
      S: +OK bye
      S: (end)`)
  })
})

describe('log-on', () => {
  test('RFC 1939 section 4: the AUTHORIZATION state', async () => {
    await using lab = await withMail()
    const client = await connectBy('clear', lab)
    await client.play(`C: STAT
      S: -ERR Command is not valid in this state.
      C: PASS secret
      S: -ERR Send USER first.
      C: USER
      S: -ERR Missing argument.
      C: USER alice
      S: +OK send PASS
      C: PASS Secret
      S: -ERR [AUTH] Logon failure: unknown user name or bad password.
      C: PASS secret
      S: -ERR Send USER first.
      C: user LAB\\alice\\alice
      S: +OK send PASS
      C: pass secret
      S: +OK 3 messages*
      C: USER alice
      S: -ERR Command is not valid in this state.
      C: STLS
      S: -ERR Command is not valid in this state.
      C: XYZZY
      S: -ERR Unknown command.
      C: RETR 0
      S: -ERR No such message: 0
      C: QUIT
      S: +OK bye
      S: (end)`)
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('server closed')
    expect(lab.sessions()[0]?.refusals).toEqual(['-ERR [AUTH] Logon failure: unknown user name or bad password.'])
  })

  test('QUIT ends a session without a log-on', async () => {
    await using lab = await startMailLab(pop3)
    const client = await connectBy('clear', lab)
    await client.play('C: QUIT now\nS: -ERR This command takes no arguments.\nC: QUIT\nS: +OK bye\nS: (end)')
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('server closed')
  })

  const count = 'Wrong number of arguments.'
  const none = 'This command takes no arguments.'
  test.each([
    ['APOP alice', count],
    ['APOP alice 0123456789abcdef0123456789abcdef more', count],
    ['AUTH PLAIN AGFsaWNlAHNlY3JldA== more', count],
    ['AUTH  PLAIN', count],
    ['PASS', 'Missing argument.'],
    ['CAPA all', none],
  ])('%s is refused before the log-on: %s', async (command, refusal) => {
    await using lab = await withMail()
    using client = await connectBy('clear', lab)
    await client.play(`C: ${command}\nS: -ERR ${refusal}`)
    await client.play(logOn)
  })

  test.each([
    ['STAT 1', none],
    ['NOOP 1', none],
    ['RSET 1', none],
    ['LIST 1 2', count],
    ['LIST one', 'Invalid number.'],
    ['UIDL 1 2', count],
    ['RETR', count],
    ['RETR 1 2', count],
    ['RETR  1', count],
    ['RETR 1 ', count],
    ['RETR one', 'Invalid number.'],
    ['RETR +1', 'Invalid number.'],
    ['RETR 12345678901', 'Invalid number.'],
    ['DELE 1 2', count],
    ['TOP 1', count],
    ['TOP 1 1 1', count],
    ['TOP 1 -1', 'Invalid number.'],
  ])('%s is refused after the log-on: %s', async (command, refusal) => {
    await using lab = await withMail()
    using client = await connectBy('clear', lab)
    await client.play(logOn)
    client.send(`${command}\r\nSTAT\r\n`)
    await client.play(`S: -ERR ${refusal}\nS: +OK 3 78`)
  })

  test('the first log-on creates an empty maildrop', async () => {
    await using lab = await startMailLab(pop3, { mode: 'open' })
    const client = await connectBy('clear', lab)
    await client.play(`C: USER someone new
      S: +OK send PASS
      C: PASS any password
      S: +OK 0 messages (0 octets)
      C: STAT
      S: +OK 0 0
      C: LIST
      S: +OK 0 messages (0 octets)
      S: .
      C: UIDL
      S: +OK *
      S: .
      C: QUIT
      S: +OK bye`)
  })

  test('an open directory has no passwords, so APOP and CRAM-MD5 are not available', async () => {
    await using lab = await startMailLab(pop3, { mode: 'open' })
    using client = await LineClient.open(lab.port)
    await client.play(`S: +OK Sealpost POP3 server ready
      C: APOP alice 0123456789abcdef0123456789abcdef
      S: -ERR APOP is not available*
      C: AUTH CRAM-MD5
      S: -ERR *`)
  })
})
