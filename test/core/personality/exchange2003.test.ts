import { afterAll, describe, expect, test } from 'vitest'
import { connect, session, startAs } from './support.ts'

const basic = { authentication: ['anonymous' as const, 'basic' as const] }

const lab = await startAs('exchange2003', {
  virtualServers: [
    { protocol: 'smtp', ...basic },
    { protocol: 'pop3', ...basic },
    { protocol: 'imap4', ...basic },
    { protocol: 'nntp', ...basic },
    { protocol: 'smtp', name: 'Bare', certificate: 'none', relay: 'deny', ...basic },
  ],
})
afterAll(() => lab.stop())

/** The commands of Outlook Express 6, with the answers of Exchange 2003. */
describe('a session of Outlook Express 6', () => {
  test('sends a message after AUTH LOGIN', async () => {
    await session(
      lab,
      'smtp',
      `S: 220 mail.lab.test Microsoft ESMTP MAIL Service, Version: 6.0.3790.3959 ready at *, * +0000
      C: EHLO oemcomputer
      S: 250-mail.lab.test Hello [127.0.0.1]
      S: 250-TURN
      S: 250-SIZE 4194304
      S: 250-ETRN
      S: 250-PIPELINING
      S: 250-DSN
      S: 250-ENHANCEDSTATUSCODES
      S: 250-8bitmime
      S: 250-BINARYMIME
      S: 250-CHUNKING
      S: 250-VRFY
      S: 250-TLS
      S: 250-STARTTLS
      S: 250-X-EXPS LOGIN
      S: 250-X-EXPS=LOGIN
      S: 250-AUTH LOGIN
      S: 250-AUTH=LOGIN
      S: 250-X-LINK2STATE
      S: 250-XEXCH50
      S: 250 OK
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: YWxpY2U=
      S: 334 UGFzc3dvcmQ6
      C: c2VjcmV0
      S: 235 2.7.0 Authentication successful.
      C: MAIL FROM: <alice@lab.test>
      S: 250 2.1.0 alice@lab.test....Sender OK
      C: RCPT TO: <bob@lab.test>
      S: 250 2.1.5 bob@lab.test\\x20
      C: DATA
      S: 354 Start mail input; end with <CRLF>.<CRLF>
      C: Message-ID: <000001c2a@oemcomputer>
      C: From: "Alice" <alice@lab.test>
      C: To: <bob@lab.test>
      C: Subject: from Outlook Express
      C: Date: Tue, 26 Nov 2002 13:00:00 +0100
      C: MIME-Version: 1.0
      C: X-Mailer: Microsoft Outlook Express 6.00.2800.1106
      C:
      C: Hello Bob
      C: .
      S: 250 2.6.0 <000001c2a@oemcomputer> Queued mail for delivery
      C: QUIT
      S: 221 2.0.0 mail.lab.test Service closing transmission channel
      S: (end)`,
    )
  })

  test('reads mail over POP3', async () => {
    await lab.reset()
    await lab.deliver('Subject: first\r\n\r\nText\r\n', { to: 'bob@lab.test' })
    await lab.deliver(MAIL, { to: 'bob@lab.test' })
    const octets = (await lab.messages({ subject: 'for POP3' }))[0]?.raw.length
    await session(
      lab,
      'pop3',
      `S: +OK Microsoft Exchange Server 2003 POP3 server version 6.5.7638.1 (mail.lab.test) ready.
      C: CAPA
      S: +OK Capability list follows
      S: TOP
      S: USER
      S: PIPELINING
      S: EXPIRE NEVER
      S: UIDL
      S: .
      C: STAT
      S: -ERR Command is not valid in this state.
      C: USER bob
      S: +OK
      C: PASS wrong
      S: -ERR Logon failure: unknown user name or bad password.
      C: USER LAB\\bob
      S: +OK
      C: PASS geheim
      S: +OK User successfully logged on.
      C: STAT
      S: +OK 2 *
      C: UIDL
      S: +OK
      S: 1 *
      S: 2 *
      S: .
      C: LIST
      S: +OK 2 *
      S: 1 *
      S: 2 ${octets}
      S: .
      C: LIST 2
      S: +OK 2 ${octets}
      C: LIST 3
      S: -ERR The specified message is out of range.
      C: TOP 2 0
      S: +OK
      S: From: alice@lab.test
      S: To: bob@lab.test
      S: Subject: for POP3
      S:
      S: .
      C: RETR 2
      S: +OK
      S: From: alice@lab.test
      S: To: bob@lab.test
      S: Subject: for POP3
      S:
      S: Text
      S: .
      C: DELE 2
      S: +OK
      C: QUIT
      S: +OK Microsoft Exchange Server 2003 POP3 server version 6.5.7638.1 signing off.
      S: (end)`,
    )
  })

  test('synchronizes headers over IMAP4', async () => {
    await lab.reset()
    await lab.deliver(MAIL, { to: 'alice@lab.test' })
    const fields = 'References X-Ref X-Priority X-MSMail-Priority X-MSOESRec Newsgroups'
    await session(
      lab,
      'imap4',
      `S: * OK Microsoft Exchange Server 2003 IMAP4rev1 server version 6.5.7638.1 (mail.lab.test) ready.
      C: 000A CAPABILITY
      S: * CAPABILITY IMAP4 IMAP4rev1 IDLE LOGIN-REFERRALS MAILBOX-REFERRALS NAMESPACE LITERAL+ UIDPLUS CHILDREN
      S: 000A OK CAPABILITY completed.
      C: 000B LOGIN "alice" "wrong"
      S: 000B NO Logon failure: unknown user name or bad password.
      C: 000C LOGIN "alice" "secret"
      S: 000C OK LOGIN completed.
      C: 000D LIST "" "Sent"
      S: * LIST (\\HasNoChildren) "/" Sent
      S: 000D OK LIST completed.
      C: 000E SELECT "INBOX"
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)
      S: * OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags
      S: * OK [UNSEEN 1] Is the first unseen message
      S: * OK [UIDVALIDITY *] UIDVALIDITY value
      S: 000E OK [READ-WRITE] SELECT completed.
      C: 000F UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (${fields})] ENVELOPE RFC822.SIZE UID FLAGS INTERNALDATE)
      S: * 1 FETCH (BODY[HEADER.FIELDS (${fields})] {2}
      S:
      S:  ENVELOPE (NIL "for POP3" * RFC822.SIZE * UID 1 FLAGS (\\Recent) INTERNALDATE "* +0000")
      S: 000F OK FETCH completed.
      C: 000G APPEND "Sent Items" (\\Seen) {6}
      S: 000G NO [TRYCREATE] *
      C: 000H CREATE "Sent Items"
      S: 000H OK CREATE completed.
      C: 000I APPEND "Sent Items" (\\Seen) {6+}
      C: A: b
      C:
      S: 000I OK [APPENDUID * 1] APPEND completed.
      C: 000J IDLE
      S: + *
      C: DONE
      S: 000J OK IDLE completed.
      C: 000K LOGOUT
      S: * BYE Microsoft Exchange Server 2003 IMAP4rev1 server version 6.5.7638.1 signing off.
      S: 000K OK LOGOUT completed.
      S: (end)`,
    )
  })

  test('reads and posts news', async () => {
    await session(
      lab,
      'nntp',
      `S: 200 NNTP Service 6.0.3790.3959 Version: 6.0.3790.3959 Posting Allowed
      C: MODE READER
      S: 200 NNTP Service 6.0.3790.3959 Version: 6.0.3790.3959 Posting Allowed
      C: LIST
      S: 215 list of newsgroups follow
      S: control.cancel 0 1 n
      S: control.newgroup 0 1 n
      S: control.rmgroup 0 1 n
      S: lab.general 0 1 y
      S: .
      C: POST
      S: 340 Continue posting - terminate with period
      C: From: "Alice" <alice@lab.test>
      C: Newsgroups: lab.general
      C: Subject: from Outlook Express
      C: Date: Tue, 26 Nov 2002 13:00:00 +0100
      C: Message-ID: <000001c2b@oemcomputer>
      C: X-Newsreader: Microsoft Outlook Express 6.00.2800.1106
      C:
      C: Hello
      C: .
      S: 240 Article Posted OK
      C: GROUP lab.general
      S: 211 1 1 1 lab.general
      C: XOVER 1-1
      S: 224 data follows
      S: 1\tfrom Outlook Express\t"Alice" <alice@lab.test>\tTue, 26 Nov 2002 13:00:00 +0100\t<000001c2b@oemcomputer>\t*
      S: .
      C: XHDR newsgroups 1-1
      S: 221 data follows
      S: 1 lab.general
      S: .
      C: ARTICLE 9
      S: 423 no such article number in this group
      C: GROUP lab.missing
      S: 411 no such newsgroup
      C: QUIT
      S: 205 closing connection - goodbye!
      S: (end)`,
    )
  })
})

