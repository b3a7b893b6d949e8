import { repeated } from './attacker.ts'
import type { Attack } from './types.ts'

/** Just under the largest message that a lab accepts. */
const LARGE = 24 << 20
const CRLF = '\r\n'

/** Stores messages, then repeats commands until the time is over. */
const onMail = (name: string, messages: () => readonly string[], commands: readonly string[]): Attack => ({
  name,
  async prepare(attacker) {
    const wire = await attacker.store(...messages())
    return () =>
      attacker.repeat(async () => {
        for (const command of commands) {
          await wire.ask(`x ${command}\r\n`, '\r\nx ')
          await wire.until(CRLF)
        }
      })
  },
})

const header = (name: string, piece: string): string => `${name}: ${repeated(piece, LARGE)}\r\n\r\nx\r\n`

/** Nested messages, as deep as a message of `octets` octets can be. */
function nested(octets: number): string {
  const part = 'Content-Type: message/rfc822\r\n\r\n'
  return `${repeated(part, octets)}Subject: x\r\n\r\nx\r\n`
}

/** Nested multiparts with as many boundaries. */
function multiparts(depth: number): string {
  let text = ''
  for (let i = 0; i < depth; i++) text += `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`
  return `${text}\r\nx\r\n`
}

/** Articles each of which refers to the one before. */
const chain = (length: number): string[] =>
  Array.from(
    { length },
    (_, i) => `Message-ID: <${i}@chain>\r\n${i > 0 ? `References: <${i - 1}@chain>\r\n` : ''}Subject: x\r\n\r\nx\r\n`,
  )

const UNENDED_IDS = '<"\\"'
const searchKeys = (count: number): string => Array.from({ length: count }, (_, i) => `TEXT word${i}`).join(' ')

/** Attacks by what a logged-on client stores and then asks for. */
export const valueAttacks: readonly Attack[] = [
  onMail(
    'SEARCH with 500 keys on a message of 24 MB',
    () => [`Subject: x\r\n\r\n${repeated('some words and more\r\n', LARGE)}`],
    [
      `SEARCH OR ${searchKeys(2)} OR ${searchKeys(2)} NOT (${searchKeys(500)})`,
      `SEARCH NOT ${Array.from({ length: 500 }, (_, i) => `TEXT word${i}`).join(' NOT ')}`,
    ],
  ),
  onMail(
    'quadratic expressions: In-Reply-To, Message-ID, References',
    () => ['In-Reply-To', 'Message-ID', 'References'].map((name) => header(name, UNENDED_IDS)),
    ['THREAD REFERENCES UTF-8 ALL', 'FETCH 1:* ENVELOPE', 'THREAD ORDEREDSUBJECT UTF-8 ALL'],
  ),
  onMail(
    'quadratic expressions: other fields',
    () =>
      [
        ['Date', '('],
        ['From', '"\\"'],
        ['To', '(a(b'],
        ['Cc', '<@a,'],
        ['Subject', 'Re: [x]'],
        ['Content-Type', 'text/plain; a="\\"'],
        ['Content-Disposition', 'attachment; filename*0*=%'],
        ['List-Id', '<a.'],
      ].map(([name = '', piece = '']) => header(name, piece)),
    [
      'FETCH 1:* (ENVELOPE BODYSTRUCTURE)',
      'SORT (SUBJECT FROM DATE) UTF-8 ALL',
      'SEARCH SENTSINCE 1-Jan-2020 FROM alice',
    ],
  ),
  onMail('message/rfc822 in message/rfc822, 24 MB deep', () => [nested(LARGE)], [
    'FETCH 1 BODYSTRUCTURE',
    'FETCH 1 BODY.PEEK[1.1.1.1.1.1.HEADER]',
    'SEARCH BODY nothing',
  ]),
  onMail('100,000 nested multiparts', () => [multiparts(100_000)], ['FETCH 1 BODYSTRUCTURE', 'SEARCH BODY nothing']),
  onMail(
    'encoded words without text, 24 MB',
    () => [header('Subject', '=?utf-8?q??= '), header('From', '=?utf-8?b??= ')],
    ['FETCH 1:* ENVELOPE', 'SEARCH SUBJECT nothing', 'SORT (SUBJECT) UTF-8 ALL'],
  ),
  onMail('THREAD of a chain of 8,000 messages', () => chain(8_000), [
    'THREAD REFERENCES UTF-8 ALL',
    'UID THREAD REFS UTF-8 ALL',
  ]),
  {
    name: 'LIST with 250 patterns of many wildcards',
    async prepare(attacker) {
      const wire = await attacker.loggedOn()
      const names = Array.from({ length: 1_000 }, (_, i) => `c CREATE ${'a'.repeat(200)}${i}\r\n`)
      await wire.ask(names.join(''), 'c OK', names.length)
      const patterns = Array.from({ length: 250 }, (_, i) => `${'*a'.repeat(60)}b${i}`).join(' ')
      return () => attacker.repeat(() => wire.ask(`x LIST "" (${patterns})\r\n`, 'x OK'))
    },
  },
  {
    name: 'mailbox names of Unicode line breaks, listed and fetched back',
    async prepare(attacker) {
      const wire = await attacker.loggedOn()
      await wire.ask('e ENABLE UTF8=ACCEPT\r\n', 'e OK')
      return () =>
        attacker.repeat(async (round) => {
          const names = Array.from({ length: 50 }, (_, i) => `"\u010d\u010a\u560d\u560a* ${round * 50 + i} EXISTS"`)
          const commands = names.map((name) => `x CREATE ${name}\r\nx STATUS ${name} (MESSAGES)\r\n`)
          await wire.ask(`${commands.join('')}y LIST "" *\r\n`, 'y OK')
        })
    },
  },
]
