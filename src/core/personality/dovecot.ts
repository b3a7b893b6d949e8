import { beforeLogOn, loginDisabled, mechanismsAfter, ownAfterLogOn, withTls } from './rows.ts'
import type {
  ImapFacts,
  ImapPersonality,
  ManageSievePersonality,
  Personality,
  Pop3Personality,
  SelectFacts,
  SmtpFacts,
  SmtpPersonality,
} from './types.ts'

/** Dovecot counts the time of each command; these texts always have the same. */
const TIME = '(0.001 + 0.000 secs).'

/** `UID FETCH` becomes `Fetch`. NOOP and ID stay. */
function completionText({ name }: ImapFacts): string {
  const command = name.replace(/^UID /, '')
  const shown = ['NOOP', 'ID'].includes(command) ? command : command[0] + command.slice(1).toLowerCase()
  return `${shown} completed ${TIME}`
}

const select = (facts: SelectFacts): string[] => {
  const { permanentFlags } = facts
  return [
    `FLAGS (${facts.flags.join(' ')})`,
    permanentFlags.length === 0
      ? 'OK [PERMANENTFLAGS ()] Read-only mailbox.'
      : `OK [PERMANENTFLAGS (${permanentFlags.join(' ')})] Flags permitted.`,
    `${facts.exists} EXISTS`,
    `${facts.recent} RECENT`,
    ...(facts.unseen > 0 ? [`OK [UNSEEN ${facts.unseen}] First unseen.`] : []),
    `OK [UIDVALIDITY ${facts.uidValidity}] UIDs valid`,
    `OK [UIDNEXT ${facts.uidNext}] Predicted next UID`,
    `OK [HIGHESTMODSEQ ${facts.highestModSeq}] Highest`,
  ]
}

const imap4: ImapPersonality = {
  greeting: '[CAPABILITY {capabilities}] Dovecot ready.',
  // Left out, because Sealpost does not have them: THREAD=REFS, I18NLEVEL=1, SNIPPET=FUZZY, PREVIEW=FUZZY.
  capabilities: [
    'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE',
    ownAfterLogOn('SORT', 'SORT=DISPLAY', 'THREAD=REFERENCES', 'THREAD=ORDEREDSUBJECT', 'MULTIAPPEND', 'URL-PARTIAL'),
    ownAfterLogOn('CATENATE', 'UNSELECT', 'CHILDREN', 'NAMESPACE', 'UIDPLUS', 'LIST-EXTENDED', 'CONDSTORE'),
    ownAfterLogOn('QRESYNC', 'ESEARCH', 'ESORT', 'SEARCHRES', 'WITHIN', 'CONTEXT=SEARCH', 'LIST-STATUS', 'BINARY'),
    ownAfterLogOn('MOVE', 'REPLACE', 'PREVIEW', 'SPECIAL-USE', 'STATUS=SIZE', 'SAVEDATE', 'COMPRESS=DEFLATE'),
    ownAfterLogOn('INPROGRESS', 'NOTIFY'),
    'LITERAL+',
    withTls('STARTTLS'),
    loginDisabled,
    ({ mechanisms }) => mechanisms.map((name) => `AUTH=${name}`).join(' ') || undefined,
  ],
  afterLogOn: 'code',
  bye: 'Logging out',
  select,
  identification: { name: 'Dovecot' },
  showsSpecialUse: true,
  replies: {
    'LOGIN OK': 'Logged in',
    'AUTHENTICATE OK': 'Logged in',
    'CAPABILITY OK': (facts) =>
      facts.isLoggedOn ? completionText(facts) : 'Pre-login capabilities listed, post-login capabilities have more.',
    'STARTTLS OK': 'Begin TLS negotiation now.',
    'ENABLE OK': `Enabled ${TIME}`,
    OK: completionText,
    AUTHENTICATIONFAILED: 'Authentication failed.',
    PRIVACYREQUIRED: 'Cleartext authentication disallowed on non-secure (SSL/TLS) connections.',
    'The mailbox does not exist.': `Mailbox doesn't exist ${TIME}`,
    ALREADYEXISTS: `Mailbox already exists ${TIME}`,
    'Unknown command.': 'Error in IMAP command received by server.',
    'Logged out for inactivity.': 'Disconnected for inactivity.',
  },
}

