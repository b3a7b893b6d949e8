import { once } from 'node:events'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { corpus } from '../../support/corpus.ts'
import { dovecotSession, hasDovecot } from '../../support/dovecot.ts'
import { type ImapValue, readValues } from '../../support/imap-values.ts'
import { startImapLab } from './support.ts'

const messages = corpus()
const raws = messages.map(({ raw }) => raw)

const FETCHES = [
  'RFC822.SIZE',
  'RFC822.HEADER',
  'BODY.PEEK[HEADER.FIELDS (Subject X-None FROM received)]',
  'BODY.PEEK[HEADER.FIELDS.NOT (received Subject)]',
  'BODY.PEEK[HEADER]<10.50>',
  'BODY.PEEK[TEXT]<5.40>',
  'BODY.PEEK[]<0.100>',
  'BODY.PEEK[]<100000.5>',
  'BODY.PEEK[1]<3.20>',
  'BODY.PEEK[1.MIME]',
  'BODY.PEEK[2.MIME]',
]

const SEARCHES = [
  'ALL',
  'SMALLER 3000',
  'LARGER 3000 SMALLER 6000',
  '5:10,20,* UID 1:15',
  'NOT 1:100',
  'OR FROM yahoo SUBJECT re',
  'NOT (FROM yahoo) TO linux',
  'SENTON 22-Aug-2002',
  'SENTBEFORE 1-Sep-2002',
  'SENTSINCE 1-Sep-2002',
  'SENTSINCE 1-Aug-2002 SENTBEFORE 15-Sep-2002 NOT CC lists',
  'HEADER List-Id ""',
  'HEADER X-Mailer mutt',
  'OR OR HEADER Message-ID sourceforge HEADER References yahoo HEADER In-Reply-To @',
  'UNSEEN UNDELETED UNFLAGGED UNDRAFT UNANSWERED NOT KEYWORD x',
  'SEEN',
]

const SORTS = [
  '(SIZE)',
  '(REVERSE SIZE)',
  '(DATE)',
  '(REVERSE DATE)',
  '(SUBJECT)',
  '(FROM)',
  '(TO REVERSE SIZE)',
  '(CC)',
  '(REVERSE SUBJECT DATE)',
]

const commands = [
  ...FETCHES.map((item, i) => `f${i} FETCH 1:* ${item}`),
  ...SEARCHES.map((keys, i) => `s${i} SEARCH RETURN (ALL) ${keys}`),
  ...SORTS.map((keys, i) => `o${i} SORT RETURN (ALL) ${keys} UTF-8 ALL`),
]

/** Returns our server's responses to the same commands. */
async function ourResponses(): Promise<Buffer> {
  await using lab = await startImapLab()
  await lab.put('alice', ...raws)
  const socket = tlsConnect({ host: '127.0.0.1', port: lab.tlsPort, ca: lab.ca, servername: 'localhost' })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  await once(socket, 'secureConnect')
  socket.write(
    ['l LOGIN alice secret', 'a SELECT INBOX', ...commands, 'z LOGOUT'].map((line) => `${line}\r\n`).join(''),
  )
  await once(socket, 'close')
  return Buffer.concat(received)
}

/** Dovecot runs several commands at the same time, so responses are identified by item or tag, not by position. */
interface Answers {
  /** Item → sequence number → value. */
  readonly fetched: ReadonlyMap<string, ReadonlyMap<number, ImapValue | undefined>>
  /** Tag → ESEARCH response. */
  readonly found: ReadonlyMap<string, string>
}

function answers(received: Buffer): Answers {
  const text = received.toString('latin1')
  const fetched = new Map<string, Map<number, ImapValue | undefined>>()
  const start = /^\* (\d+) FETCH \(/gm
  for (let match = start.exec(text); match; match = start.exec(text)) {
    const { values, at } = readValues(text, start.lastIndex)
    start.lastIndex = at
    const item = JSON.stringify(values.slice(0, -1)).toUpperCase()
    const messages = fetched.get(item) ?? new Map<number, ImapValue | undefined>()
    fetched.set(item, messages.set(Number(match[1]), values.at(-1)))
  }
  const lines = text.matchAll(/^\* ESEARCH \(TAG "(\w+)"\)(.*)\r$/gm)
  return { fetched, found: new Map(Array.from(lines, ([, tag = '', rest = '']) => [tag, rest])) }
}

/** Replaces the empty string that Dovecot sends for a missing part by our NIL. RFC 9051 section 7.5.2. */
const present = (value: ImapValue | undefined): ImapValue | undefined =>
  value && 'string' in value && value.string === '' ? { atom: 'NIL' } : value

/** Messages whose dates or subjects we deliberately read in another way than Dovecot. */
const DELIBERATE: Readonly<Record<string, string>> = {
  'spam-1.00187.eml': 'we reject the year 0102; Dovecot accepts it in SEARCH and rejects it in SORT',
  'spam-2.00588.eml': 'same as above',
  'spam-2.00471.eml': 'we accept one-digit seconds',
  'spam-2.00645.eml': 'we accept the date in spite of its invalid zone',
}
/** Returns whether a Subject has raw 8-bit text, for which we guess a charset. Dovecot treats it as invalid UTF-8. */
const hasRawSubject = (raw: Buffer): boolean =>
  /^subject:.*[\x80-\xff]/im.test(raw.toString('latin1').split('\r\n\r\n', 1)[0] ?? '')

const deliberate = new Set(
  messages.flatMap(({ name, raw }, i) => (name in DELIBERATE || hasRawSubject(raw) ? [i + 1] : [])),
)

/** Returns the numbers in an ESEARCH response, in its order, without the deliberate differences. */
function withoutDeliberate(answer = ''): number[] {
  const [, set = ''] = / ALL ([\d:,]+)/.exec(answer) ?? []
  const numbers = set
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [from = 0, to = from] = range.split(':').map(Number)
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    })
  return numbers.filter((number) => !deliberate.has(number))
}

describe.skipIf(!hasDovecot() || messages.length === 0)(
  'the same commands sent to Dovecot (dovecot-imapd), over SEALPOST_CORPUS',
  () => {
    test('FETCH, SEARCH and SORT return the same results', async () => {
      const theirs = answers(await dovecotSession(raws, commands))
      const ours = answers(await ourResponses())
      expect([...ours.fetched.keys()]).toEqual(expect.arrayContaining([...theirs.fetched.keys()]))
      for (const [item, values] of ours.fetched) {
        expect(values.size, item).toBe(raws.length)
        for (const [n, value] of values) {
          const theirValue = theirs.fetched.get(item)?.get(n)
          expect.soft(present(value), `${item} of ${messages[n - 1]?.name}`).toEqual(present(theirValue))
        }
      }
      for (const command of commands) {
        const [tag = ''] = command.split(' ')
        if (tag.startsWith('f')) continue
        const [mine, other] = [ours, theirs].map(({ found }) => withoutDeliberate(found.get(tag)))
        expect.soft(mine, command).toEqual(other)
      }
      expect(ours.found.size).toBe(SEARCHES.length + SORTS.length)
    })
  },
)
