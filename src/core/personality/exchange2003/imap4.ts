import { loginDisabled, withMechanism } from '../rows.ts'
import type { ImapPersonality, SelectFacts } from '../types.ts'

const SERVER = 'Microsoft Exchange Server 2003 IMAP4rev1 server version 6.5.7638.1'

/** The flags that it has. It keeps no keywords. */
const FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$MDNSent']

/** Returns the flags that a client can change. */
const permanent = (flags: readonly string[]): string[] =>
  FLAGS.filter((flag) => flags.includes(flag) || (flags.includes('\\*') && !flag.startsWith('\\')))

const select = ({ exists, recent, unseen, uidValidity, permanentFlags }: SelectFacts): string[] => [
  `${exists} EXISTS`,
  `${recent} RECENT`,
  `FLAGS (${FLAGS.join(' ')})`,
  `OK [PERMANENTFLAGS (${permanent(permanentFlags).join(' ')})] Permanent flags`,
  ...(unseen > 0 ? [`OK [UNSEEN ${unseen}] Is the first unseen message`] : []),
  `OK [UIDVALIDITY ${uidValidity}] UIDVALIDITY value`,
]

export const imap4: ImapPersonality = {
  mechanisms: ['NTLM'],
  announcesStartTls: false,
  greeting: `${SERVER} ({hostname}) ready.`,
  capabilities: [
    'IMAP4',
    'IMAP4rev1',
    'IDLE',
    'LOGIN-REFERRALS',
    'MAILBOX-REFERRALS',
    'NAMESPACE',
    'LITERAL+',
    'UIDPLUS',
    'CHILDREN',
    withMechanism('NTLM', 'AUTH=NTLM'),
    loginDisabled,
  ],
  afterLogOn: 'nowhere',
  codes: ['READ-ONLY', 'READ-WRITE', 'TRYCREATE', 'APPENDUID', 'COPYUID', 'REFERRAL', 'PRIVACYREQUIRED'],
  bye: `${SERVER} signing off.`,
  select,
  showsSpecialUse: false,
  replies: {
    AUTHENTICATIONFAILED: 'Logon failure: unknown user name or bad password.',
    // Microsoft KB 302965: UID SEARCH is answered as SEARCH.
    OK: ({ name }) => `${name.replace(/^UID /, '')} completed.`,
  },
}
