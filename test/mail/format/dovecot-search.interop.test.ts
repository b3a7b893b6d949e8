import { describe, expect, test } from 'vitest'
import { runToEnd, type Steps } from '../../../src/core/time/time-slice.ts'
import { seededRandom } from '../../../src/core/values/random.ts'
import { formatDate, parseDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { messageIds, threadAncestors } from '../../../src/mail/format/message-ids.ts'
import { ParseCache, type ParsedMessage } from '../../../src/mail/format/parse-cache.ts'
import { foldText } from '../../../src/mail/format/search-text.ts'
import {
  orderedSubject,
  type Thread,
  type Threadable,
  threadForm,
  threadReferences,
} from '../../../src/mail/format/threading.ts'
import type { HeaderField } from '../../../src/mail/format/types.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import { corpus } from '../../support/corpus.ts'
import { dovecotSession, hasDovecot } from '../../support/dovecot.ts'

const formOf = (threads: Steps<Thread[]>): string => runToEnd(threadForm(runToEnd(threads)))

const messages = corpus()
const raws = messages.map(({ raw }) => raw)
const cache = new ParseCache()

const TEXTS =
  'the|Linux|click HERE|viagra|http://|=|é|für|日本|你|unsubscribe|content-type|boundary|spamassassin|zzyzx|money back|£|free!|font|gmt'
const FIELDS =
  'subject re:|subject é|from yahoo|from @|to lists|received with|x-mailer outlook|cc|list-id|message-id <|subject free|content-type multipart|date 2002'

interface Search {
  readonly key: string
  readonly command: string
  readonly matches: (parsed: ParsedMessage, raw: Buffer) => boolean
}

const literal = (text: string): string => `{${Buffer.byteLength(text)}+}\r\n${Buffer.from(text).toString('latin1')}`

const SEARCHES: readonly Search[] = [
  ...TEXTS.split('|').flatMap((text): Search[] => [
    {
      key: `TEXT ${text}`,
      command: `TEXT ${literal(text)}`,
      matches: (parsed, raw) => runToEnd(parsed.textContains(raw, foldText(text))),
    },
    {
      key: `BODY ${text}`,
      command: `BODY ${literal(text)}`,
      matches: (parsed, raw) => runToEnd(parsed.bodyContains(raw, foldText(text))),
    },
  ]),
  ...FIELDS.split('|').map((field): Search => {
    const [name = '', text = ''] = field.split(' ')
    const matches = (parsed: ParsedMessage, raw: Buffer): boolean =>
      runToEnd(parsed.headerContains(raw, name, foldText(text)))
    return { key: `HEADER ${field}`, command: `HEADER ${name} ${literal(text)}`, matches }
  }),
]

const UNLABELLED = 'we read 8-bit text without a charset as windows-1252 if it is not UTF-8; Dovecot ignores it'
const BROKEN_TYPE = 'we read a part with a broken Content-Type as text (RFC 2045 section 5.2)'

/** The searches in which we find more than Dovecot on purpose, with the reason. Dovecot never finds more. */
const DELIBERATE: Readonly<Record<string, string>> = {
  'BODY the': BROKEN_TYPE,
  'BODY http://': BROKEN_TYPE,
  'TEXT é': UNLABELLED,
  'BODY é': UNLABELLED,
  'TEXT für': UNLABELLED,
  'BODY für': UNLABELLED,
  'TEXT £': UNLABELLED,
  'BODY £': UNLABELLED,
  'HEADER subject é': UNLABELLED,
}

/** Returns the numbers in the ESEARCH response to the command with that tag. RFC 4731. */
function found(output: string, tag: string): number[] {
  const [line, set = ''] = new RegExp(`^\\* ESEARCH \\(TAG "${tag}"\\)(?: ALL ([\\d,:]+))?\\r$`, 'm').exec(output) ?? []
  if (line === undefined) throw new Error(`no ESEARCH response for ${tag}`)
  const ranges = set.split(',').filter((range) => range !== '')
  return ranges.flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** Splits threads into lines, for a readable difference. */
const perLine = (threads = ''): string[] => threads.replaceAll(')(', ')\n(').split('\n')

const namesOf = (numbers: readonly number[]): string[] => numbers.map((number) => messages[number - 1]?.name ?? '?')

/** Dates that only we can read. Dovecot threads these messages by their internal date. */
const LENIENT_DATES = / (?:10:28:3|1:5:13) /

/** Creates messages whose references, identifiers and subjects contradict each other, always the same ones. */
function contradictory(count: number): Buffer[] {
  const random = seededRandom(7)
  const pick = (below: number): number => Math.floor(random() * below)
  const id = (): string => `<${pick(count)}@x>`
  const some = (most: number, make: () => string): string => Array.from({ length: pick(most + 1) }, make).join(' ')
  const prefix = (): string => ['', '', 'Re: ', 're[2]: ', 'Fwd: ', '[list] ', 'RE: [list] '][pick(7)] ?? ''
  return Array.from({ length: count }, (_, i) => {
    const date = formatDate(Date.UTC(2020, 0, 1) + pick(90) * 86_400_000 + i * 1000)
    const subject = `${prefix()}topic ${pick(40)}${pick(9) === 0 ? ' (fwd)' : ''}`
    const fields = [`Message-ID: ${pick(12) === 0 ? id() : `<${i}@x>`}`, `Date: ${date}`, `Subject: ${subject}`]
    if (pick(2) === 0) fields.push(`References: ${some(4, id)}`)
    if (pick(3) === 0) fields.push(`In-Reply-To: ${some(2, id)}`)
    return Buffer.from(`${fields.join('\r\n')}\r\n\r\nx\r\n`)
  })
}

function threadable(raw: Buffer, fields: readonly HeaderField[], number: number): Threadable {
  const value = (name: string): string | undefined => headerValue(raw, fields, name)
  const [messageId] = messageIds(value('message-id') ?? '')
  const date = LENIENT_DATES.test(value('date') ?? '') ? undefined : parseDate(value('date') ?? '')?.getTime()
  return {
    number,
    ...(messageId === undefined ? {} : { messageId }),
    ancestors: threadAncestors(value('references'), value('in-reply-to')),
    subject: decodeWords(value('subject') ?? ''),
    date: date ?? Number.MAX_SAFE_INTEGER, // Dovecot reads files that were created just now
  }
}

describe.skipIf(messages.length === 0 || !hasDovecot())(
  'compared with Dovecot (dovecot-imapd, SEALPOST_CORPUS)',
  () => {
    test('SEARCH finds the same messages, except where we differ on purpose', async () => {
      const commands = SEARCHES.map(({ command }, i) => `s${i} SEARCH RETURN (ALL) CHARSET UTF-8 ${command}`)
      const output = (await dovecotSession(raws, commands)).toString('latin1')
      const different: string[] = []
      for (const [i, { key, matches }] of SEARCHES.entries()) {
        const theirs = found(output, `s${i}`)
        const ours = raws.flatMap((raw, n) => (matches(cache.get(messages[n]?.name ?? ''), raw) ? [n + 1] : []))
        expect(namesOf(theirs.filter((number) => !ours.includes(number))), `${key}: found by Dovecot alone`).toEqual([])
        if (ours.length > theirs.length) different.push(key)
      }
      expect(different.sort()).toEqual(Object.keys(DELIBERATE).sort())
    })

    test('THREAD=REFERENCES and THREAD=ORDEREDSUBJECT are equal', async () => {
      const commands = ['r THREAD REFERENCES UTF-8 ALL', 'o THREAD ORDEREDSUBJECT UTF-8 ALL']
      const output = (await dovecotSession(raws, commands)).toString('latin1')
      const theirs = Array.from(output.matchAll(/^\* THREAD (.*)\r$/gm), ([, form]) => form)
      const plain = raws.map((raw, i) => threadable(raw, headerFields(raw), i + 1))
      const ours = [formOf(threadReferences(plain)), formOf(orderedSubject(plain))]
      expect(ours.map(perLine)).toEqual(theirs.map(perLine))
    })

    test('THREAD is equal for contradictory references and subjects', async () => {
      const mails = contradictory(300)
      const commands = ['r THREAD REFERENCES UTF-8 ALL', 'o THREAD ORDEREDSUBJECT UTF-8 ALL']
      const output = (await dovecotSession(mails, commands)).toString('latin1')
      const theirs = Array.from(output.matchAll(/^\* THREAD (.*)\r$/gm), ([, form]) => form)
      const plain = mails.map((raw, i) => threadable(raw, headerFields(raw), i + 1))
      const ours = [formOf(threadReferences(plain)), formOf(orderedSubject(plain))]
      expect(ours.map(perLine)).toEqual(theirs.map(perLine))
    })
  },
)
