import { expect, test } from 'vitest'
import { MAX_VALUE_OCTETS } from '../../src/mail/format/headers.ts'
import { isLong } from '../support/long.ts'
import { repeated } from './bodies.ts'
import { startDuel } from './support.ts'

/** A header value of this size keeps an expression of quadratic time busy for minutes. */
const VALUE_OCTETS = isLong ? 24 << 20 : 4 << 20

/** Pairs that begin an identifier in a quoted string, which never ends. */
const UNENDED_IDS = repeated('<"\\"', VALUE_OCTETS)

test.each(['In-Reply-To', 'Message-ID', 'References'])(
  'THREAD answers although %s is made of unended strings',
  async (name) => {
    await using duel = await startDuel([`${name}: ${UNENDED_IDS}\r\n\r\n`, 'Subject: plain\r\n\r\n'])
    const { reply } = await duel.attack('THREAD REFERENCES UTF-8 ALL')
    expect(reply).toEqual(['* THREAD (1)(2)', 'x OK THREAD completed'])
  },
)

test.each([
  ['folded lines', 'a\r\n '],
  ['addresses', 'a@b, '],
  ['encoded words', '=?utf-8?q??='],
])('a value of %s is read up to the limit', async (_name, piece) => {
  const value = repeated(piece, VALUE_OCTETS)
  await using duel = await startDuel([`Subject: ${value}end\r\nTo: ${value}\r\n\r\n`])
  const { reply } = await duel.attack('FETCH 1 ENVELOPE')
  expect(reply.at(-1)).toBe('x OK FETCH completed')
  expect(reply.join('\r\n').length).toBeLessThan(5 * MAX_VALUE_OCTETS)
})

test('SEARCH reads a Subject up to the limit', async () => {
  const words = repeated('=?utf-8?q?a?= ', VALUE_OCTETS)
  await using duel = await startDuel([`Subject: begin ${words} end\r\n\r\n`])
  expect((await duel.attack('SEARCH SUBJECT begin')).reply).toContain('* SEARCH 1')
  expect((await duel.attack('SEARCH SUBJECT end')).reply).toContain('* SEARCH')
})
