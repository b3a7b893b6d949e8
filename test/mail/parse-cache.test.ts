import { expect, test } from 'vitest'
import { ParseCache } from '../../src/mail/parse-cache.ts'
import { fold } from '../../src/mail/search-text.ts'

const mail = (body: string): Buffer => Buffer.from(`Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: a@b\r\n\r\n${body}\r\n`)

test('each part of a message is parsed once', () => {
  const cache = new ParseCache()
  const raw = mail('x')
  const parsed = cache.get('1')
  expect(parsed.structure).toBeUndefined()
  expect(parsed.structureOf(raw)).toBe(cache.get('1').structureOf(raw))
  expect(parsed.envelopeOf(raw)).toBe(parsed.envelope)
  expect(parsed.fieldsOf(raw)).toBe(parsed.fields)
})

test('search compares decoded text without regard to case', () => {
  const parsed = new ParseCache().get('1')
  const raw = mail('Straße ＡＢＣ')
  expect(parsed.headerContains(raw, 'SUBJECT', fold('GRÜ'))).toBe(true)
  expect(parsed.headerContains(raw, 'Cc', '')).toBe(false)
  expect(parsed.headerContains(raw, 'To', '')).toBe(true)
  expect(parsed.bodyContains(raw, fold('straße'))).toBe(true)
  expect(parsed.bodyContains(raw, fold('abc'))).toBe(true)
  expect(parsed.bodyContains(raw, fold('grüße'))).toBe(false)
  expect(parsed.textContains(raw, fold('grüße'))).toBe(true)
})

test('the least recently used messages are dropped', () => {
  const cache = new ParseCache({ entries: 2 })
  const [one, two] = [cache.get('1'), cache.get('2')]
  expect(cache.get('1')).toBe(one)
  cache.get('3')
  expect(cache.get('1')).toBe(one)
  expect(cache.get('2')).not.toBe(two)
})

test('the memory of all messages together is limited', () => {
  const cache = new ParseCache({ octets: 6000 })
  const raw = mail('x'.repeat(1000))
  const first = cache.get('0')
  for (let i = 0; i < 10; i++) cache.get(String(i)).bodyContains(raw, 'y')
  expect(first.heldOctets).toBeGreaterThan(1000)
  expect(cache.get('9').structure).toBeDefined()
  expect(cache.get('0')).not.toBe(first)
  expect(first.textContains(raw, fold('GRÜSSE'.replace('SS', 'ß')))).toBe(true) // still usable after it was dropped
})

test('fields and parts count towards the memory of a message', () => {
  const many = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n${'X: y\r\n'.repeat(1000)}\r\n${'--b\r\n\r\n'.repeat(1000)}`,
  )
  const parsed = new ParseCache().get('1')
  parsed.structureOf(many)
  parsed.fieldsOf(many)
  expect(parsed.heldOctets).toBeGreaterThan(500_000)
})
