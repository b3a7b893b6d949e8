import { firstOf, isIn, lastOf, NOBODY, type ProtocolRow, wordsOf } from './row.ts'

/** Commands whose positive reply goes on up to a line with a single dot. */
const MULTILINE = /^(?:CAPA|LIST|UIDL|AUTH)$|^(?:RETR|TOP) /i

/** RFC 1939, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (AUTH). */
export const pop3: ProtocolRow = {
  protocol: 'pop3',
  title: 'POP3',
  greeting: /^\+OK/,
  frame: (command) => command,
  isLast: (lines, command) => !firstOf(lines).startsWith('+OK') || !MULTILINE.test(command) || lastOf(lines) === '.',
  status: firstOf,
  code: (status) => /^\S*/.exec(status)?.[0] ?? '',
  capabilities: {
    command: 'CAPA',
    startTls: /^STLS\b/i,
    mechanisms: (lines) => [
      ...(lines.some((line) => /^USER\b/i.test(line)) ? ['USER'] : []),
      ...wordsOf(lines, /^SASL\b/i).map((name) => name.toUpperCase()),
    ],
  },
  startTls: { command: 'STLS', ready: /^\+OK/ },
  accepted: /^\+OK/,
  clearLogOn: [
    { name: 'USER', command: `USER ${NOBODY}`, goesInto: isIn('+OK', '+') },
    { name: 'AUTH PLAIN', command: 'AUTH PLAIN', goesInto: isIn('+OK', '+') },
  ],
  injected: { command: 'XINJECTED', answered: ({ code }) => code === '-ERR' },
  state: {
    before: ({ user, password }) => (user && password ? [`USER ${user}`] : undefined),
    after: ({ password }) => `PASS ${password}`,
    // RFC 2595 section 4
    forgotten: /^-ERR/,
    what: 'the user name given in clear',
  },
  quit: 'QUIT',
}