const MAIL = 'From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: for POP3\r\n\r\nText\r\n'

const GREETED = 'S: 220 *\nC: HELO client.test\nS: 250 mail.lab.test Hello [127.0.0.1]\n'
const LOGGED_ON = `${GREETED}C: X-EXPS LOGIN
  S: 334 VXNlcm5hbWU6
  C: YWxpY2U=
  S: 334 UGFzc3dvcmQ6
  C: c2VjcmV0
  S: 235 2.7.0 Authentication successful.\n`

describe('commands that only Exchange has', () => {
  test('XEXCH50 is refused without a log-on, so that no octets follow', async () => {
    await session(
      lab,
      'smtp',
      `${GREETED}C: XEXCH50 1092 2\nS: 504 Need to authenticate first\nC: NOOP\nS: 250 2.0.0 OK`,
    )
  })

  test('after a log-on, the octets of XEXCH50 are read before it is refused', async () => {
    const client = await session(lab, 'smtp', `${LOGGED_ON}C: XEXCH50 12 1\nS: 354 Send binary data`)
    client.send(Buffer.from('QUIT\r\n\0\r\nQUI'))
    await client.play('S: 550 5.7.1 The properties are not accepted\nC: NOOP\nS: 250 2.0.0 OK')
  })

  test.each(['FIRST', 'NEXT', 'LAST'])('X-LINK2STATE %s CHUNK is refused', async (which) => {
    const command = `X-LINK2STATE ${which} CHUNK={00000142} MULTI (5) ({f4f1d1d1-0000-0000-0000-000000000000} 1 0)`
    await session(lab, 'smtp', `${GREETED}C: ${command}\nS: 504 Need to authenticate first`)
    await session(
      lab,
      'smtp',
      `${LOGGED_ON}C: ${command}\nS: 550 5.7.1 The link state is not accepted\nC: NOOP\nS: 250 *`,
    )
  })

  test('ETRN tells own names, captured domains and other domains apart (RFC 1985 section 5)', async () => {
    await lab.deliver(MAIL, { to: 'carol@elsewhere.test' })
    await session(
      lab,
      'smtp',
      `${GREETED}C: ETRN lab.test
      S: 251 2.0.0 OK, no messages waiting for node lab.test
      C: ETRN @elsewhere.test
      S: 458 4.5.0 Unable to queue messages for node elsewhere.test
      C: ETRN nowhere.test
      S: 459 4.7.1 Node nowhere.test not allowed: no messages are kept for it
      C: ETRN
      S: 501 5.5.4 Invalid arguments`,
    )
  })

  test('TURN needs a log-on; then the lab ends the session as a client (RFC 821 section 3.8)', async () => {
    await session(lab, 'smtp', `${GREETED}C: TURN\nS: 502 5.7.0 TURN needs a log-on\nC: NOOP\nS: 250 *`)
    await session(lab, 'smtp', `${LOGGED_ON}C: TURN\nS: 250 2.0.0 OK\nC: 220 client.test ready\nS: QUIT\nS: (end)`)
  })

  test('VRFY reveals nothing', async () => {
    const reply = 'S: 252 2.1.5 Cannot VRFY user, but will take message for <bob@lab.test>'
    await session(lab, 'smtp', `${GREETED}C: VRFY bob@lab.test\n${reply}`)
  })
})

