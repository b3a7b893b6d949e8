import { firstOf, isIn, lastOf, NOBODY, nobodyPlain, type ProtocolRow, wordsOf } from './row.ts'

/** Replies that go on up to a line with a single dot. RFC 3977 section 3.2. */
const MULTILINE = /^(?:100|101|215|220|221|222|224|225|230|231)\b/

/** RFC 3977, RFC 4642 (STARTTLS), RFC 4643 (AUTHINFO). */
export const nntp: ProtocolRow = {
  protocol: 'nntp',
  title: 'NNTP',
  greeting: /^20[01]\b/,
  frame: (command) => command,
  isLast: (lines) => !MULTILINE.test(firstOf(lines)) || lastOf(lines) === '.',
  status: firstOf,
  code: (status) => status.slice(0, 3),
  capabilities: {
    command: 'CAPABILITIES',
    startTls: /^STARTTLS\b/i,
    mechanisms: (lines) => [
      ...wordsOf(lines, /^AUTHINFO\b/i).flatMap((word) => (word.toUpperCase() === 'USER' ? ['USER'] : [])),
      ...wordsOf(lines, /^SASL\b/i).map((name) => name.toUpperCase()),
    ],
  },
  startTls: { command: 'STARTTLS', ready: /^382/ },
  accepted: /^[23]/,
  clearLogOn: [
    { name: 'AUTHINFO USER', command: `AUTHINFO USER ${NOBODY}`, goesInto: isIn('281', '381', '481') },
    {
      name: 'AUTHINFO SASL PLAIN',
      command: `AUTHINFO SASL PLAIN ${nobodyPlain}`,
      goesInto: isIn('281', '283', '383', '481'),
    },
  ],
  injected: { command: 'XINJECTED', answered: ({ code }) => /^5/.test(code) },
  state: {
    before: ({ newsgroup }) => (newsgroup === undefined ? undefined : [`GROUP ${newsgroup}`]),
    after: () => 'STAT',
    // RFC 4642 section 2.2.2
    forgotten: /^(?:412|480|483)/,
    what: 'the newsgroup chosen in clear',
  },
  quit: 'QUIT',
}
