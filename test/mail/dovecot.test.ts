import { describe, expect, test } from 'vitest'
import { headerFields } from '../../src/mail/headers.ts'
import { bodyStructureForm, envelope, envelopeForm } from '../../src/mail/imap-form.ts'
import { parseMessage } from '../../src/mail/structure.ts'
import { corpus } from '../support/corpus.ts'
import { dovecotSession, hasDovecot } from '../support/dovecot.ts'
import { fetchResponses, type ImapValue, readValues } from '../support/imap-values.ts'
import { DELIBERATE } from './deliberate.ts'
import { EDGE_CASES } from './edge-cases.ts'

const ITEMS = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE'] as const

const messages = corpus()

/** Ours, read as a client reads it: literal or quoted makes no difference. */
function ours(raw: Buffer): Record<(typeof ITEMS)[number], ImapValue | undefined> {
  const structure = parseMessage(raw)
  const read = (form: string): ImapValue | undefined => readValues(form).values[0]
  return {
    ENVELOPE: read(envelopeForm(envelope(raw, headerFields(raw)))),
    BODY: read(bodyStructureForm(raw, structure, false)),
    BODYSTRUCTURE: read(bodyStructureForm(raw, structure)),
  }
}

async function theirs(raws: readonly Buffer[]): Promise<Map<number, Map<string, ImapValue>>> {
  const found = fetchResponses(await dovecotSession(raws, [`b FETCH 1:* (${ITEMS.join(' ')})`]))
  expect(found.size).toBe(raws.length)
  return found
}

describe.skipIf(!hasDovecot())('ENVELOPE, BODY and BODYSTRUCTURE beside Dovecot (dovecot-imapd)', () => {
  test.skipIf(messages.length === 0)('are equal for every message of the corpus (SEALPOST_CORPUS)', async () => {
    const found = await theirs(messages.map(({ raw }) => raw))
    for (const [i, { name, raw }] of messages.entries()) {
      const mine = ours(raw)
      for (const item of ITEMS) expect(mine[item], `${item} of ${name}`).toEqual(found.get(i + 1)?.get(item))
    }
  })

  test('are equal for what strains a parser, except where we differ on purpose', async () => {
    const raws = EDGE_CASES.map(({ message }) => Buffer.from(message, 'latin1'))
    const found = await theirs(raws)
    const different = EDGE_CASES.filter((_, i) => {
      const mine = ours(raws[i] as Buffer)
      return ITEMS.some((item) => JSON.stringify(mine[item]) !== JSON.stringify(found.get(i + 1)?.get(item)))
    })
    expect(different.map(({ name }) => name).sort()).toEqual(Object.keys(DELIBERATE).sort())
  })
})
