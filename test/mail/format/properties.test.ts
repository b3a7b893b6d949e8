import { describe, expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { seededRandom } from '../../../src/core/values/random.ts'
import { headerBlockEnd, headerFields } from '../../../src/mail/format/headers.ts'
import { bodyStructureForm, envelope, envelopeForm } from '../../../src/mail/format/imap-form.ts'
import { overview } from '../../../src/mail/format/overview.ts'
import { ParsedMessage } from '../../../src/mail/format/parse-cache.ts'
import { readable } from '../../../src/mail/format/readable.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { corpus } from '../../support/corpus.ts'
import { readValues } from '../../support/imap-values.ts'
import { isThorough } from '../../support/thorough.ts'

const messages = corpus()
const MUTATIONS = isThorough ? 10 : 1

const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '--',
  ':',
  ';',
  '"',
  '(',
  ')',
  '<',
  '>',
  '=?utf-8?q?',
  '\r\n\r\n',
  '\xff',
  'boundary=',
  '=',
  '\\',
  ' ',
]

/** Returns the message with some octets changed, removed, repeated or inserted. */
function mutated(raw: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  let out = raw
  for (let i = below(8); i >= 0; i--) {
    const at = below(Math.min(out.length, 3000))
    const until = at + below(60)
    const piece = Buffer.from(PIECES[below(PIECES.length)] ?? '', 'latin1')
    const middle = [piece, Buffer.alloc(0), Buffer.concat([out.subarray(at, until), out.subarray(at, until)])][below(3)]
    out = Buffer.concat([out.subarray(0, at), middle ?? piece, out.subarray(random() < 0.5 ? at : until)])
  }
  return out.subarray(0, random() < 0.2 ? below(out.length) : out.length)
}

/** Checks that a part lies within its range, and that its children are in order and do not overlap. */
function checkBounds(part: MessagePart, start: number, end: number): void {
  const { headerStart, bodyStart, bodyEnd } = part
  if (!(start <= headerStart && headerStart <= bodyStart && bodyStart <= bodyEnd && bodyEnd <= end)) {
    throw new Error(`part ${headerStart} ${bodyStart} ${bodyEnd} outside ${start} ${end}`)
  }
  let at = bodyStart
  for (const child of part.children) {
    checkBounds(child, at, bodyEnd)
    at = child.bodyEnd
  }
  if (part.message) checkBounds(part.message, bodyStart, bodyEnd)
}

/** Checks that only preamble, delimiter lines and epilogue are outside the parts of a multipart. */
function checkCoverage(raw: Buffer, part: MessagePart): void {
  part.children.forEach((child, i) => {
    const before = raw.toString('latin1', part.children[i - 1]?.bodyEnd ?? part.bodyStart, child.headerStart)
    if (!/(?:^|\n)--[^\n]*\n$/.test(before))
      throw new Error(`no delimiter line before a part: ${JSON.stringify(before)}`)
    if (i > 0 && before.split('\n').length > 3) throw new Error(`octets between two parts: ${JSON.stringify(before)}`)
  })
  for (const child of part.children) checkCoverage(raw, child)
  if (!part.message) return
  if (part.message.headerStart !== part.bodyStart || part.message.bodyEnd !== part.bodyEnd)
    throw new Error('a message must fill its part')
  checkCoverage(raw, part.message)
}

/** Parses, formats and checks a message in every way. @throws if anything is wrong */
function checkAll(raw: Buffer): void {
  const structure = parseMessage(raw)
  if (structure.bodyEnd !== raw.length) throw new Error('the message is not covered')
  checkBounds(structure, 0, raw.length)
  checkCoverage(raw, structure)
  const fields = headerFields(raw)
  fields.reduce((at, field) => {
    if (field.start !== at || field.valueStart > field.end) throw new Error(`field at ${field.start}, not ${at}`)
    return field.end
  }, 0)
  if (headerBlockEnd(raw) < (fields.at(-1)?.end ?? 0)) throw new Error('fields beyond the header')
  for (const form of [
    runToEnd(envelopeForm(runToEnd(envelope(raw, fields)))),
    runToEnd(bodyStructureForm(raw, structure)),
  ]) {
    if (readValues(form).values.length !== 1) throw new Error(`no single IMAP value: ${form}`)
  }
  overview(raw)
  const parsed = new ParsedMessage()
  runToEnd(parsed.textContains(raw, 'x'))
  runToEnd(parsed.headerContains(raw, 'subject', 'x'))
  const mail = readable(raw)
  JSON.stringify([
    mail.headers.size,
    mail.from,
    mail.to,
    mail.cc,
    mail.text,
    mail.html,
    mail.date,
    mail.links,
    mail.codes,
  ])
  for (const attachment of mail.attachments)
    if (attachment.sizeOctets > raw.length) throw new Error('attachment is larger than the message')
}

describe.skipIf(messages.length === 0)('reading any octets (SEALPOST_CORPUS)', () => {
  test('parts cover every octet of the corpus', () => {
    for (const { name, raw } of messages) expect(() => checkAll(raw), name).not.toThrow()
  })

  test('mutated messages never throw, and all offsets are within bounds', () => {
    const random = seededRandom(20020830)
    for (const { name, raw } of messages) {
      for (let i = 0; i < MUTATIONS; i++) {
        const broken = mutated(raw.length > 20_000 ? raw.subarray(0, 20_000) : raw, random)
        expect(() => checkAll(broken), `${name}, mutation ${i}`).not.toThrow()
      }
    }
  })
})