test('integrated Windows authentication is announced where Sealpost offers NTLM', async () => {
  await using integrated = await startAs('exchange2003')
  const smtp = await session(integrated, 'smtp', 'S: 220 *\nC: EHLO client.test')
  const lines = await smtp.lines((line) => line.startsWith('250 '))
  expect(lines.filter((line) => /X-EXPS|AUTH/.test(line))).toEqual([
    '250-X-EXPS GSSAPI NTLM LOGIN',
    '250-X-EXPS=LOGIN',
    '250-AUTH GSSAPI NTLM LOGIN',
    '250-AUTH=LOGIN',
  ])
  await smtp.play('C: AUTH GSSAPI\nS: 504 5.7.4 Unrecognized authentication type\nC: AUTH NTLM\nS: 334 ntlm supported')
  const pop3 = await session(integrated, 'pop3', 'S: +OK *\nC: CAPA')
  expect(await pop3.lines((line) => line === '.')).toContain('SASL NTLM')
  const imap4 = await session(integrated, 'imap4', 'S: * OK *\nC: 1 CAPABILITY')
  expect(await imap4.line()).toMatch(/ CHILDREN AUTH=NTLM$/)
})

describe('errors', () => {
  test('SMTP says what is missing', async () => {
    await session(
      lab,
      'smtp',
      `S: 220 *
      C: MAIL FROM:<alice@lab.test>
      S: 503 5.5.2 Send hello first
      C: HELO client.test
      S: 250 *
      C: RCPT TO:<bob@lab.test>
      S: 503 5.5.2 Need mail command.
      C: MAIL FROM:<>
      S: 250 2.1.0 <>....Sender OK
      C: MAIL FROM:<alice@lab.test>
      S: 503 5.5.2 Sender already specified
      C: DATA
      S: 503 5.5.2 Need Rcpt command.
      C: RCPT TO:<nobody@lab.test>
      S: 550 5.1.1 User unknown
      C: FROB
      S: 500 5.3.3 Unrecognized command
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      S: 503 *
      C: RSET
      S: 250 2.0.0 Resetting
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      S: 504 5.7.4 Unrecognized authentication type
      C: MAIL FROM:<alice@lab.test> SIZE=5000000
      S: 552 5.3.4 Message size exceeds fixed maximum message size`,
    )
  })

  test('a server without a certificate has no TLS, and may refuse to relay', async () => {
    const client = await session(lab, 'Bare' as 'smtp', 'S: 220 *\nC: EHLO client.test')
    const lines = await client.lines((line) => line.startsWith('250 '))
    expect(lines.filter((line) => /TLS/.test(line))).toEqual([])
    await client.play(`C: STARTTLS
      S: 554 5.7.3 Unable to initialize security subsystem
      C: MAIL FROM:<alice@lab.test>
      S: 250 *
      C: RCPT TO:<carol@elsewhere.test>
      S: 550 5.7.1 Unable to relay for carol@elsewhere.test`)
  })

  test('NNTP does not know CAPABILITIES', async () => {
    await session(
      lab,
      'nntp',
      'S: 200 *\nC: CAPABILITIES\nS: 500 Command Not Recognized\nC: XFROB\nS: 500 Command Not Recognized',
    )
  })

  test('NNTP asks for a log-on in its own words', async () => {
    await using closed = await startAs('exchange2003', {
      virtualServers: [{ protocol: 'nntp', authentication: ['basic'] }],
    })
    await session(
      closed,
      'nntp',
      `S: 200 *
      C: GROUP lab.general
      S: 480 Logon Required
      C: AUTHINFO USER alice
      S: 381 Waiting for password
      C: AUTHINFO PASS wrong
      S: 502 Access Denied.
      C: AUTHINFO USER alice
      S: 381 Waiting for password
      C: AUTHINFO PASS secret
      S: 281 Authentication ok
      C: GROUP lab.general
      S: 211 0 *`,
    )
  })
})

