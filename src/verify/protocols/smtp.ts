import { isIn, lastOf, nobodyPlain, type ProtocolRow, wordsOf } from './row.ts'

/** RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH). */
export const smtp: ProtocolRow = {
  protocol: 'smtp',
  title: 'SMTP',
  greeting: /^220[ -]/,
  frame: (command) => command,
  isLast: (lines) => /^\d{3}(?!-)/.test(lastOf(lines)) || !/^\d{3}/.test(lastOf(lines)),
  status: lastOf,
  code: (status) => status.slice(0, 3),
  capabilities: {
    command: 'EHLO sealpost-verify.invalid',
    startTls: /^250[ -]STARTTLS\b/i,
    mechanisms: (lines) => [...new Set(wordsOf(lines, /^250[ -]AUTH[ =]/i).map((name) => name.toUpperCase()))],
  },
  startTls: { command: 'STARTTLS', ready: /^220/ },
  accepted: /^[23]/,
  clearLogOn: [
    { name: 'AUTH PLAIN', command: `AUTH PLAIN ${nobodyPlain}`, goesInto: isIn('235', '334', '535') },
    { name: 'AUTH LOGIN', command: 'AUTH LOGIN', goesInto: isIn('235', '334', '535') },
  ],
  clearUse: { command: 'MAIL FROM:<>', refused: /^530/, rule: 'RFC 3207 section 4' },
  injected: { command: 'XINJECTED', answered: ({ code }) => /^5/.test(code) },
  state: {
    before: () => ['MAIL FROM:<>'],
    after: () => 'RCPT TO:<postmaster>',
    // RFC 3207 section 4.2
    forgotten: /^5[03]\d/,
    what: 'the mail transaction begun in clear',
  },
  quit: 'QUIT',
}
