import { describe, expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { headerFields } from '../../../src/mail/format/headers.ts'
import { bodyStructureForm, envelope, envelopeForm } from '../../../src/mail/format/imap-form.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'
import { corpus } from '../../support/corpus.ts'
import { dovecotSession, hasDovecot } from '../../support/dovecot.ts'
import { fetchResponses, type ImapValue, readValues } from '../../support/imap-values.ts'
import { EDGE_CASES } from './edge-cases.ts'

const TRAILING_SPACE =
  'white space around a value does not belong to it (RFC 5322 section 3.2.2); Dovecot keeps it at the end'
const EMPTY_ELEMENT = 'empty elements of a list are ignored (RFC 5322 section 4.4); Dovecot returns addresses for them'
const OBSOLETE_LOCAL =
  'dotted words, spaced or quoted, are a local part (RFC 5322 section 4.4); Dovecot takes them for a name'
const BARE_LF = 'sizes are those of the octets we send; Dovecot sends CRLF for a bare LF'

/** The edge cases in which ENVELOPE or BODYSTRUCTURE differ from Dovecot's on purpose, with the reason. */
const DELIBERATE: Readonly<Record<string, string>> = {
  'Date: 1  2\t3\r\n 4  ': TRAILING_SPACE,
  'Message-ID:  <a  b>\r\n\t<c> ': TRAILING_SPACE,
  'Content-ID:  <a>\r\n <b> ': TRAILING_SPACE,
  'Content-Description: a  b \t c ': TRAILING_SPACE,
  'Content-Location:\r\n http://x\r\n y': TRAILING_SPACE,
  'To: a@b, ,c@d': EMPTY_ELEMENT,
  'To: ,': EMPTY_ELEMENT,
  'To: ,,a@b': EMPTY_ELEMENT,
  'To: a . b @ c . d': OBSOLETE_LOCAL,
  'To: "x".y@z': OBSOLETE_LOCAL,
  'To: x."y"@z': OBSOLETE_LOCAL,
  'To: <"x".y@z>': OBSOLETE_LOCAL,
  'To: a@b.c.': 'a host with a final dot is returned as it is; Dovecot returns none',
  'To: a@b (unclosed': 'an unclosed comment does not affect the address before it',
  'Content-Type: text/plain;;a=b': 'an empty parameter does not hide the next',
  'Content-Type: text/plain; =x; a=b': 'a parameter without a name is ignored',
  'Content-Type: message/global': 'message/global is treated like message/rfc822 (RFC 9051 section 7.5.2)',
  'Content-Disposition:': 'an empty disposition is ignored',
  'Content-Disposition: "attachment"; filename=x': 'a quoted disposition type is accepted',
  'Content-Disposition: inline\r\nContent-Disposition: attachment; filename=z':
    'the first one counts, as with all Content fields',
  "Content-Disposition: attachment; filename*=utf-8''%e4; size=4":
    'invalid UTF-8 becomes U+FFFD, so that all texts are UTF-8',
  'Content-Language: en,,de': 'an empty language tag does not hide the next',
  'MP LF only': BARE_LF,
  'LF all': BARE_LF,
  'rfc822 header cut':
    'the line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1), also in a message inside',
}

const ITEMS = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE'] as const

const messages = corpus()

/** Returns our values as a client reads them, so that literal and quoted strings are equal. */
function ours(raw: Buffer): Record<(typeof ITEMS)[number], ImapValue | undefined> {
  const structure = parseMessage(raw)
  const read = (form: string): ImapValue | undefined => readValues(form).values[0]
  return {
    ENVELOPE: read(runToEnd(envelopeForm(runToEnd(envelope(raw, headerFields(raw)))))),
    BODY: read(runToEnd(bodyStructureForm(raw, structure, false))),
    BODYSTRUCTURE: read(runToEnd(bodyStructureForm(raw, structure))),
  }
}

async function theirs(raws: readonly Buffer[]): Promise<Map<number, Map<string, ImapValue>>> {
  const found = fetchResponses(await dovecotSession(raws, [`b FETCH 1:* (${ITEMS.join(' ')})`]))
  expect(found.size).toBe(raws.length)
  return found
}

describe.skipIf(!hasDovecot())('ENVELOPE, BODY and BODYSTRUCTURE, compared with Dovecot (dovecot-imapd)', () => {
  test.skipIf(messages.length === 0)('are equal for every message of the corpus (SEALPOST_CORPUS)', async () => {
    const found = await theirs(messages.map(({ raw }) => raw))
    for (const [i, { name, raw }] of messages.entries()) {
      const mine = ours(raw)
      for (const item of ITEMS) expect(mine[item], `${item} of ${name}`).toEqual(found.get(i + 1)?.get(item))
    }
  })

  test('are equal for the edge cases, except where we differ on purpose', async () => {
    const raws = EDGE_CASES.map(({ message }) => Buffer.from(message, 'latin1'))
    const found = await theirs(raws)
    const different = EDGE_CASES.filter((_, i) => {
      const mine = ours(raws[i] as Buffer)
      return ITEMS.some((item) => JSON.stringify(mine[item]) !== JSON.stringify(found.get(i + 1)?.get(item)))
    })
    expect(different.map(({ name }) => name).sort()).toEqual(Object.keys(DELIBERATE).sort())
  })
})
