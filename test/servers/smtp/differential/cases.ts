import { seededRandom } from '../../../../src/core/values/random.ts'
import { SIZE_LIMIT } from './peers.ts'
import type { Transcript, TranscriptStep } from './play.ts'

const MAIL = 'MAIL FROM:<a@b.test>'
const RCPT = 'RCPT TO:<alice@lab.test>'
const PLAIN = 'AUTH PLAIN AGFsaWNlAHNlY3JldA=='
const MESSAGE = { content: 'Subject: x\r\n\r\nx\r\n.\r\n' }

/** The states of a session, and the steps that lead to each. */
const states: Readonly<Record<string, Transcript>> = {
  fresh: [],
  helo: ['HELO x'],
  greeted: ['EHLO x'],
  mail: ['EHLO x', MAIL],
  rcpt: ['EHLO x', MAIL, RCPT],
  done: ['EHLO x', MAIL, RCPT, 'DATA', MESSAGE],
  loggedOn: ['EHLO x', PLAIN],
}

/** Commands played in every state, valid and not. RFC 5321 section 4.1. */
const commands: readonly string[] = [
  'EHLO client.test',
  'EHLO [127.0.0.1]',
  'HELO client.test',
  'EHLO',
  'HELO',
  'EHLO two words',
  'ehlo x',
  'NOOP',
  'NOOP any words',
  'HELP',
  'VRFY alice',
  'VRFY',
  'EXPN list',
  'RSET',
  'RSET x',
  'QUIT',
  'QUIT x',
  MAIL,
  'mail from:<a@b.test>',
  'MAIL FROM:<>',
  'MAIL',
  'MAIL FROM',
  'MAIL TO:<a@b.test>',
  RCPT,
  'RCPT TO:<nobody@lab.test>',
  'RCPT TO:<carol@elsewhere.test>',
  'RCPT',
  'RCPT TO:',
  'RCPT FROM:<a@b.test>',
  'DATA',
  'DATA x',
  PLAIN,
  'AUTH PLAIN AGFsaWNlAHdyb25n',
  'AUTH PLAIN !!!',
  'AUTH PLAIN',
  'AUTH LOGIN',
  'AUTH NTLM',
  'AUTH',
  'STARTTLS',
  'STARTTLS x',
  'XYZZY',
  'ETRN x',
  'TURN',
  '',
]

/** Arguments of MAIL FROM and RCPT TO. RFC 5321 section 4.1.2. */
const paths: readonly string[] = [
  '<alice@lab.test>',
  '<ALICE@LAB.TEST>',
  ' <alice@lab.test>',
  '<"alice"@lab.test>',
  '<"a b"@elsewhere.test>',
  '<"a\\"b"@elsewhere.test>',
  '<@relay.test:alice@lab.test>',
  '<alice@[127.0.0.1]>',
  '<alice@[IPv6:::1]>',
  '<alice@[999.0.0.1]>',
  '<postmaster@lab.test>',
  '<Postmaster>',
  '<alice>',
  '<>',
  '<alice@lab.test',
  'alice@lab.test',
  'alice@lab.test>',
  '<<alice@lab.test>>',
  '<alice@>',
  '<@lab.test>',
  '<alice@@lab.test>',
  '<al ice@lab.test>',
  '<.alice@lab.test>',
  '<ali..ce@lab.test>',
  '<alice@-lab.test>',
  '<alice@lab..test>',
  '<alice@lab.test>x',
  'Alice <alice@lab.test>',
  `<${'l'.repeat(64)}@elsewhere.test>`,
  `<${'l'.repeat(400)}@elsewhere.test>`,
]

/** Parameters of MAIL, RFC 5321 section 4.1.1.11, RFC 1870, RFC 6152, RFC 3461, RFC 6531. */
const mailParameters: readonly string[] = [
  'SIZE=10',
  `SIZE=${SIZE_LIMIT}`,
  `SIZE=${SIZE_LIMIT + 1}`,
  'SIZE=x',
  'SIZE=',
  'SIZE',
  'SIZE=-1',
  'SIZE=1 SIZE=1',
  'BODY=8BITMIME',
  'BODY=7BIT',
  'BODY=x',
  'BODY',
  'SMTPUTF8',
  'SMTPUTF8=1',
  'RET=FULL',
  'RET=HDRS ENVID=x',
  'RET=x',
  'RET',
  'ENVID',
  'ENVID=a+2Bb',
  'ENVID=a+0D+0Ab',
  'X-UNKNOWN=1',
  '=1',
  'size=10 body=7bit',
]

/** Parameters of RCPT. RFC 3461. */
const rcptParameters: readonly string[] = [
  'NOTIFY=NEVER',
  'NOTIFY=SUCCESS,FAILURE',
  'notify=delay',
  'NOTIFY=NEVER,SUCCESS',
  'NOTIFY=x',
  'NOTIFY',
  'NOTIFY=NEVER NOTIFY=NEVER',
  'ORCPT=rfc822;a@b.test',
  'ORCPT=a@b.test',
  'ORCPT',
  'X-UNKNOWN=1',
]

