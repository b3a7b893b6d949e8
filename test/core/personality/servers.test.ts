import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PersonalityName, personalityNames, type ServerProtocol } from '../../../src/core/config/schema.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { connect, session, startAs } from './support.ts'

const MAIL = 'From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: news\r\n\r\nText\r\n'
const basic = { authentication: ['anonymous' as const, 'basic' as const] }

/** The transcripts of a server. `EHLO` and `CAPABILITY` are what they list in clear text, with a certificate. */
interface Expected {
  readonly smtp?: string
  readonly pop3: string
  readonly imap4: string
  readonly lmtp?: string
  readonly managesieve?: string
}

const servers: Readonly<Partial<Record<PersonalityName, Expected>>> = {
  gmail: {
    smtp: `S: 220 mail.lab.test ESMTP * - gsmtp
      C: EHLO client.test
      S: 250-mail.lab.test at your service, [127.0.0.1]
      S: 250-SIZE 35882577
      S: 250-8BITMIME
      S: 250-STARTTLS
      S: 250-ENHANCEDSTATUSCODES
      S: 250-PIPELINING
      S: 250-CHUNKING
      S: 250 SMTPUTF8
      C: RCPT TO:<bob@lab.test>
      S: 503 5.5.1 MAIL first. * - gsmtp
      C: MAIL FROM:<alice@lab.test>
      S: 250 2.1.0 OK * - gsmtp
      C: RCPT TO:<bob@lab.test>
      S: 250 2.1.5 OK * - gsmtp
      C: DATA
      S: 354 Go ahead * - gsmtp
      C: .
      S: 250 2.0.0 OK * - gsmtp
      C: QUIT
      S: 221 2.0.0 closing connection * - gsmtp`,
    pop3: `S: +OK Gpop ready for requests from 127.0.0.1 *
      C: CAPA
      S: +OK Capability list follows
      S: USER
      S: RESP-CODES
      S: EXPIRE 0
      S: LOGIN-DELAY 300
      S: TOP
      S: UIDL
      S: STLS
      S: SASL PLAIN
      S: .
      C: USER alice
      S: +OK send PASS
      C: PASS wrong
      S: -ERR [AUTH] Username and password not accepted.
      C: USER alice
      S: +OK send PASS
      C: PASS secret
      S: +OK Welcome.
      C: LIST
      S: +OK 1 messages (* bytes)
      S: 1 *
      S: .
      C: DELE 1
      S: +OK marked for deletion
      C: RSET
      S: +OK
      C: QUIT
      S: +OK Farewell.`,
    imap4: `S: * OK Gimap ready for requests from 127.0.0.1 *
      C: a CAPABILITY
      S: * CAPABILITY IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=PLAIN STARTTLS
      S: a OK Thats all she wrote! *
      C: b LOGIN alice wrong
      S: b NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)
      C: c LOGIN alice secret
      S: * CAPABILITY IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584
      S: c OK alice authenticated (Success)
      C: d SELECT INBOX
      S: * FLAGS (*$NotPhishing $Phishing)
      S: * OK [PERMANENTFLAGS (*\\*)] Flags permitted.
      S: * OK [UIDVALIDITY *] UIDs valid.
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * OK [UIDNEXT *] Predicted next UID.
      S: * OK [HIGHESTMODSEQ *] *
      S: d OK [READ-WRITE] Mailbox selected. (Success)
      C: e LOGOUT
      S: * BYE LOGOUT Requested
      S: e OK 73 good day (Success)`,
  },
  microsoft365: {
    smtp: `S: 220 mail.lab.test Microsoft ESMTP MAIL Service ready at *
      C: EHLO client.test
      S: 250-mail.lab.test Hello [127.0.0.1]
      S: 250-SIZE 157286400
      S: 250-PIPELINING
      S: 250-DSN
      S: 250-ENHANCEDSTATUSCODES
      S: 250-STARTTLS
      S: 250-AUTH LOGIN
      S: 250-8BITMIME
      S: 250-BINARYMIME
      S: 250-CHUNKING
      S: 250 SMTPUTF8
      C: MAIL FROM:<alice@lab.test>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<bob@lab.test>
      S: 250 2.1.5 Recipient OK
      C: QUIT
      S: 221 2.0.0 Service closing transmission channel`,
    // The host in UTF-16 and base64
    pop3: `S: +OK The Microsoft Exchange POP3 service is ready. [bQBhAGkAbAAuAGwAYQBiAC4AdABlAHMAdAA=]
      C: CAPA
      S: +OK
      S: TOP
      S: UIDL
      S: STLS
      S: SASL PLAIN
      S: USER
      S: .
      C: USER alice
      S: +OK
      C: PASS secret
      S: +OK User successfully logged on.
      C: RETR 7
      S: -ERR The requested message is not available.
      C: QUIT
      S: +OK Microsoft Exchange Server POP3 server signing off.`,
    imap4: `S: * OK The Microsoft Exchange IMAP4 service is ready. [bQBhAGkAbAAuAGwAYQBiAC4AdABlAHMAdAA=]
      C: a CAPABILITY
      S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN STARTTLS SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+
      S: a OK CAPABILITY completed.
      C: b LOGIN alice wrong
      S: b NO LOGIN failed.
      C: c LOGIN alice secret
      S: c OK LOGIN completed.
      C: d SELECT INBOX
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)
      S: * OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags
      S: * OK [UNSEEN 1] Is the first unseen message
      S: * OK [UIDVALIDITY *] UIDVALIDITY value
      S: * OK [UIDNEXT *] The next unique identifier value
      S: d OK [READ-WRITE] SELECT completed.
      C: e LOGOUT
      S: * BYE Microsoft Exchange Server IMAP4 server signing off.
      S: e OK LOGOUT completed.`,
  },
  dovecot: {
    pop3: `S: +OK Dovecot ready.
      C: CAPA
      S: +OK
      S: CAPA
      S: TOP
      S: UIDL
      S: RESP-CODES
      S: PIPELINING
      S: AUTH-RESP-CODE
      S: STLS
      S: USER
      S: SASL PLAIN LOGIN *
      S: .
      C: USER alice
      S: +OK
      C: PASS wrong
      S: -ERR [AUTH] Authentication failed.
      C: USER alice
      S: +OK
      C: PASS secret
      S: +OK Logged in.
      C: LIST
      S: +OK 1 messages:
      S: 1 *
      S: .
      C: RETR 5
      S: -ERR There's no message 5.
      C: QUIT
      S: +OK Logging out.`,
    imap4: `S: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN *] Dovecot ready.
      C: a CAPABILITY
      S: * CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN *
      S: a OK Pre-login capabilities listed, post-login capabilities have more.
      C: b LOGIN alice wrong
      S: b NO [AUTHENTICATIONFAILED] Authentication failed.
      C: c LOGIN alice secret
      S: c OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT * NAMESPACE * LITERAL+] Logged in
      C: d SELECT INBOX
      S: * FLAGS (*)
      S: * OK [PERMANENTFLAGS (*\\*)] Flags permitted.
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * OK [UNSEEN 1] First unseen.
      S: * OK [UIDVALIDITY *] UIDs valid
      S: * OK [UIDNEXT *] Predicted next UID
      S: * OK [HIGHESTMODSEQ *] Highest
      S: d OK [READ-WRITE] Select completed (*
      C: e UID FETCH 1 FLAGS
      S: * 1 FETCH *
      S: e OK Fetch completed (*
      C: f LOGOUT
      S: * BYE Logging out
      S: f OK Logout completed (*`,
    lmtp: `S: 220 mail.lab.test Dovecot ready.
      C: EHLO client.test
      S: 500 5.5.1 Unknown command
      C: LHLO
      S: 501 Missing hostname
      C: LHLO client.test
      S: 250-mail.lab.test
      S: 250-8BITMIME
      S: 250-CHUNKING
      S: 250-ENHANCEDSTATUSCODES
      S: 250-PIPELINING
      S: 250 STARTTLS
      C: MAIL FROM:<alice@lab.test>
      S: 250 2.1.0 OK
      C: RCPT TO:<bob@lab.test>
      S: 250 2.1.5 OK
      C: DATA
      S: 354 OK
      C: Subject: x
      C:
      C: .
      S: 250 2.0.0 <bob@lab.test> lmtp-* Saved
      C: MAIL FROM:<alice@lab.test>
      S: 250 2.1.0 OK
      C: RCPT TO:<bob@lab.test>
      S: 250 2.1.5 OK
      C: RCPT TO:<alice@lab.test>
      S: 250 2.1.5 OK
      C: BDAT 12 LAST
      C: Subject: y
      S: 250 2.0.0 <bob@lab.test> lmtp-* Saved
      S: 250 2.0.0 <alice@lab.test> lmtp-* Saved
      C: XYZZY
      S: 500 5.5.1 Unknown command
      C: QUIT
      S: 221 2.0.0 Bye`,
    managesieve: `S: "IMPLEMENTATION" "Dovecot Pigeonhole"
      S: "SIEVE" "fileinto reject envelope encoded-character vacation subaddress comparator-i;ascii-numeric relational regex imap4flags copy include body variables enotify environment mailbox date index ihave duplicate"
      S: "NOTIFY" "mailto"
      S: "SASL" "PLAIN LOGIN *"
      S: "STARTTLS"
      S: "VERSION" "1.0"
      S: OK "Dovecot ready."
      C: LISTSCRIPTS
      S: NO "Error in MANAGESIEVE command received by server."
      C: AUTHENTICATE "FOO"
      S: NO "Unsupported authentication mechanism."
      C: AUTHENTICATE "PLAIN" "AGFsaWNlAHdyb25n"
      S: NO "Authentication failed."
      C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
      S: OK "Logged in."
      C: CAPABILITY
      S: "IMPLEMENTATION" "Dovecot Pigeonhole"
      S: "SIEVE" *
      S: "MAXREDIRECTS" "4"
      S: "NOTIFY" "mailto"
      S: "VERSION" "1.0"
      S: OK "Capability completed."
      C: PUTSCRIPT "a" "keep;"
      S: OK "PUTSCRIPT completed."
      C: CHECKSCRIPT "keep;"
      S: OK "Script checked successfully."
      C: GETSCRIPT "b"
      S: NO (NONEXISTENT) "Sieve script not found"
      C: SETACTIVE "a"
      S: OK "Setactive completed."
      C: DELETESCRIPT "a"
      S: NO (ACTIVE) "Cannot delete the active Sieve script."
      C: NOOP
      S: OK "NOOP Completed"
      C: NOOP "tag"
      S: OK (TAG "tag") "Done"
      C: XYZZY
      S: NO "Error in MANAGESIEVE command XYZZY: Unknown command."
      C: LOGOUT
      S: OK "Logout completed."`,
  },
  courier: {
    smtp: `S: 220 mail.lab.test ESMTP
      C: MAIL FROM:<alice@lab.test>
      S: 502 Polite people say HELO first
      C: EHLO client.test
      S: 250-mail.lab.test Ok.
      S: 250-AUTH CRAM-MD5 PLAIN LOGIN
      S: 250-STARTTLS
      S: 250-PIPELINING
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-SIZE
      S: 250 DSN
      C: MAIL FROM:<alice@lab.test>
      S: 250 Ok.
      C: QUIT
      S: 221 Bye.`,
    pop3: `S: +OK Hello there.
      C: CAPA
      S: +OK Here's what I can do:
      S: SASL CRAM-MD5 PLAIN LOGIN
      S: STLS
      S: TOP
      S: USER
      S: LOGIN-DELAY 10
      S: PIPELINING
      S: UIDL
      S: UTF8 USER
      S: LANG
      S: IMPLEMENTATION Courier Mail Server
      S: .
      C: USER alice
      S: +OK Password required.
      C: PASS wrong
      S: -ERR Login failed.
      C: USER alice
      S: +OK Password required.
      C: PASS secret
      S: +OK logged in.
      C: LIST
      S: +OK POP3 clients that break here, they violate STD53.
      S: 1 *
      S: .
      C: NOOP
      S: +OK Yup.
      C: QUIT
      S: +OK Bye-bye.`,
    imap4: `S: * OK [CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT * QUOTA IDLE AUTH=PLAIN AUTH=CRAM-MD5*STARTTLS] Courier-IMAP ready. Copyright *
      C: a LOGIN alice wrong
      S: a NO Login failed.
      C: b LOGIN alice secret
      S: b OK LOGIN Ok.
      C: c SELECT INBOX
      S: * FLAGS (*\\Recent)
      S: * OK [PERMANENTFLAGS (*\\*)] Limited
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * OK [UIDVALIDITY *] Ok
      S: c OK [READ-WRITE] Ok
      C: d SEARCH ALL
      S: * SEARCH 1
      S: d OK SEARCH done.
      C: e LOGOUT
      S: * BYE Courier-IMAP server shutting down
      S: e OK LOGOUT completed`,
  },
}

