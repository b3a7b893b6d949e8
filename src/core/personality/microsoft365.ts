import { loginDisabled, mechanismsAfter, withTls } from './rows.ts'
import type {
  CommonFacts,
  ImapPersonality,
  Personality,
  Pop3Personality,
  SelectFacts,
  SmtpFacts,
  SmtpPersonality,
} from './types.ts'

/** Returns the name of the host as the greetings have it: UTF-16 in base64. */
const host = ({ hostname }: CommonFacts): string => `[${Buffer.from(hostname, 'utf16le').toString('base64')}]`

const FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$MDNSent']

/** Returns the flags that a client can change. It keeps no keywords. */
const permanent = (flags: readonly string[]): string[] =>
  FLAGS.filter((flag) => flags.includes(flag) || (flags.includes('\\*') && !flag.startsWith('\\')))

const select = ({ exists, recent, unseen, uidValidity, uidNext, permanentFlags }: SelectFacts): string[] => [
  `${exists} EXISTS`,
  `${recent} RECENT`,
  `FLAGS (${FLAGS.join(' ')})`,
  `OK [PERMANENTFLAGS (${permanent(permanentFlags).join(' ')})] Permanent flags`,
  ...(unseen > 0 ? [`OK [UNSEEN ${unseen}] Is the first unseen message`] : []),
  `OK [UIDVALIDITY ${uidValidity}] UIDVALIDITY value`,
  `OK [UIDNEXT ${uidNext}] The next unique identifier value`,
]

const imap4: ImapPersonality = {
  mechanisms: ['PLAIN', 'XOAUTH2'],
  greeting: (facts) => `The Microsoft Exchange IMAP4 service is ready. ${host(facts)}`,
  capabilities: [
    'IMAP4 IMAP4rev1',
    // Also after a log-on.
    ({ offered }) => offered.map((name) => `AUTH=${name}`).join(' ') || undefined,
    loginDisabled,
    withTls('STARTTLS'),
    'SASL-IR UIDPLUS MOVE ID UNSELECT',
    ({ isLoggedOn }) =>
      isLoggedOn ? 'CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE' : undefined,
    'CHILDREN IDLE NAMESPACE LITERAL+',
  ],
  afterLogOn: 'nowhere',
  codes: ['READ-ONLY', 'READ-WRITE', 'TRYCREATE', 'APPENDUID', 'COPYUID', 'PRIVACYREQUIRED'],
  bye: 'Microsoft Exchange Server IMAP4 server signing off.',
  select,
  identification: { name: 'Microsoft.Exchange.Imap4.Imap4Server', version: '15.20' },
  showsSpecialUse: false,
  replies: {
    OK: ({ name }) => `${name.replace(/^UID /, '')} completed.`,
    'STARTTLS OK': 'Begin TLS negotiation now.',
    AUTHENTICATIONFAILED: '{name} failed.',
    'Logged out for inactivity.': 'Connection is closed. 13',
    BAD: 'Command Argument Error. 11',
    'Unknown command.': 'Command Error. 12',
  },
}

const pop3: Pop3Personality = {
  mechanisms: ['PLAIN', 'XOAUTH2'],
  hasApop: false,
  greeting: (facts) => `The Microsoft Exchange POP3 service is ready. ${host(facts)}`,
  capabilities: [
    'TOP',
    'UIDL',
    ({ canStartTls, isLoggedOn }) => (canStartTls && !isLoggedOn ? 'STLS' : undefined),
    mechanismsAfter('SASL'),
    ({ mayLogOn, isLoggedOn }) => (mayLogOn && !isLoggedOn ? 'USER' : undefined),
  ],
  hasCodes: false,
  replies: {
    'CAPA OK': '',
    'USER OK': '',
    'PASS OK': 'User successfully logged on.',
    'AUTH OK': ({ isLoggedOn }) => (isLoggedOn ? 'User successfully authenticated.' : ''),
    'STLS OK': 'Begin TLS negotiation.',
    'LIST OK': ({ text, count, octets }) => (/^\d+ \d+$/.test(text) ? text : `${count} ${octets}`),
    'UIDL OK': ({ text }) => (/^\d+ /.test(text) ? text : ''),
    'RETR OK': '',
    'TOP OK': '',
    'DELE OK': '',
    'RSET OK': '',
    'NOOP OK': '',
    'QUIT OK': 'Microsoft Exchange Server POP3 server signing off.',
    'Logon failure': 'Logon failure: unknown user name or bad password.',
    'No such message': 'The requested message is not available.',
    'Unknown command.': 'Protocol error.',
  },
}

/** The replies to passwords that `refusesPasswords` refuses, by the end of the lab's own texts. */
const passwordRefusals: readonly (readonly [reason: string, reply: string])[] = [
  ['no longer accepted', '550 5.7.30 Basic authentication is not supported for Client Submission.'],
  [
    'disabled for the organization',
    '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.',
  ],
  [
    'security defaults of the organization forbid it',
    "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
  ],
]

const badSequence = ({ hasGreeted, name }: SmtpFacts): string | undefined => {
  if (!hasGreeted) return '503 5.5.2 Send hello first'
  return ['MAIL', 'RCPT', 'DATA', 'BDAT'].includes(name) ? '503 5.5.1 Bad sequence of commands' : undefined
}

const smtp: SmtpPersonality = {
  mechanisms: ['LOGIN', 'XOAUTH2'],
  // Microsoft says: at the end of December 2026, unless an administrator turns it on again.
  refusesPasswords: { why: 'basic-authentication', from: '2026-12-31' },
  greeting: '220 {hostname} Microsoft ESMTP MAIL Service ready at {date}',
  hello: '{hostname} Hello [{address}]',
  extensions: [
    'SIZE {sizeOctets}',
    'PIPELINING',
    'DSN',
    'ENHANCEDSTATUSCODES',
    withTls('STARTTLS'),
    mechanismsAfter('AUTH'),
    '8BITMIME',
    'BINARYMIME',
    'CHUNKING',
    'SMTPUTF8',
  ],
  replies: {
    'HELO 250': '250 {hostname} Hello [{address}]',
    'MAIL 250': '250 2.1.0 Sender OK',
    'RCPT 250': '250 2.1.5 Recipient OK',
    'DATA 354': '354 Start mail input; end with <CRLF>.<CRLF>',
    'DATA 250': '250 2.0.0 OK {messageId} [Hostname={hostname}]',
    'RSET 250': '250 2.0.0 Resetting',
    'QUIT 221': '221 2.0.0 Service closing transmission channel',
    'STARTTLS 220': '220 2.0.0 SMTP server ready',
    'AUTH 235': '235 2.7.0 Authentication successful',
    'AUTH 504': '504 5.7.4 Unrecognized authentication type',
    'Authentication failed': ({ text, hostname }) =>
      passwordRefusals.find(([reason]) => text.endsWith(reason))?.[1] ??
      `535 5.7.3 Authentication unsuccessful [${hostname}]`,
    'Authentication required': '530 5.7.57 Client not authenticated to send mail. [{hostname}]',
    'MAIL 552': '552 5.3.4 Message size exceeds fixed maximum message size',
    'MAIL 501': '501 5.1.7 Invalid address',
    'RCPT 501': '501 5.1.3 Invalid address',
    'RCPT 550': ({ text, mailbox }) =>
      text.startsWith('Unable to relay')
        ? `550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain`
        : `550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ${mailbox} not found by SMTP address lookup`,
    500: '500 5.3.3 Unrecognized command',
    503: badSequence,
  },
}

/** Microsoft 365 (Exchange Online). */
export const microsoft365: Personality = { imap4, pop3, smtp }
