import { beforeLogOn, loginDisabled, mechanismsAfter, withTls } from './rows.ts'
import type { ImapPersonality, Personality, Pop3Personality, SelectFacts, SmtpPersonality } from './types.ts'

/** The mechanisms that its authentication library knows. */
const mechanisms = ['CRAM-MD5', 'PLAIN', 'LOGIN'] as const

const select = ({ flags, permanentFlags, exists, recent, uidValidity }: SelectFacts): string[] => [
  `FLAGS (${[...flags, '\\Recent'].join(' ')})`,
  `OK [PERMANENTFLAGS (${permanentFlags.join(' ')})] ${permanentFlags.length === 0 ? 'No permanent flags permitted' : 'Limited'}`,
  `${exists} EXISTS`,
  `${recent} RECENT`,
  `OK [UIDVALIDITY ${uidValidity}] Ok`,
]

const imap4: ImapPersonality = {
  mechanisms: ['PLAIN', 'CRAM-MD5'],
  greeting:
    '[CAPABILITY {capabilities}] Courier-IMAP ready. Copyright 1998-2022 Double Precision, Inc.  See COPYING for distribution information.',
  // The same before and after a log-on.
  capabilities: [
    'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE',
    ({ offered }) => offered.map((name) => `AUTH=${name}`).join(' ') || undefined,
    ({ own }) => (own.includes('ACL') ? 'ACL ACL2=UNION' : undefined),
    withTls('STARTTLS'),
    loginDisabled,
  ],
  afterLogOn: 'nowhere',
  codes: ['READ-ONLY', 'READ-WRITE', 'TRYCREATE', 'APPENDUID', 'COPYUID', 'ALERT', 'PRIVACYREQUIRED'],
  bye: 'Courier-IMAP server shutting down',
  select,
  showsSpecialUse: false,
  replies: {
    'LOGIN OK': 'LOGIN Ok.',
    'AUTHENTICATE OK': 'LOGIN Ok.',
    'SELECT OK': 'Ok',
    'EXAMINE OK': 'Ok',
    'CLOSE OK': 'mailbox closed.',
    'APPEND OK': 'APPEND Ok.',
    'STATUS OK': 'STATUS Completed.',
    'GETQUOTA OK': 'GETQUOTA Ok.',
    'GETQUOTAROOT OK': 'GETQUOTAROOT Ok.',
    'SEARCH OK': 'SEARCH done.',
    'UID SEARCH OK': 'SEARCH done.',
    'SORT OK': 'SORT done.',
    'UID SORT OK': 'SORT done.',
    'THREAD OK': 'THREAD done.',
    'UID THREAD OK': 'THREAD done.',
    'DELETE OK': 'Folder deleted.',
    'RENAME OK': 'Folder renamed.',
    'SUBSCRIBE OK': 'Folder subscribed.',
    'UNSUBSCRIBE OK': 'Folder unsubscribed.',
    'NAMESPACE OK': 'NAMESPACE completed.',
    'FETCH OK': 'FETCH completed.',
    'UID FETCH OK': 'FETCH completed.',
    'STORE OK': 'STORE completed.',
    'UID STORE OK': 'STORE completed.',
    'COPY OK': 'COPY completed.',
    'UID COPY OK': 'COPY completed.',
    AUTHENTICATIONFAILED: 'Login failed.',
    'Unknown command.': 'Error in IMAP command received by server.',
    'Line too long.': 'IMAP command too long.',
    'The mailbox does not exist.': 'Mailbox does not exist, or must be subscribed to.',
    'Logged out for inactivity.': 'Disconnected for inactivity.',
  },
}

const pop3: Pop3Personality = {
  mechanisms: [...mechanisms],
  hasApop: false,
  greeting: 'Hello there.',
  capabilities: [
    mechanismsAfter('SASL'),
    ({ canStartTls, isLoggedOn }) => (canStartTls && !isLoggedOn ? 'STLS' : undefined),
    'TOP',
    beforeLogOn('USER'),
    'LOGIN-DELAY 10',
    'PIPELINING',
    'UIDL',
    'UTF8 USER',
    'LANG',
    'IMPLEMENTATION Courier Mail Server',
  ],
  hasCodes: false,
  replies: {
    'CAPA OK': "Here's what I can do:",
    'USER OK': 'Password required.',
    'PASS OK': 'logged in.',
    'AUTH OK': ({ isLoggedOn, text }) => (isLoggedOn ? 'logged in.' : text),
    'STLS OK': 'Begin SSL/TLS negotiation now.',
    'LIST OK': ({ text }) => (/^\d+ \d+$/.test(text) ? text : 'POP3 clients that break here, they violate STD53.'),
    'UIDL OK': ({ text }) => (/^\d+ /.test(text) ? text : 'POP3 clients that break here, they violate STD53.'),
    'RETR OK': ({ text }) => `${text} follow.`,
    'TOP OK': 'headers follow.',
    'DELE OK': 'Deleted.',
    'RSET OK': 'Resurrected.',
    'NOOP OK': 'Yup.',
    'QUIT OK': ({ isLoggedOn }) => (isLoggedOn ? 'Bye-bye.' : 'Better luck next time.'),
    'Logon failure': 'Login failed.',
    'Send USER first.': 'USER/PASS required.',
    'No such message': 'Invalid message number.',
    'Invalid number.': 'Invalid message number.',
    'Unknown command.': 'Invalid command.',
    'Command is not valid in this state.': 'Invalid command.',
  },
}

const smtp: SmtpPersonality = {
  mechanisms: [...mechanisms],
  greeting: '220 {hostname} ESMTP',
  hello: '{hostname} Ok.',
  // Left out, because Sealpost does not have them: XVERP=Courier, XEXDATA, XSECURITY=NONE,STARTTLS.
  extensions: [mechanismsAfter('AUTH'), withTls('STARTTLS'), 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE', 'DSN'],
  replies: {
    'HELO 250': '250 Ok.',
    'MAIL 250': '250 Ok.',
    'RCPT 250': '250 Ok.',
    'RSET 250': '250 Ok.',
    'NOOP 250': '250 Ok.',
    'DATA 354': '354 Ok.',
    'DATA 250': '250 Ok. {id}',
    'QUIT 221': '221 Bye.',
    'STARTTLS 220': '220 Ok',
    'STARTTLS 454': '540 TLS not available.',
    'AUTH 235': '235 Ok.',
    'Authentication failed': '535 Authentication failed.',
    'Authentication required': '535 Authentication required.',
    'send HELO/EHLO first': '502 Polite people say HELO first',
    500: '502 ESMTP command error',
    502: '502 ESMTP command error',
    'MAIL 552': '534 SIZE=Message too big.',
  },
}

/** Courier Mail Server 1.4 with Courier-IMAP 5.2, as Debian 13 has them. */
export const courier: Personality = { imap4, pop3, smtp }
