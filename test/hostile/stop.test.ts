import { expect, test } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

const CONFIGURATION = `
hostname: localhost
store: { lmdb: mail }
certificates: certs
directory: { accounts: [{ user: alice, password: secret }] }
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: 0, authentication: [anonymous, basic] }
  - { protocol: pop3, port: 0, tlsPort: 0, authentication: [basic] }
  - { protocol: imap4, port: 0, tlsPort: 0, authentication: [basic] }
  - { protocol: nntp, port: 0, tlsPort: 0, feeds: [{ peer: peer, direction: in, from: [127.0.0.1] }] }
  - { protocol: lmtp, port: 0, tlsPort: 0 }
  - { protocol: managesieve, port: 0, authentication: [basic] }
  - { protocol: http, port: 0, tlsPort: off }
`

type Protocol = 'smtp' | 'lmtp' | 'pop3' | 'imap4' | 'nntp' | 'managesieve' | 'http'

interface State {
  readonly name: string
  readonly protocol: Protocol
  readonly isTls?: boolean
  /** Text that the client sends. The reply to each must begin with what stands after ` => `; without it, none is awaited. */
  readonly steps: readonly string[]
  /** The last line that it reads before the end of the connection. Undefined: none. */
  readonly reads?: RegExp
}

const SMTP_LOGON = 'EHLO here\r\n => 250 '
const ENVELOPE = [SMTP_LOGON, 'MAIL FROM:<a@lab.test>\r\n => 250', 'RCPT TO:<alice@lab.test>\r\n => 250'] as const
const IMAP_LOGON = '1 LOGIN alice secret\r\n => 1 OK'
const POP_LOGON = ['USER alice\r\n => +OK', 'PASS secret\r\n => +OK'] as const
const LMTP_ENVELOPE = ['LHLO here\r\n => 250 ', ...ENVELOPE.slice(1)]
const SIEVE_LOGON = `AUTHENTICATE "PLAIN" "${btoa('\0alice\0secret')}"\r\n => OK "Logged`
const HTTP = 'HTTP/1.1\r\nHost: localhost\r\n'
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const ALICE = `Authorization: Basic ${btoa('alice:secret')}\r\n`
const HALF = 'Subject: unfinished\r\n\r\nhalf'
const ARTICLE = `From: a@lab.test\r\nNewsgroups: lab.general\r\n${HALF}`

const SMTP_BYE = /^421 4\.3\.2 /
const POP_BYE = /^-ERR \[SYS\/TEMP\] /
const IMAP_BYE = /^\* BYE /
const NEWS_BYE = /^400 /
const SIEVE_BYE = /^BYE /
const CLOSE_FRAME = /\x88\x02\x03\xe9/