test('connections over the limit are refused in the words of each server', async () => {
  await using full = await startAs('exchange2003', {
    virtualServers: [{ protocol: 'nntp', limits: { connections: 1 } }],
  })
  await session(full, 'nntp', 'S: 200 *')
  await (await connect(full, 'nntp')).play('S: 502 Connection Refused')
})

test('a connection takes 20 messages, unless the configuration says otherwise', async () => {
  const client = await session(lab, 'smtp', `${GREETED}`)
  const transaction = `C: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<bob@lab.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: .\nS: 250 *\n`
  await client.play(transaction.repeat(20))
  await client.play('C: MAIL FROM:<>\nS: 421 *')
})

test('a connection takes as many octets as the limit of the session, and its YAML counts more than the personality', async () => {
  const limits = { messagesPerConnection: 1000, messageSize: '25MiB', sessionSize: 100 }
  await using small = await startAs('exchange2003', { virtualServers: [{ protocol: 'smtp', limits }] })
  const client = await session(small, 'smtp', 'S: 220 *\nC: EHLO client.test')
  expect(await client.lines((line) => line.startsWith('250 '))).toContain('250-SIZE 26214400')
  const start = 'C: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<bob@lab.test>\nS: 250 *\nC: DATA\nS: 354 *\n'
  const text = `C: Subject: ${'x'.repeat(50)}\nC: .\n`
  await client.play(`${start}${text}S: 250 2.6.0 <*@mail.lab.test> Queued mail for delivery`)
  await client.play(`${start}${text}S: 552 5.3.4 Session size exceeds fixed maximum session size`)
})

test('a secure channel can be required, and STARTTLS works although it is not announced', async () => {
  await using secure = await startAs('exchange2003', {
    virtualServers: [
      { protocol: 'pop3', requireSecureChannel: true },
      { protocol: 'imap4', requireSecureChannel: true },
    ],
  })
  await session(secure, 'pop3', 'S: +OK *\nC: USER alice\nS: -ERR *')
  await session(secure, 'imap4', 'S: * OK *\nC: 1 LOGIN alice secret\nS: 1 NO [PRIVACYREQUIRED] *')
  const pop3 = await session(secure, 'pop3', 'S: +OK *\nC: STLS\nS: +OK *')
  await pop3.startTls(secure.ca)
  await pop3.play('C: USER alice\nS: +OK\nC: PASS secret\nS: +OK User successfully logged on.')
  const imap4 = await session(secure, 'imap4', 'S: * OK *\nC: 1 STARTTLS\nS: 1 OK *')
  await imap4.startTls(secure.ca)
  await imap4.play('C: 2 LOGIN alice secret\nS: 2 OK LOGIN completed.')
})