const login = (name: string, password: string): Transcript => [
  'EHLO x',
  'AUTH LOGIN',
  Buffer.from(name).toString('base64'),
  Buffer.from(password).toString('base64'),
  MAIL,
]

/** Played after STARTTLS, which forgets the state. A handshake costs too much to play every command. */
const afterTls: readonly string[] = ['EHLO x', 'HELO x', 'NOOP', 'RSET', 'QUIT', MAIL, RCPT, 'DATA', PLAIN, 'STARTTLS']

/** Dialogs of several commands. */
const dialogs: Readonly<Record<string, Transcript>> = {
  'a mail by HELO': ['HELO x', MAIL, RCPT, 'DATA', MESSAGE, 'QUIT'],
  'two mails': ['EHLO x', MAIL, RCPT, 'DATA', MESSAGE, MAIL, RCPT, 'DATA', MESSAGE, 'QUIT'],
  'three recipients, one rejected': [
    'EHLO x',
    MAIL,
    RCPT,
    'RCPT TO:<nobody@lab.test>',
    'RCPT TO:<bob@lab.test>',
    'DATA',
    MESSAGE,
  ],
  'only a rejected recipient': ['EHLO x', MAIL, 'RCPT TO:<nobody@lab.test>', 'DATA', 'RSET', 'DATA'],
  'the same recipient twice': ['EHLO x', MAIL, RCPT, RCPT, 'DATA', MESSAGE],
  'nested MAIL': ['EHLO x', MAIL, MAIL, RCPT, 'DATA', MESSAGE],
  'RSET in the middle': ['EHLO x', MAIL, RCPT, 'RSET', RCPT, 'DATA', MAIL, RCPT, 'DATA', MESSAGE],
  'EHLO in the middle': ['EHLO x', MAIL, RCPT, 'EHLO y', RCPT, 'DATA', MAIL, RCPT, 'DATA', MESSAGE],
  'HELO after EHLO': ['EHLO x', 'HELO x', MAIL, RCPT, 'DATA', MESSAGE],
  'STARTTLS twice': ['EHLO x', 'STARTTLS', 'EHLO x', 'STARTTLS', MAIL],
  'STARTTLS forgets the greeting and the log-on': ['EHLO x', PLAIN, 'STARTTLS', MAIL, 'EHLO x', PLAIN, MAIL],
  'a mail over TLS': ['EHLO x', 'STARTTLS', 'EHLO x', PLAIN, MAIL, RCPT, 'DATA', MESSAGE, 'QUIT'],
  'AUTH LOGIN': login('alice', 'secret'),
  'AUTH LOGIN, wrong password': login('alice', 'wrong'),
  'AUTH LOGIN, unknown user': login('nobody', 'secret'),
  'AUTH LOGIN, cancelled': ['EHLO x', 'AUTH LOGIN', '*', 'NOOP'],
  'AUTH LOGIN, name as initial response': ['EHLO x', 'AUTH LOGIN YWxpY2U=', 'c2VjcmV0', MAIL],
  'AUTH PLAIN, response on the next line': ['EHLO x', 'AUTH PLAIN', 'AGFsaWNlAHNlY3JldA==', MAIL],
  'AUTH PLAIN, cancelled': ['EHLO x', 'AUTH PLAIN', '*', 'NOOP'],
  'AUTH PLAIN, no base64': ['EHLO x', 'AUTH PLAIN', '!!!', 'NOOP'],
  'AUTH PLAIN, another identity': ['EHLO x', `AUTH PLAIN ${Buffer.from('bob\0alice\0secret').toString('base64')}`],
  'AUTH CRAM-MD5, wrong proof': ['EHLO x', 'AUTH CRAM-MD5', Buffer.from('alice 00').toString('base64'), 'NOOP'],
  'AUTH twice': ['EHLO x', PLAIN, PLAIN],
  'AUTH during a transaction': ['EHLO x', MAIL, PLAIN, RCPT],
  'AUTH before EHLO': [PLAIN],
  'nine unrecognized commands': ['EHLO x', ...Array.from({ length: 9 }, () => 'XYZZY'), 'NOOP'],
  'ten unrecognized commands': ['EHLO x', ...Array.from({ length: 10 }, () => 'XYZZY'), 'NOOP'],
  'an HTTP request': ['EHLO x', 'GET / HTTP/1.1', 'NOOP'],
  'nothing after QUIT': ['EHLO x', 'QUIT', 'NOOP'],
  // RFC 2920
  'pipelined envelope': ['EHLO x', [MAIL, RCPT, 'RCPT TO:<bob@lab.test>', 'DATA'], MESSAGE, 'QUIT'],
  'pipelined, one recipient rejected': ['EHLO x', [MAIL, 'RCPT TO:<nobody@lab.test>', RCPT, 'DATA'], MESSAGE, 'QUIT'],
  'pipelined, all recipients rejected': ['EHLO x', [MAIL, 'RCPT TO:<nobody@lab.test>', 'DATA'], 'NOOP'],
  'pipelined with errors': ['EHLO x', ['RSET', 'MAIL', MAIL, 'RCPT', RCPT, 'NOOP', 'XYZZY', 'VRFY x', 'QUIT']],
  'pipelined EHLO': [['EHLO x', MAIL, RCPT, 'RSET', 'QUIT']],
  'commands after QUIT in one write': ['EHLO x', ['QUIT', 'NOOP']],
}

