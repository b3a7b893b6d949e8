import { afterLogOn, beforeLogOn, loginDisabled, mechanismsAfter, withMechanism, withTls } from './rows.ts'
import type { ImapPersonality, Personality, Pop3Personality, SelectFacts, SmtpFacts, SmtpPersonality } from './types.ts'

const select = ({ flags, permanentFlags, ...facts }: SelectFacts): string[] => [
  `FLAGS (${[...flags, '$NotPhishing', '$Phishing'].join(' ')})`,
  `OK [PERMANENTFLAGS (${permanentFlags.join(' ')})] Flags permitted.`,
  `OK [UIDVALIDITY ${facts.uidValidity}] UIDs valid.`,
  `${facts.exists} EXISTS`,
  `${facts.recent} RECENT`,
  `OK [UIDNEXT ${facts.uidNext}] Predicted next UID.`,
  `OK [HIGHESTMODSEQ ${facts.highestModSeq}] Highest`,
]

const imap4: ImapPersonality = {
  mechanisms: ['XOAUTH2', 'PLAIN', 'OAUTHBEARER'],
  greeting: 'Gimap ready for requests from {address} {id}',
  // Left out, because Sealpost does not have them: AUTH=PLAIN-CLIENTTOKEN, AUTH=XOAUTH (OAuth 1).
  capabilities: [
    'IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1',
    beforeLogOn('XYZZY SASL-IR'),
    withMechanism('XOAUTH2', 'AUTH=XOAUTH2'),
    withMechanism('PLAIN', 'AUTH=PLAIN'),
    withMechanism('OAUTHBEARER', 'AUTH=OAUTHBEARER'),
    loginDisabled,
    withTls('STARTTLS'),
    afterLogOn('UIDPLUS'),
    ({ own }) => (own.includes('COMPRESS=DEFLATE') ? 'COMPRESS=DEFLATE' : undefined),
    afterLogOn('ENABLE MOVE CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE'),
    ({ isLoggedOn, sizeOctets }) => (isLoggedOn ? `APPENDLIMIT=${sizeOctets}` : undefined),
  ],
  hasLabels: true,
  afterLogOn: 'untagged',
  bye: 'LOGOUT Requested',
  select,
  identification: { name: 'GImap', vendor: 'Google, Inc.', 'support-url': 'https://support.google.com/mail' },
  showsSpecialUse: true,
  replies: {
    'LOGIN OK': '{user} authenticated (Success)',
    'AUTHENTICATE OK': '{user} authenticated (Success)',
    'CAPABILITY OK': 'Thats all she wrote! {id}',
    'LOGOUT OK': '73 good day (Success)',
    'SELECT OK': 'Mailbox selected. (Success)',
    'EXAMINE OK': 'Mailbox selected. (Success)',
    OK: 'Success',
    ALERT: 'Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)',
    AUTHENTICATIONFAILED: 'Invalid credentials (Failure)',
    'The mailbox does not exist.': 'Unknown Mailbox (Failure)',
    ALREADYEXISTS: 'Duplicate folder name (Failure)',
    'Unknown command.': 'Unknown command {id}',
  },
}

/** Returns whether the lab refuses a password because the account needs an app password. */
const needsAppPassword = (text: string): boolean => text.includes('Application-specific password required')

const pop3: Pop3Personality = {
  mechanisms: ['PLAIN', 'XOAUTH2', 'OAUTHBEARER'],
  hasApop: false,
  greeting: 'Gpop ready for requests from {address} {id}',
  // Left out, because Sealpost does not have it: X-GOOGLE-RICO.
  capabilities: [
    'USER',
    'RESP-CODES',
    'EXPIRE 0',
    'LOGIN-DELAY 300',
    'TOP',
    'UIDL',
    ({ canStartTls, isLoggedOn }) => (canStartTls && !isLoggedOn ? 'STLS' : undefined),
    mechanismsAfter('SASL'),
  ],
  hasCodes: true,
  replies: {
    'CAPA OK': 'Capability list follows',
    'USER OK': 'send PASS',
    'PASS OK': 'Welcome.',
    'AUTH OK': ({ isLoggedOn, text }) => (isLoggedOn ? 'Welcome.' : text),
    'LIST OK': ({ text, count, octets }) => (/^\d+ \d+$/.test(text) ? text : `${count} messages (${octets} bytes)`),
    'UIDL OK': ({ text }) => (/^\d+ /.test(text) ? text : ''),
    'RETR OK': 'message follows',
    'TOP OK': 'message follows',
    'DELE OK': 'marked for deletion',
    'RSET OK': '',
    'NOOP OK': '',
    'QUIT OK': 'Farewell.',
    'Logon failure': ({ text }) =>
      needsAppPassword(text)
        ? 'Application-specific password required: https://support.google.com/accounts/answer/185833'
        : 'Username and password not accepted.',
    'Unknown command.': 'bad command',
    'No such message': 'message number out of range',
  },
}