describe.each(Object.entries(servers) as [PersonalityName, Expected][])('%s', (personality, transcripts) => {
  let lab: TestLab
  beforeAll(async () => {
    const protocols = ['smtp', 'pop3', 'imap4', 'lmtp', 'managesieve'] as const
    lab = await startAs(personality, { virtualServers: protocols.map((protocol) => ({ protocol, ...basic })) })
    await lab.deliver(MAIL, { to: 'alice@lab.test' })
  })
  afterAll(() => lab.stop())

  test.each(Object.entries(transcripts) as [ServerProtocol, string][])('%s', async (protocol, script) => {
    await session(lab, protocol, script)
  })
})

describe.each(personalityNames)('%s', (personality) => {
  test('a secure channel can be required', async () => {
    const requireSecureChannel = true
    await using lab = await startAs(personality, {
      virtualServers: [
        { protocol: 'smtp', requireSecureChannel, ...basic },
        { protocol: 'pop3', requireSecureChannel, ...basic },
        { protocol: 'imap4', requireSecureChannel, ...basic },
        { protocol: 'lmtp', requireSecureChannel, ...basic },
        { protocol: 'managesieve', requireSecureChannel, ...basic },
      ],
    })
    await session(lab, 'lmtp', 'S: 220 *\nC: MAIL FROM:<>\nS: 530 *')
    const managesieve = await connect(lab, 'managesieve')
    await managesieve.lines((line) => line.startsWith('OK'))
    await managesieve.play('C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="\nS: NO (ENCRYPT-NEEDED) *')
    await session(lab, 'smtp', 'S: 220 *\nC: MAIL FROM:<>\nS: 530 *')
    await session(lab, 'pop3', 'S: +OK *\nC: USER alice\nS: -ERR *')
    const imap4 = await session(lab, 'imap4', 'S: * OK *\nC: 1 CAPABILITY')
    expect(await imap4.line()).toContain('LOGINDISABLED')
    await imap4.play('S: 1 OK *\nC: 2 LOGIN alice secret\nS: 2 NO [PRIVACYREQUIRED] *\nC: 3 STARTTLS\nS: 3 OK *')
    await imap4.startTls(lab.ca)
    imap4.send('4 LOGIN alice secret\r\n')
    expect((await imap4.lines((line) => line.startsWith('4 '))).at(-1)).toMatch(/^4 OK /)
  })
})