/** Contents of DATA as sent, with dot-stuffing. RFC 5321 section 4.5.2. */
const contents: Readonly<Record<string, string>> = {
  'no header': '.\r\n',
  'an empty line': '\r\n.\r\n',
  'a simple message': 'Subject: x\r\n\r\nbody\r\n.\r\n',
  'stuffed dots': 'Subject: x\r\n\r\n..\r\n...\r\n..two\r\n a.\r\n..\r\n.\r\n',
  'a dot that is not stuffed': 'Subject: x\r\n\r\n.one\r\n.\r\n',
  'the first line is stuffed': '..first\r\n.\r\n',
  '8-bit octets': 'Subject: x\r\n\r\n\xc3\xbc\xff\x80\r\n.\r\n',
  'a NUL': 'Subject: x\r\n\r\na\0b\r\n.\r\n',
  'a long line': `Subject: x\r\n\r\n${'x'.repeat(1_500)}\r\n.\r\n`,
  'exactly the size limit': `${'x'.repeat(SIZE_LIMIT - 2)}\r\n.\r\n`,
  'one octet above the size limit': `${'x'.repeat(SIZE_LIMIT - 1)}\r\n.\r\n`,
  'far above the size limit': `${'line of text\r\n'.repeat(5_000)}.\r\n`,
  'stuffed dots at the size limit': `${'..\r\n'.repeat(50)}${'x'.repeat(SIZE_LIMIT - 152)}\r\n.\r\n`,
  'a bare CR': 'Subject: x\r\n\r\na\rb\r\n.\r\n',
  'a bare LF': 'Subject: x\r\n\r\na\nb\r\n.\r\n',
  'smuggling with LF dot LF': 'Subject: x\r\n\r\na\n.\nb\r\n.\r\n',
  'smuggling with LF dot CRLF': 'Subject: x\r\n\r\na\n.\r\nb\r\n.\r\n',
  'smuggling with CRLF dot LF': 'Subject: x\r\n\r\na\r\n.\nb\r\n.\r\n',
  'smuggling with CR dot CR': 'Subject: x\r\n\r\na\r.\rb\r\n.\r\n',
}

/** The contents of DATA. Each has its own sender, so that its message can be found at both servers. */
export const contentCases = Object.entries(contents).map(([name, content], index) => {
  const sender = `content-${index}@b.test`
  const transcript: Transcript = ['EHLO x', `MAIL FROM:<${sender}>`, RCPT, 'DATA', { content }, 'NOOP', 'QUIT']
  return { name, sender, transcript }
})

/** Commands in random order, in which the servers must accept and reject the same ones. */
function randomTranscript(random: () => number): Transcript {
  const pool: readonly TranscriptStep[] = [
    'EHLO x',
    'HELO x',
    MAIL,
    'MAIL FROM:<>',
    'MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME',
    RCPT,
    'RCPT TO:<bob@lab.test> NOTIFY=NEVER',
    'RCPT TO:<nobody@lab.test>',
    'RSET',
    'NOOP',
    'VRFY alice',
    ['RSET', MAIL, RCPT],
    ['NOOP', RCPT, 'NOOP'],
    'STARTTLS',
    PLAIN,
    'DATA',
    'DATA',
    'XYZZY',
  ]
  return Array.from({ length: 16 }, () => pool[Math.floor(random() * pool.length)] as TranscriptStep).flatMap((step) =>
    step === 'DATA' ? [step, MESSAGE] : [step],
  )
}

const random = seededRandom(5321)

/** Every transcript by name. */
export const transcripts: readonly { readonly name: string; readonly transcript: Transcript }[] = [
  ...Object.entries(states).flatMap(([state, before]) =>
    commands.map((command) => ({ name: `${state}: ${JSON.stringify(command)}`, transcript: [...before, command] })),
  ),
  ...afterTls.map((command) => ({
    name: `after STARTTLS: ${JSON.stringify(command)}`,
    transcript: ['EHLO x', MAIL, RCPT, 'STARTTLS', command],
  })),
  ...paths.flatMap((path) => [
    { name: `MAIL FROM:${path}`, transcript: ['EHLO x', `MAIL FROM:${path}`, RCPT] },
    { name: `RCPT TO:${path}`, transcript: ['EHLO x', MAIL, `RCPT TO:${path}`, 'DATA'] },
  ]),
  ...mailParameters.map((text) => ({ name: `MAIL ${text}`, transcript: ['EHLO x', `${MAIL} ${text}`, RCPT] })),
  ...rcptParameters.map((text) => ({ name: `RCPT ${text}`, transcript: ['EHLO x', MAIL, `${RCPT} ${text}`, 'DATA'] })),
  ...Object.entries(dialogs).map(([name, transcript]) => ({ name, transcript })),
  ...contentCases,
  ...Array.from({ length: 40 }, (_, i) => ({ name: `random ${i + 1}`, transcript: randomTranscript(random) })),
]