const states: readonly State[] = [
  { name: 'greeting', protocol: 'smtp', steps: [], reads: SMTP_BYE },
  { name: 'TLS handshake that has not begun', protocol: 'smtp', isTls: true, steps: [] },
  { name: 'half a ClientHello', protocol: 'imap4', isTls: true, steps: ['\x16\x03\x01\x02\x00\x01'] },
  { name: 'handshake after STARTTLS', protocol: 'smtp', steps: [SMTP_LOGON, 'STARTTLS\r\n => 220'] },
  { name: 'handshake after STLS', protocol: 'pop3', steps: ['STLS\r\n => +OK'] },
  { name: 'SMTP log-on', protocol: 'smtp', steps: [SMTP_LOGON, 'AUTH LOGIN\r\n => 334'], reads: SMTP_BYE },
  { name: 'POP3 log-on', protocol: 'pop3', steps: ['USER alice\r\n => +OK'], reads: POP_BYE },
  { name: 'IMAP4 log-on', protocol: 'imap4', steps: ['1 AUTHENTICATE PLAIN\r\n => +'], reads: IMAP_BYE },
  { name: 'NNTP log-on', protocol: 'nntp', steps: ['AUTHINFO USER alice\r\n => 381'], reads: NEWS_BYE },
  { name: 'between RCPT and DATA', protocol: 'smtp', steps: ENVELOPE, reads: SMTP_BYE },
  { name: 'in DATA', protocol: 'smtp', steps: [...ENVELOPE, 'DATA\r\n => 354', HALF], reads: SMTP_BYE },
  {
    name: 'between two chunks of BDAT',
    protocol: 'smtp',
    steps: [...ENVELOPE, `BDAT ${HALF.length}\r\n${HALF} => 250`],
    reads: SMTP_BYE,
  },
  { name: 'in BDAT', protocol: 'smtp', steps: [...ENVELOPE, `BDAT 1000 LAST\r\n${HALF}`], reads: SMTP_BYE },
  {
    name: 'in the literal of APPEND',
    protocol: 'imap4',
    steps: [IMAP_LOGON, `2 APPEND INBOX {1000}\r\n => +`, HALF],
    reads: IMAP_BYE,
  },
  {
    name: 'in IDLE',
    protocol: 'imap4',
    steps: [IMAP_LOGON, '2 SELECT INBOX\r\n => 2 OK', '3 IDLE\r\n => +'],
    reads: IMAP_BYE,
  },
  // Octets of a compressed BYE.
  { name: 'compressed session', protocol: 'imap4', steps: [IMAP_LOGON, '2 COMPRESS DEFLATE\r\n => 2 OK'], reads: /./s },
  { name: 'in POST', protocol: 'nntp', steps: ['POST\r\n => 340', ARTICLE], reads: NEWS_BYE },
  { name: 'in IHAVE', protocol: 'nntp', steps: ['IHAVE <half@peer>\r\n => 335', ARTICLE], reads: NEWS_BYE },
  { name: 'in TAKETHIS', protocol: 'nntp', steps: [`TAKETHIS <half@peer>\r\n${ARTICLE}`], reads: NEWS_BYE },
  {
    name: 'before UPDATE: marked messages stay',
    protocol: 'pop3',
    steps: [...POP_LOGON, 'DELE 1\r\n => +OK'],
    reads: POP_BYE,
  },
  {
    name: 'idle HTTP connection, after its answer',
    protocol: 'http',
    steps: [`GET /readyz ${HTTP}\r\n => HTTP/1.1 200`],
    reads: /^ok$/,
  },
  { name: 'half the header of a request', protocol: 'http', steps: [`GET / ${HTTP}X-A: `] },
  {
    name: 'half the body of a request',
    protocol: 'http',
    steps: [
      `POST /api/v1/messages/import?to=alice ${HTTP}Content-Type: message/rfc822\r\nContent-Length: 1000\r\n\r\n${HALF}`,
    ],
  },
  {
    name: 'WebSocket, which gets a close frame',
    protocol: 'http',
    steps: [`GET /mailpit/api/events ${HTTP}${UPGRADE}\r\n => HTTP/1.1 101`],
    reads: CLOSE_FRAME,
  },
  {
    name: 'WebSocket of JMAP',
    protocol: 'http',
    steps: [`GET /jmap/ws ${HTTP}${ALICE}Sec-WebSocket-Protocol: jmap\r\n${UPGRADE}\r\n => HTTP/1.1 101`],
    reads: CLOSE_FRAME,
  },
  // A masked frame of 1000 octets, of which a few arrive.
  {
    name: 'half a request on the WebSocket of JMAP',
    protocol: 'http',
    steps: [
      `GET /jmap/ws ${HTTP}${ALICE}Sec-WebSocket-Protocol: jmap\r\n${UPGRADE}\r\n => HTTP/1.1 101`,
      '\x81\xfe\x03\xe8\0\0\0\0{"@type":\r\n',
    ],
    reads: CLOSE_FRAME,
  },
  {
    name: 'event source of JMAP, whose last chunk ends it',
    protocol: 'http',
    steps: [`GET /jmap/eventsource?types=*&closeafter=no&ping=0 ${HTTP}${ALICE}\r\n => HTTP/1.1 200`],
    reads: /^0$/,
  },
  {
    name: 'half a request of JMAP',
    protocol: 'http',
    steps: [
      `POST /jmap/api ${HTTP}${ALICE}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"using":\r\n`,
    ],
  },
  {
    name: 'half an upload of JMAP',
    protocol: 'http',
    steps: [`POST /jmap/upload/alice ${HTTP}${ALICE}Content-Length: 1000\r\n\r\n${HALF}`],
  },
  { name: 'LMTP greeting', protocol: 'lmtp', steps: [], reads: SMTP_BYE },
  { name: 'LMTP between RCPT and DATA', protocol: 'lmtp', steps: LMTP_ENVELOPE, reads: SMTP_BYE },
  { name: 'LMTP in DATA', protocol: 'lmtp', steps: [...LMTP_ENVELOPE, 'DATA\r\n => 354', HALF], reads: SMTP_BYE },
  { name: 'LMTP in BDAT', protocol: 'lmtp', steps: [...LMTP_ENVELOPE, `BDAT 1000 LAST\r\n${HALF}`], reads: SMTP_BYE },
  { name: 'ManageSieve greeting', protocol: 'managesieve', steps: [], reads: SIEVE_BYE },
  { name: 'ManageSieve log-on', protocol: 'managesieve', steps: ['AUTHENTICATE "PLAIN"\r\n => ""'], reads: SIEVE_BYE },
  { name: 'ManageSieve command', protocol: 'managesieve', steps: [SIEVE_LOGON, 'NOOP\r\n => OK'], reads: SIEVE_BYE },
  {
    name: 'in the script of PUTSCRIPT',
    protocol: 'managesieve',
    steps: [SIEVE_LOGON, 'PUTSCRIPT "half" {1000+}\r\nkeep;\r\n'],
    reads: SIEVE_BYE,
  },
  { name: 'handshake after STARTTLS of ManageSieve', protocol: 'managesieve', steps: ['STARTTLS\r\n => OK "Begin'] },
  {
    name: 'a stream of events, whose last chunk ends it',
    protocol: 'http',
    steps: [`GET /api/v1/events ${HTTP}\r\n => HTTP/1.1 200`],
    reads: /^0$/,
  },
]

