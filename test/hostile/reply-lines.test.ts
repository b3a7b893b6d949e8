import { afterEach, expect, test } from 'vitest'
import type { LabInput, Protocol } from '../../src/core/config/schema.ts'
import { seededRandom } from '../../src/core/values/random.ts'
import { LineClient } from '../support/line-client.ts'
import { type MailLab, startMailLab } from '../support/mail-lab.ts'
import { scaled } from './support.ts'

/**
 * For any Unicode in an argument, every reply line is well-formed, and none comes from the argument.
 * SEALPOST_REPLY_SEED and SEALPOST_REPLY_ROUNDS repeat or extend the run.
 */
const SEED = Number(process.env.SEALPOST_REPLY_SEED ?? 14)
const ROUNDS = Number(process.env.SEALPOST_REPLY_ROUNDS ?? scaled(6))

/** Stands where a line break would begin a forged line. No reply line may start with it. */
const FORGED = 'forged'
/** Line breaks, and characters that become one if they are cut to their low octet, normalized or taken for one. */
const BREAKS = [
  '\r',
  '\u010d\u010a',
  '\u0d0d\u0d0a',
  '\u560d\u560a',
  '\u0a0d\u0d0a',
  '\u0085',
  '\u2028',
  '\u2029',
  '\u000b',
]
const PIECES = [
  ...[
    'a',
    'Z',
    '0',
    ' ',
    '.',
    '@',
    '<',
    '>',
    '(',
    ')',
    '"',
    '\\',
    '%',
    '*',
    '+',
    '=',
    ':',
    ';',
    ',',
    '&',
    '[',
    ']',
    '-',
  ],
  ...[
    '\t',
    '\x01',
    '\x1b',
    '\x7f',
    '\x80',
    '\x9b',
    '\u00a0',
    'é',
    'č',
    '\u0301',
    '\u200d',
    '\u202e',
    '\ufeff',
    '\ufffd',
  ],
  ...['\uffff', '郵', '\u{1f600}', '\u{e0001}', '\u{10ffff}', '&AQ0-', '&DQ0NCg-', '+0D+0A', '%0d%0a', '=0D=0A'],
]
/** Octets that are not UTF-8: half a character, a surrogate, an overlong LF. */
const NOT_UTF8 = ['\xc3', '\xff', '\xed\xa0\x8d', '\xc0\x8a'].map((octets) => Buffer.from(octets, 'latin1'))

