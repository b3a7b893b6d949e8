import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { basicMechanisms } from '../../support/basic-mechanisms.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'

type Form = 'clear' | 'STARTTLS' | 'TLS'
const forms: readonly Form[] = ['clear', 'STARTTLS', 'TLS']

/** Connects in one of the three ways and reads the greeting. */
async function connectBy(form: Form, lab: MailLab): Promise<LineClient> {
  const client = form === 'TLS' ? await LineClient.openTls(lab.tlsPort, lab.ca) : await LineClient.open(lab.port)
  await client.play('S: 220 localhost ESMTP Sealpost')
  if (form === 'STARTTLS') {
    await client.play('C: STARTTLS\nS: 220 2.0.0 Ready to start TLS')
    await client.startTls(lab.ca)
  }
  return client
}

async function ehlo(client: LineClient): Promise<string[]> {
  client.send('EHLO client.test\r\n')
  return client.lines((line) => /^\d{3} /.test(line))
}

const transmission: Record<Form, string> = { clear: 'ESMTP', STARTTLS: 'ESMTPS', TLS: 'ESMTPS' }

describe.each(forms)('a session by %s', (form) => {
  test('RFC 5321 section 3.3: a mail transaction', async () => {
    await using lab = await startMailLab(smtp)
    const client = await connectBy(form, lab)
    await ehlo(client)
    await client.play(`C: MAIL FROM:<sender@elsewhere.test>
      S: 250 2.1.0 Accepted
      C: RCPT TO:<alice@lab.test>
      S: 250 2.1.5 Accepted
      C: RCPT TO:<bob+news@lab.test>
      S: 250 2.1.5 Accepted
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>
      C: Subject: a test
      C: Message-ID: <1@client.test>
      C:
      C: ..one dot
      C: ...
      C: the end
      C: .
      S: 250 2.0.0 OK: queued as smtp-1.1
      C: QUIT
      S: 221 2.0.0 Bye
      S: (end)`)
    const tlsClause = form === 'clear' ? '' : '\r\n\ttls TLS_AES_\\w+'
    for (const user of ['alice', 'bob']) {
      const [{ raw, entry } = { raw: '', entry: undefined }, ...others] = await lab.inbox(user)
      expect(others).toEqual([])
      expect(raw).toMatch(
        new RegExp(
          `^Return-Path: <sender@elsewhere\\.test>\r\nReceived: from client\\.test \\(\\[127\\.0\\.0\\.1\\]\\)\r\n` +
            `\tby localhost \\(Sealpost\\) with ${transmission[form]} id smtp-1\\.1${tlsClause};\r\n` +
            `\t\\w{3}, \\d\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d \\+0000\r\n` +
            `Subject: a test\r\nMessage-ID: <1@client\\.test>\r\n\r\n\\.one dot\r\n\\.\\.\r\nthe end\r\n$`,
        ),
      )
      expect(entry).toMatchObject({
        envelope: {
          mailFrom: 'sender@elsewhere.test',
          rcptTo: ['alice@lab.test', 'bob+news@lab.test'],
          session: 'smtp-1',
        },
      })
    }
  })

  test('RFC 5321 section 4.1.1.1: EHLO announces what this channel allows', async () => {
    await using lab = await startMailLab(smtp)
    using client = await connectBy(form, lab)
    expect(await ehlo(client)).toEqual([
      '250-localhost greets [127.0.0.1]',
      '250-PIPELINING',
      `250-SIZE ${25 * 1024 * 1024}`,
      '250-8BITMIME',
      '250-SMTPUTF8',
      '250-CHUNKING',
      '250-BINARYMIME',
      '250-DSN',
      '250-ENHANCEDSTATUSCODES',
      '250-LIMITS RCPTMAX=1000',
      form === 'clear' ? '250-STARTTLS' : '250-REQUIRETLS',
      `250-AUTH ${basicMechanisms(form !== 'clear').join(' ')}`,
      '250-AUTH=LOGIN',
      '250 HELP',
    ])
  })

  test('RFC 4954: AUTH', async () => {
    await using lab = await startMailLab(smtp)
    const client = await connectBy(form, lab)
    await client.play('C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 503 5.5.1 *')
    await ehlo(client)
    await client.play(`C: AUTH
      S: 501 5.5.4 *
      C: AUTH NTLM
      S: 504 5.5.4 *
      C: AUTH PLAIN
      S: 334\\x20
      C: *
      S: 501 5.7.0 *
      C: AUTH PLAIN !!!
      S: 501 5.5.2 *
      C: AUTH PLAIN AGFsaWNlAHdyb25n
      S: 535 5.7.8 Authentication failed: unknown user name or bad password
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: YWxpY2U=
      S: 334 UGFzc3dvcmQ6
      C: c2VjcmV0
      S: 235 2.7.0 Authentication successful
      C: AUTH LOGIN
      S: 503 5.5.1 *`)
    expect((await ehlo(client)).filter((line) => /AUTH/.test(line))).toEqual([])
    await client.play(`C: MAIL FROM:<alice@lab.test>
      S: 250*
      C: RCPT TO:<bob@lab.test>
      S: 250*
      C: DATA
      S: 354*
      C:
      C: .
      S: 250*
      C: QUIT
      S: 221*`)
    expect((await lab.inbox('bob'))[0]?.raw).toContain(` with ${transmission[form]}A id `)
    expect(lab.sessions()[0]).toMatchObject({ user: 'alice' })
    const record = JSON.stringify(lab.sessions())
    for (const secret of ['AGFsaWNlAHNlY3JldA', 'c2VjcmV0', 'AGFsaWNlAHdyb25n']) expect(record).not.toContain(secret)
  })

  test('RFC 3030 section 2: BDAT', async () => {
    await using lab = await startMailLab(smtp)
    const client = await connectBy(form, lab)
    await ehlo(client)
    await client.play('C: MAIL FROM:<>\nS: 250*\nC: RCPT TO:<alice@lab.test>\nS: 250*')
    client.send('BDAT 10\r\nSubject: xBDAT 0\r\nBDAT 9 LAST\r\n\r\n\r\n.\r\n\r\n')
    await client.play('S: 250 2.0.0 10 octets received\nS: 250 2.0.0 0 octets received\nS: 250 2.0.0 OK*')
    expect((await lab.inbox('alice'))[0]?.raw).toMatch(/Subject: x\r\n\r\n\.\r\n\r\n$/)
    await client.play('C: QUIT\nS: 221*\nS: (end)')
  })
})

describe('commands and their order, RFC 5321 section 4.1.4', () => {
  test('ten unrecognized commands end the session', async () => {
    await using lab = await startMailLab(smtp)
    const client = await connectBy('clear', lab)
    client.send('XYZZY\r\n'.repeat(20))
    const replies = await client.rest()
    expect(replies).toHaveLength(10)
    expect(replies.at(-1)).toMatch(/^421 4\.7\.0 /)
  })

  test('RFC 2920: 50 pipelined mails in one write are answered in order', async () => {
    await using lab = await startMailLab(smtp)
    const client = await connectBy('clear', lab)
    await ehlo(client)
    const mail = 'MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n'
    client.send(`${mail.repeat(50)}QUIT\r\n`)
    const replies = (await client.rest()).map((line) => line.slice(0, 3))
    expect(replies).toEqual([...Array.from({ length: 50 }, () => ['250', '250', '354', '250']).flat(), '221'])
    expect(await lab.inbox('alice')).toHaveLength(50)
  })
})