/** Brings a client into a state. */
async function clientIn({ protocol, isTls, steps }: State, lab: StartedLab): Promise<LineClient> {
  const { port = 0, tlsPort = 0 } = lab.endpoint(protocol)
  const client = await LineClient.open(isTls ? tlsPort : port)
  if (!isTls && protocol !== 'http') await client.line()
  for (const step of steps) {
    const [text = '', reply] = step.split(' => ')
    client.send(/\r\n/.test(text) || reply === undefined ? text : `${text}\r\n`)
    if (reply === undefined) continue
    const lines = await client.lines((line) => line.startsWith(reply) || /^(?:-ERR|[45]\d\d |\d (?:NO|BAD))/.test(line))
    expect(lines.at(-1)?.startsWith(reply), `${step}: ${lines.at(-1)}`).toBe(true)
  }
  return client
}

/** Sends a message by each protocol, and waits until it is acknowledged. */
async function acknowledge(lab: StartedLab): Promise<void> {
  const whole = HALF.replace('unfinished', 'acknowledged')
  const sends = [
    { protocol: 'smtp', steps: [...ENVELOPE, 'DATA\r\n => 354', `${whole}\r\n.\r\n => 250`] },
    { protocol: 'smtp', steps: [...ENVELOPE, `BDAT ${whole.length} LAST\r\n${whole} => 250`] },
    { protocol: 'imap4', steps: [IMAP_LOGON, `2 APPEND INBOX {${whole.length}+}\r\n${whole}\r\n => 2 OK`] },
    {
      protocol: 'nntp',
      steps: ['POST\r\n => 340', `${ARTICLE.replace('unfinished', 'acknowledged')}\r\n.\r\n => 240`],
    },
  ] as const
  for (const { protocol, steps } of sends) (await clientIn({ name: '', protocol, steps }, lab)).end()
}

test('SIGTERM in every state ends the session, and keeps what is acknowledged', async () => {
  const file = place.write('lab.yaml', CONFIGURATION)
  {
    await using lab = await place.start(['--config', file])
    await acknowledge(lab)
    const clients = await Promise.all(states.map((state) => clientIn(state, lab)))
    const ended = lab.end('SIGTERM')
    const read = await Promise.all(clients.map(async (client) => (await client.rest()).filter((line) => line !== '')))
    const seen = states.map(({ name }, at) => [name, read[at]?.at(-1) ?? 'closed'])
    expect(seen).toEqual(
      states.map(({ name, reads: last }) => [name, last instanceof RegExp ? expect.stringMatching(last) : 'closed']),
    )
    expect(await ended).toBe(0)
  }
  await using again = await place.start(['--config', file])
  const response = await fetch(`http://127.0.0.1:${again.endpoint('http').port}/api/v1/messages`)
  const { items } = (await response.json()) as { items: readonly { subject: string }[] }
  expect(items.map(({ subject }) => subject)).toEqual(Array(4).fill('acknowledged'))
})