class Generator {
  readonly #random: () => number
  #last: Buffer = Buffer.alloc(0)
  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  /** Returns an argument without LF, which ends every command. Half of them have no control characters: names may not. */
  argument(): Buffer {
    const isClean = this.#random() < 0.5
    const parts: Buffer[] = []
    const length = 1 + Math.floor(this.#random() * 12)
    for (let i = 0; i < length; i++) {
      const kind = this.#random()
      if (kind < 0.3) parts.push(Buffer.from(this.pick(BREAKS) + FORGED + this.pick(BREAKS)))
      else if (kind < 0.34) parts.push(this.pick(NOT_UTF8))
      else if (kind < 0.36) parts.push(Buffer.from('x'.repeat(600)))
      else parts.push(Buffer.from(this.pick(PIECES)))
    }
    const octets = Buffer.concat(parts)
    return isClean ? Buffer.from(octets.toString().replace(/[\p{Cc}\u2028\u2029\ufffd]|x{600}/gu, 'č')) : octets
  }

  /** Replaces each `§` of a template by an argument, and each `¶` by the argument before it. */
  fill(template: string, form: (argument: Buffer) => Buffer = (argument) => argument): Buffer {
    const parts = template.split(/([§¶])/).map((part) => {
      if (part === '§') this.#last = form(this.argument())
      return part === '§' || part === '¶' ? this.#last : Buffer.from(part)
    })
    return Buffer.concat(parts)
  }
}

const ASCII_LINE = /^[\x20-\x7e]*$/
const isUtf8Line = (octets: string): boolean => {
  try {
    return !/\p{Cc}/u.test(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1')))
  } catch {
    return false
  }
}

/** Checks one line of a reply, without its CRLF, as octets. */
function checkLine(line: string, allowed: 'ascii' | 'utf8', sent: Buffer, maxOctets: number): void {
  const about = `after ${JSON.stringify(sent.toString('latin1'))}`
  expect(line, `forged line ${about}`).not.toMatch(/^(?:[*+] |[-.\d]+ )?forged/)
  const wellFormed = allowed === 'ascii' ? ASCII_LINE.test(line) : isUtf8Line(line)
  expect(wellFormed, `malformed line ${JSON.stringify(line)} ${about}`).toBe(true)
  expect(line.length, `line too long ${about}`).toBeLessThanOrEqual(maxOctets - 2)
}

let labs: MailLab[] = []
afterEach(async () => {
  for (const lab of labs) await lab[Symbol.asyncDispose]()
  labs = []
})

async function open(protocol: Protocol, config: LabInput = {}): Promise<MailLab> {
  const lab = await startMailLab({ protocol }, { mode: 'open', config })
  labs.push(lab)
  return lab
}

/** A client of a protocol with line replies. It reads all lines up to the reply to a probe. */
interface Dialect {
  readonly protocol: Protocol
  readonly probe: string
  /** The reply to the probe. */
  readonly answer: RegExp
  readonly hello: readonly string[]
  /** Reply lines from client text may contain UTF-8. */
  readonly allowed: 'ascii' | 'utf8'
  readonly templates: readonly string[]
  readonly config?: LabInput
}

/** Sends every template with several arguments, one command at a time, and checks every line of the replies. */
async function exchangeAll({ protocol, probe, answer, hello, allowed, templates, config }: Dialect): Promise<number> {
  const lab = await open(protocol, config)
  const generator = new Generator(SEED)
  let checked = 0
  const connected = async (): Promise<LineClient> => {
    const client = await LineClient.greeted(lab.port)
    client.send(`${[...hello, probe].join('\r\n')}\r\n`)
    await client.lines((reply) => answer.test(reply))
    return client
  }
  let client = await connected()
  for (let round = 0; round < ROUNDS; round++) {
    for (const template of templates) {
      const sent = generator.fill(template)
      client.send(Buffer.concat([sent, Buffer.from(`\r\n${probe}\r\n`)]))
      const lines = await client.lines((line) => answer.test(line))
      // Columns of NNTP lists are separated by tabs.
      for (const line of lines) checkLine(protocol === 'nntp' ? line.replaceAll('\t', ' ') : line, allowed, sent, 512)
      expect(lines.length).toBeGreaterThan(0)
      checked += lines.length
      if (answer.test(lines.at(-1) ?? '')) continue
      client.destroy()
      client = await connected()
    }
  }
  client.destroy()
  return checked
}

/** A configuration in which no client can log on, and every local recipient is unknown. */
const LISTED: LabInput = { directory: { mode: 'listed', accounts: [] } }

const smtpTemplates = [
  '§',
  ...['EHLO §', 'HELO §', 'VRFY §', 'EXPN §', 'HELP §', 'NOOP §', 'RSET §', 'DATA §', 'STARTTLS §', 'QUIT §', 'BDAT §'],
  ...['AUTH §', 'AUTH § §', 'AUTH PLAIN §', 'AUTH PLAIN =§'],
  ...['MAIL §', 'MAIL FROM:§', 'MAIL FROM:<§>', 'MAIL FROM:<§@lab.test>', 'MAIL FROM:<a@§>', 'MAIL FROM:<a@b.test> §'],
  ...['MAIL FROM:<a@b.test> SIZE=§', 'MAIL FROM:<a@b.test> ENVID=§ RET=§', 'MAIL FROM:<a@b.test> AUTH=§'],
  ...['RCPT §', 'RCPT TO:<§>', 'RCPT TO:<§@lab.test>', 'RCPT TO:<a@§>', 'RCPT TO:<"§"@lab.test>'],
  ...['RCPT TO:<a@lab.test> NOTIFY=§', 'RCPT TO:<a@lab.test> ORCPT=rfc822;§', 'RCPT TO:<a@lab.test> §'],
]
const smtpDialect = { protocol: 'smtp', probe: 'NOOP', answer: /^250 2\.0\.0 OK$/ } as const

test('SMTP: every reply line is ASCII', async () => {
  const hello = ['EHLO client.test', 'MAIL FROM:<a@b.test>']
  expect(await exchangeAll({ ...smtpDialect, hello, allowed: 'ascii', templates: smtpTemplates })).toBeGreaterThan(100)
})

test('SMTP: a transaction with SMTPUTF8 gets UTF-8 at most (RFC 6531 section 3.7.4)', async () => {
  const templates = ['§@lab.test', '"§"@lab.test', 'é§@lab.test', 'é@§', '§@elsewhere.test', '§'].flatMap((path) => [
    `RSET\r\nMAIL FROM:<${path}> SMTPUTF8`,
    `RSET\r\nMAIL FROM:<a@b.test> SMTPUTF8\r\nRCPT TO:<${path}>`,
    `RSET\r\nMAIL FROM:<a@b.test> SMTPUTF8 §\r\nRCPT TO:<${path}> ORCPT=utf-8;§`,
  ])
  const listed = { ...smtpDialect, hello: ['EHLO client.test'], allowed: 'utf8', templates, config: LISTED } as const
  // The templates contain RSET, which has the same reply as NOOP.
  expect(await exchangeAll({ ...listed, probe: 'VRFY a', answer: /^252 / })).toBeGreaterThan(100)
})

test('POP3: every reply line is ASCII', async () => {
  const before = [
    '§',
    'USER §',
    'PASS §',
    'APOP §',
    'APOP § §',
    'AUTH §',
    'AUTH PLAIN §',
    'AUTH § §',
    'CAPA §',
    'STLS §',
  ]
  const logon = ['USER §\r\nPASS x\r\nQUIT']
  const outside = { protocol: 'pop3', probe: 'APOP', answer: /^-ERR Wrong number of arguments\.$/, hello: [] } as const
  const listed = { ...outside, allowed: 'ascii', config: LISTED } as const
  expect(await exchangeAll({ ...listed, templates: before })).toBeGreaterThan(50)
  expect(await exchangeAll({ ...outside, allowed: 'ascii', templates: logon })).toBeGreaterThan(5)
  const numbered = ['RETR', 'TOP', 'LIST', 'UIDL', 'DELE', 'STAT', 'NOOP', 'RSET', 'CAPA', 'USER', 'LANG', 'UTF8']
  const templates = ['§', ...numbered.flatMap((command) => [`${command} §`, `${command} 1 §`])]
  const inside = { ...outside, probe: 'NOOP', answer: /^\+OK NOOP completed$/, hello: ['USER alice', 'PASS x'] }
  expect(await exchangeAll({ ...inside, allowed: 'ascii', templates })).toBeGreaterThan(50)
})

test('NNTP: every reply line is UTF-8 (RFC 3977 section 3.1)', async () => {
  const article = (field: string): string =>
    `POST\r\nFrom: a@b.test\r\nSubject: x\r\nNewsgroups: no.such\r\n${field}\r\n\r\nx\r\n.`
  const templates = [
    ...[
      '§',
      'GROUP §',
      'LISTGROUP §',
      'LISTGROUP lab.general §',
      'LISTGROUP § 1-',
      'ARTICLE §',
      'HEAD <§>',
      'BODY <§@a>',
    ],
    ...['STAT §', 'OVER §', 'XOVER §', 'HDR § 1-', 'HDR Subject §', 'XHDR § 1-', 'XPAT Subject 1- §', 'XPAT § § §'],
    ...['LIST §', 'LIST ACTIVE §', 'LIST NEWSGROUPS §', 'LIST OVERVIEW.FMT §', 'LIST HEADERS §', 'XGTITLE §'],
    ...[
      'NEWGROUPS § §',
      'NEWGROUPS 20200101 000000 §',
      'NEWNEWS § 20200101 000000',
      'NEWNEWS * § §',
      'MODE §',
      'HELP §',
    ],
    ...['IHAVE <§>', 'CHECK <§>', 'CAPABILITIES §', 'COMPRESS §', 'STARTTLS §', 'QUIT §', 'NEXT §', 'DATE §'],
    ...['AUTHINFO §', 'AUTHINFO § §', 'AUTHINFO USER §', 'AUTHINFO PASS §', 'AUTHINFO SASL §', 'AUTHINFO SASL PLAIN §'],
    article('X-Field: §'),
    article('§: x'),
    article('§'),
    article('Newsgroups: §'),
    article('Message-ID: <§>'),
    article('Date: §'),
    article('Path: §'),
    article('Control: § §'),
    article('Supersedes: §').replace('no.such', 'é§'),
    article('From: §').replace('From: a@b.test\r\n', ''),
    article('Message-ID: §').replace('no.such', 'lab.general'),
  ]
  const newsgroups = [{ name: 'lab.general' }, { name: 'lab.čeština' }]
  const dialect = {
    protocol: 'nntp',
    probe: 'DATE',
    answer: /^111 \d{14}$/,
    allowed: 'utf8',
    config: { news: { groups: newsgroups } },
  } as const
  expect(await exchangeAll({ ...dialect, hello: ['GROUP lab.general'], templates })).toBeGreaterThan(200)
  // The last reply repeats the name. After it, the session is logged on.
  const logon = ['AUTHINFO USER §\r\nAUTHINFO PASS x\r\nQUIT', 'AUTHINFO USER é\r\nAUTHINFO PASS §\r\nQUIT']
  expect(await exchangeAll({ ...dialect, hello: [], templates: logon })).toBeGreaterThan(10)
})

/** How an IMAP4 client writes an argument. Literals may contain CR and LF. */
const imapForms: readonly ((argument: Buffer) => Buffer)[] = [
  (argument) => argument,
  (argument) => Buffer.from(`"${argument.toString('latin1').replace(/["\\]/g, '\\$&')}"`, 'latin1'),
  (argument) => literal(argument),
  (argument) => literal(Buffer.concat([argument, Buffer.from('\r\n* 99 EXISTS\r\nforged OK\r\n')])),
]
const literal = (octets: Buffer): Buffer => Buffer.concat([Buffer.from(`{${octets.length}+}\r\n`), octets])

const imapTemplates = [
  ...['§', 'NOOP §', '§ §', 'ID ("name" §)', 'ENABLE §', 'COMPRESS §', 'IDLE §', 'CAPABILITY §', 'NAMESPACE §'],
  ...[
    'CREATE a',
    'CREATE §',
    'CREATE ¶',
    'CREATE §',
    'RENAME a ¶',
    'CREATE §',
    'CREATE ¶',
    'DELETE ¶',
    'CREATE a/§',
    'CREATE § (USE (§))',
    'DELETE §',
    'RENAME § §',
    'RENAME a §',
    'RENAME § a',
  ],
  ...['SUBSCRIBE §', 'UNSUBSCRIBE §', 'LIST "" §', 'LIST § *', 'LIST "" * RETURN (§)', 'LIST (§) "" *', 'LSUB "" §'],
  ...['LIST "" *', 'LSUB "" *', 'SELECT §', 'EXAMINE §', 'STATUS § (MESSAGES)', 'STATUS INBOX (§)', 'SELECT INBOX (§)'],
  ...[
    'APPEND § {3+}\r\nabc',
    'APPEND INBOX (§) {3+}\r\nabc',
    'APPEND INBOX § {3+}\r\nabc',
    'APPEND INBOX "§" {3+}\r\nabc',
  ],
  ...['GETQUOTA §', 'GETQUOTAROOT §', 'SETQUOTA § (STORAGE 1)', 'SETQUOTA "" (§ 1)'],
  ...['SELECT INBOX', 'FETCH 1 §', 'FETCH § FLAGS', 'FETCH 1 BODY[§]', 'FETCH 1 BODY.PEEK[HEADER.FIELDS (§)]'],
  ...['FETCH 1 (BODY.PEEK[HEADER.FIELDS.NOT (§ Subject)])', 'FETCH 1 FLAGS (§)', 'STORE 1 FLAGS (§)', 'STORE 1 § (a)'],
  ...['STORE 1 +FLAGS (a§)', 'COPY 1 §', 'MOVE 1 §', 'UID COPY 1 §', 'UID § 1', 'EXPUNGE §', 'UID EXPUNGE §'],
  ...[
    'SEARCH §',
    'SEARCH SUBJECT §',
    'SEARCH KEYWORD §',
    'SEARCH CHARSET § ALL',
    'SEARCH RETURN (§) ALL',
    'SEARCH HEADER § §',
  ],
  ...['SORT (§) UTF-8 ALL', 'THREAD § UTF-8 ALL', 'SORT (DATE) § ALL', 'CLOSE §', 'LOGIN § §', 'AUTHENTICATE §'],
]

/** Reads the lines of responses up to the reply to a probe, without the octets of literals. */
async function imapLines(client: LineClient, probe: string): Promise<string[]> {
  const lines: string[] = []
  let octetsLeft = 0
  let pending = ''
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    if (octetsLeft > line.length + 1) {
      octetsLeft -= line.length + 2
      continue
    }
    const text = pending + line.slice(octetsLeft)
    const announced = /~?\{(\d+)\}$/.exec(text)
    octetsLeft = Number(announced?.[1] ?? 0)
    pending = announced ? text.slice(0, announced.index) : ''
    if (announced) continue
    lines.push(text)
    if (text === `${probe} OK NOOP completed`) break
  }
  return lines
}

test.each([
  ['IMAP4rev1: every response line is ASCII', undefined, 'ascii'],
  [
    'IMAP4 after ENABLE UTF8=ACCEPT: response lines are UTF-8 and status texts ASCII (RFC 6855 section 3)',
    'UTF8=ACCEPT',
    'ascii',
  ],
  ['IMAP4 after ENABLE IMAP4rev2: every response line is UTF-8 (RFC 9051 section 9)', 'IMAP4rev2', 'utf8'],
] as const)('%s', async (_, extension, statusText) => {
  const lab = await open('imap4')
  await lab.put('alice', 'Subject: x\r\n\r\nx\r\n')
  const generator = new Generator(SEED)
  let probes = 0
  let checked = 0
  const exchange = async (client: LineClient, sent: Buffer): Promise<readonly string[]> => {
    const probe = `p${++probes}`
    client.send(Buffer.concat([sent, Buffer.from(`\r\n${probe} NOOP\r\n`)]))
    const lines = await imapLines(client, probe)
    for (const line of lines) {
      const isStatus = /^\S+ (?:OK|NO|BAD|BYE|PREAUTH) /.test(line)
      checkLine(line, extension === undefined || (isStatus && statusText === 'ascii') ? 'ascii' : 'utf8', sent, 70_000)
      expect(line, sent.toString('latin1')).toMatch(/^(?:\* |\+ |t |p\d+ )/)
    }
    // One reply to the command, tagged or not, and one to the probe, unless the session is over.
    const replies = lines.filter((line) => /^(?:t |p\d+ |\* (?:BAD|BYE))/.test(line))
    expect(replies.length, `${sent.toString('latin1')} got ${lines.join(' | ')}`).toBe(
      lines.at(-1)?.startsWith('* BYE') ? 1 : 2,
    )
    expect(lines.some((line) => line.startsWith('* 99'))).toBe(false)
    checked += lines.length
    return lines
  }
  const connected = async (): Promise<LineClient> => {
    const client = await LineClient.greeted(lab.port)
    await exchange(client, Buffer.from('t LOGIN alice x'))
    if (extension) await exchange(client, Buffer.from(`t ENABLE ${extension}`))
    await exchange(client, Buffer.from('t SELECT INBOX'))
    return client
  }
  let client = await connected()
  for (let round = 0; round < ROUNDS; round++) {
    for (const template of imapTemplates) {
      const lines = await exchange(client, generator.fill(`t ${template}`, generator.pick(imapForms)))
      if (/^p\d+ OK/.test(lines.at(-1) ?? '')) continue
      client.destroy()
      client = await connected()
    }
  }
  client.destroy()
  expect(checked).toBeGreaterThan(200)
  // Log-ons under any name, in separate sessions.
  for (let round = 0; round < ROUNDS * 4; round++) {
    using other = await LineClient.greeted(lab.port)
    await exchange(other, generator.fill('t LOGIN § x', generator.pick(imapForms)))
    await exchange(other, Buffer.from('t LIST "" *'))
  }
})