const pop3: Pop3Personality = {
  hasApop: false,
  greeting: 'Dovecot ready.',
  capabilities: [
    'CAPA',
    'TOP',
    'UIDL',
    'RESP-CODES',
    'PIPELINING',
    'AUTH-RESP-CODE',
    ({ canStartTls, isLoggedOn }) => (canStartTls && !isLoggedOn ? 'STLS' : undefined),
    beforeLogOn('USER'),
    mechanismsAfter('SASL'),
  ],
  hasCodes: true,
  replies: {
    'CAPA OK': '',
    'USER OK': '',
    'PASS OK': 'Logged in.',
    'AUTH OK': ({ isLoggedOn }) => (isLoggedOn ? 'Logged in.' : ''),
    'STLS OK': 'Begin TLS negotiation now.',
    'LIST OK': ({ text, count }) => (/^\d+ \d+$/.test(text) ? text : `${count} messages:`),
    'UIDL OK': ({ text }) => (/^\d+ /.test(text) ? text : ''),
    'TOP OK': '',
    'DELE OK': 'Marked to be deleted.',
    'RSET OK': '',
    'NOOP OK': '',
    'QUIT OK': ({ text }) => (text === 'bye' ? 'Logging out.' : 'Logging out, messages deleted.'),
    'Logon failure': 'Authentication failed.',
    'No such message': ({ text }) => `There's no message ${text.replace(/\D/g, '')}.`,
    'Unknown command.': 'Unknown command.',
    'The mailbox is in use by another session.': 'Mailbox is locked by another POP3 session.',
  },
}

const lmtp: SmtpPersonality = {
  greeting: '220 {hostname} Dovecot ready.',
  hello: '{hostname}',
  extensions: ['8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING', withTls('STARTTLS')],
  replies: {
    'MAIL 250': '250 2.1.0 OK',
    'RCPT 250': '250 2.1.5 OK',
    'RSET 250': '250 2.0.0 OK',
    'DATA 354': '354 OK',
    'DATA 250': savedFor,
    'BDAT 250': savedFor,
    'VRFY 252': '252 2.3.3 Try RCPT instead',
    'STARTTLS 220': '220 2.0.0 Begin TLS negotiation now.',
    'this is LMTP; send LHLO': '500 5.5.1 Unknown command',
    'command not recognized': '500 5.5.1 Unknown command',
    'LHLO 501': '501 Missing hostname',
  },
}

/** Names the recipient, as the own text does: `<alice@lab.test> OK: queued as lmtp-1.1`. A chunk has no recipient. */
function savedFor({ text, id }: SmtpFacts): string | undefined {
  const [recipient = ''] = text.split(' OK')
  return recipient.startsWith('<') ? `250 2.0.0 ${recipient} ${id} Saved` : undefined
}

const sieveExtensions = [
  ...['fileinto', 'reject', 'envelope', 'encoded-character', 'vacation', 'subaddress', 'comparator-i;ascii-numeric'],
  ...['relational', 'regex', 'imap4flags', 'copy', 'include', 'body', 'variables', 'enotify', 'environment'],
  ...['mailbox', 'date', 'index', 'ihave', 'duplicate', 'mime', 'foreverypart', 'extracttext'],
]

const managesieve: ManageSievePersonality = {
  greeting: 'Dovecot ready.',
  capabilities: [
    '"IMPLEMENTATION" "Dovecot Pigeonhole"',
    ({ extensions }) => `"SIEVE" "${sieveExtensions.filter((name) => extensions.includes(name)).join(' ')}"`,
    ({ isLoggedOn, redirects }) => (isLoggedOn ? `"MAXREDIRECTS" "${redirects}"` : undefined),
    '"NOTIFY" "mailto"',
    ({ isLoggedOn, mechanisms }) => (isLoggedOn ? undefined : `"SASL" "${mechanisms.join(' ')}"`),
    ({ isLoggedOn, canStartTls }) => (canStartTls && !isLoggedOn ? '"STARTTLS"' : undefined),
    '"VERSION" "1.0"',
  ],
  replies: {
    'AUTHENTICATE OK': 'Logged in.',
    'NOOP OK': ({ text }) => (text === 'Done' ? text : 'NOOP Completed'),
    'PUTSCRIPT OK': 'PUTSCRIPT completed.',
    'CHECKSCRIPT OK': 'Script checked successfully.',
    'Logon failure': 'Authentication failed.',
    'The mechanism is not offered.': 'Unsupported authentication mechanism.',
    'Authentication cancelled.': 'Authentication aborted by client.',
    'Log on first.': 'Error in MANAGESIEVE command received by server.',
    'Unknown command.': ({ isLoggedOn, name }) =>
      `Error in MANAGESIEVE command ${isLoggedOn ? `${name}: Unknown command` : 'received by server'}.`,
    NONEXISTENT: 'Sieve script not found',
    ACTIVE: 'Cannot delete the active Sieve script.',
  },
}

/** Dovecot 2.4 with Pigeonhole, as Debian 13 has it. */
export const dovecot: Personality = { imap4, pop3, lmtp, managesieve }
