import { expect, it } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { everyPart, partOctetsInSteps } from '../../../src/mail/format/parts.ts'
import { isEightBit, toSevenBit } from '../../../src/mail/format/seven-bit.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'

const message = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'))

/** The content of each leaf, decoded. */
function contentsOf(raw: Buffer): string[] {
  return everyPart(parseMessage(raw))
    .filter(({ kind }) => kind === 'leaf')
    .map((part) => runToEnd(partOctetsInSteps(raw, part)).toString('utf8'))
}

it('leaves a message of ASCII alone', () => {
  const raw = message('Subject: x\n\nHello.\n')
  expect(toSevenBit(raw)).toEqual(raw)
})

it('makes a message without MIME fields one that has them', () => {
  expect(toSevenBit(message('Subject: x\n\nGrüße\n')).toString()).toBe(
    'MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\nSubject: x\r\n\r\nGr=C3=BC=C3=9Fe\r\n',
  )
})

it('converts the parts that need it, also inside a forwarded message, and keeps their contents', () => {
  const raw = message(`MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b
Content-Transfer-Encoding: 8bit

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße, =20 and a long line: ${'ä'.repeat(60)} \t
--b
Content-Type: text/plain

ASCII
--b
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Subject: inner
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Ünïcode
--b--
`)
  const converted = toSevenBit(raw)
  expect(isEightBit(converted)).toBe(false)
  expect(contentsOf(converted)).toEqual(contentsOf(raw))
  const text = converted.toString()
  expect(text.match(/^Content-Transfer-Encoding: 7bit/gm)).toHaveLength(2)
  expect(text.match(/^Content-Transfer-Encoding: quoted-printable/gm)).toHaveLength(2)
  expect(text).toContain('Content-Type: text/plain\r\n\r\nASCII')
  expect(Math.max(...text.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(76)
})

it('writes binary data as base64', () => {
  const head = message(
    'MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n',
  )
  const data = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256))
  const converted = toSevenBit(Buffer.concat([head, data]))
  expect(converted.toString()).toContain('Content-Transfer-Encoding: base64\r\n')
  expect(runToEnd(partOctetsInSteps(converted, parseMessage(converted)))).toEqual(data)
})
