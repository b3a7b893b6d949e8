import { withMechanism } from '../rows.ts'
import type { Pop3Personality } from '../types.ts'

const SERVER = 'Microsoft Exchange Server 2003 POP3 server version 6.5.7638.1'

export const pop3: Pop3Personality = {
  mechanisms: ['NTLM'],
  announcesStartTls: false,
  hasApop: false,
  greeting: `${SERVER} ({hostname}) ready.`,
  capabilities: [
    'TOP',
    // RFC 2595 section 2.3: hidden where a password would be refused.
    ({ mayLogOn }) => (mayLogOn ? 'USER' : undefined),
    'PIPELINING',
    'EXPIRE NEVER',
    'UIDL',
    withMechanism('NTLM', 'SASL NTLM'),
  ],
  hasCodes: false,
  replies: {
    'CAPA OK': 'Capability list follows',
    'USER OK': '',
    'PASS OK': 'User successfully logged on.',
    'AUTH OK': ({ isLoggedOn }) => (isLoggedOn ? 'User successfully logged on.' : ''),
    'LIST OK': ({ text, count, octets }) => (/^\d+ \d+$/.test(text) ? text : `${count} ${octets}`),
    'UIDL OK': ({ text }) => (/^\d+ /.test(text) ? text : ''),
    'RETR OK': '',
    'TOP OK': '',
    'DELE OK': '',
    'RSET OK': '',
    'NOOP OK': '',
    'QUIT OK': `${SERVER} signing off.`,
    'No such message': 'The specified message is out of range.',
    'Unknown command.': 'Protocol error.',
    'Wrong number of arguments.': 'Protocol error.',
    'Invalid number.': 'Protocol error.',
    'Missing argument.': 'Protocol error.',
    'This command takes no arguments.': 'Protocol error.',
    'Send USER first.': 'Command is not valid in this state.',
  },
}