/** Returns the reply to mail that nothing authenticates. The lab's own text names the domain and the address of SPF. */
const unauthenticated =
  (start: string) =>
  ({ text, id }: SmtpFacts): string => {
    const status = start.slice(4, 10)
    const [, domain = '', address = ''] = /SPF of (\S*) for (\S*)/.exec(text) ?? []
    const more = [
      'Gmail requires all senders to authenticate with either SPF or DKIM.',
      '',
      ' Authentication results:',
      ' DKIM = did not pass',
      ` SPF [${domain}] with ip: [${address}] = did not pass`,
      '',
      ' For instructions on setting up authentication, go to',
      ` https://support.google.com/mail/answer/81126#authentication ${id} - gsmtp`,
    ]
    return [start, ...more.map((line) => `${status} ${line}`)].join('\n')
  }

const smtp: SmtpPersonality = {
  busy: '421 4.7.0 Try again later, closing connection. - gsmtp',
  mechanisms: ['LOGIN', 'PLAIN', 'XOAUTH2', 'OAUTHBEARER'],
  greeting: '220 {hostname} ESMTP {id} - gsmtp',
  hello: '{hostname} at your service, [{address}]',
  // AUTH is announced under TLS only.
  extensions: [
    'SIZE {sizeOctets}',
    '8BITMIME',
    withTls('STARTTLS'),
    (facts) => (facts.isSecure ? mechanismsAfter('AUTH')(facts) : undefined),
    'ENHANCEDSTATUSCODES',
    'PIPELINING',
    'CHUNKING',
    'SMTPUTF8',
  ],
  replies: {
    'HELO 250': '250 {hostname} at your service',
    'MAIL 250': '250 2.1.0 OK {id} - gsmtp',
    'RCPT 250': '250 2.1.5 OK {id} - gsmtp',
    'RSET 250': '250 2.1.5 Flushed {id} - gsmtp',
    'NOOP 250': '250 2.0.0 OK {id} - gsmtp',
    'DATA 354': '354 Go ahead {id} - gsmtp',
    'DATA 250': '250 2.0.0 OK {seconds} {id} - gsmtp',
    'BDAT 250': ({ text, seconds, id }) =>
      text.startsWith('OK') ? `250 2.0.0 OK ${seconds} ${id} - gsmtp` : `250 2.0.0 OK ${id} - gsmtp`,
    'QUIT 221': '221 2.0.0 closing connection {id} - gsmtp',
    'STARTTLS 220': '220 2.0.0 Ready to start TLS',
    'AUTH 235': '235 2.7.0 Accepted',
    'AUTH 504': '504 5.7.4 Unrecognized Authentication Type {id} - gsmtp',
    'Authentication failed': ({ text, id }) =>
      needsAppPassword(text)
        ? `534 5.7.9 Application-specific password required. For more information, go to\n5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor ${id} - gsmtp`
        : `535 5.7.8 Username and Password not accepted. ${id} - gsmtp`,
    'Authentication required': '530 5.7.0 Authentication Required. {id} - gsmtp',
    'Must issue a STARTTLS command first': '530 5.7.0 Must issue a STARTTLS command first. {id} - gsmtp',
    'send HELO/EHLO first': '503 5.5.1 EHLO/HELO first. {id} - gsmtp',
    'need MAIL command': '503 5.5.1 MAIL first. {id} - gsmtp',
    'need RCPT command': '503 5.5.1 RCPT first. {id} - gsmtp',
    // Too many messages: `limits.rate`.
    'MAIL 421': ({ text, address, id }) =>
      text.startsWith('Error: too much mail')
        ? `421 4.7.28 [${address}] Our system has detected an unusual rate of
4.7.28 unsolicited mail originating from your IP address. To protect our
4.7.28 users from spam, mail sent from your IP address has been temporarily
4.7.28 rate limited. Please visit
4.7.28  https://support.google.com/mail/?p=UnsolicitedRateLimitError to
4.7.28 review our Bulk Email Senders Guidelines. ${id} - gsmtp`
        : undefined,
    'MAIL 450':
      '450 4.2.1 The user you are trying to contact is receiving mail at a rate that\n4.2.1 prevents additional messages from being delivered. Please resend your\n4.2.1 message at a later time. {id} - gsmtp',
    'Neither SPF nor DKIM passes': unauthenticated(
      '550 5.7.26 Your email has been blocked because the sender is unauthenticated.',
    ),
    'Rate limited, because neither SPF nor DKIM passes': unauthenticated(
      '421 4.7.26 Your email has been rate limited because the sender is unauthenticated.',
    ),
    'MAIL 552': '552 5.3.4 Your message exceeded message size limits. {id} - gsmtp',
    'RCPT 550': ({ text, id }) =>
      text.startsWith('Unable to relay')
        ? `550 5.7.1 Relaying denied. ${id} - gsmtp`
        : `550 5.1.1 The email account that you tried to reach does not exist. ${id} - gsmtp`,
    500: '502 5.5.1 Unrecognized command. {id} - gsmtp',
    502: '502 5.5.1 Unrecognized command. {id} - gsmtp',
  },
}

/** Gmail. */
export const gmail: Personality = { imap4, pop3, smtp }
