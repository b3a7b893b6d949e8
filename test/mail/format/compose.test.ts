import { expect, test } from 'vitest'
import { headerLines } from '../../../src/mail/format/compose.ts'
import { startLab } from '../../../src/testing/index.ts'

test('names outside ASCII leave addresses readable (RFC 2047 section 5)', async () => {
  await using lab = await startLab()
  const to = ['Jörg Ä <joerg@shop.test>', '"Öl, Käse & Co." <shop@shop.test>', 'plain@shop.test', 'ä@müller.test']
  const cc = 'Änne <anne@shop.test>,Zoë <zoe@shop.test>, "A, B" <ab@shop.test>'
  const headers = { 'Reply-To': 'Büro: "Ü@nal" <u@shop.test>, v@shop.test (Größe);' }
  await lab.deliver({ from: 'Éva <eva@shop.test>', to, cc, headers, subject: 'Größe <a@b>, Öl' }, 'bob')
  const message = await lab.receives('bob')
  expect(message.from).toEqual({ name: 'Éva', address: 'eva@shop.test' })
  expect(message.to).toEqual([
    { name: 'Jörg Ä', address: 'joerg@shop.test' },
    { name: 'Öl, Käse & Co.', address: 'shop@shop.test' },
    { name: '', address: 'plain@shop.test' },
    { name: '', address: 'ä@müller.test' },
  ])
  expect(message.cc).toEqual([
    { name: 'Änne', address: 'anne@shop.test' },
    { name: 'Zoë', address: 'zoe@shop.test' },
    { name: 'A, B', address: 'ab@shop.test' },
  ])
  expect(message.subject).toBe('Größe <a@b>, Öl')
  expect(message.raw.toString().replaceAll('\r\n ', ' ')).toContain(
    'Reply-To: =?UTF-8?Q?B=C3=BCro?=: =?UTF-8?Q?=C3=9C=40nal?= <u@shop.test>, v@shop.test (=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=);\r\n',
  )
})

test.each([
  ['angle brackets', '<', ''],
  ['quotation marks', '\\"', '"'],
  ['quotation marks beyond ASCII', '\\"é', '"'],
  ['comments', '(', ''],
  ['quoted comments', '\\(', '('],
])('a list of addresses takes linear time: %s without an end', async (_, piece, start) => {
  const value = `${start}${piece.repeat(200_000)}`
  const lines = await headerLines([['To', value]])
  expect(lines.length).toBeGreaterThan(value.length)
})

test.each(['a', 'é ', ' ', '"', '(', '<', '\r\n'])('a value of 9 million characters, %j, is written', async (word) => {
  const long = `é${word.repeat(9_000_000 / word.length)}x`
  for (const name of ['Subject', 'To']) {
    const written = await headerLines([[name, long]])
    expect(written.startsWith(`${name}: é`)).toBe(true)
    expect(written.endsWith('x\r\n')).toBe(true)
    expect(/\r\n(?! |$)/.test(written)).toBe(false)
  }
})
