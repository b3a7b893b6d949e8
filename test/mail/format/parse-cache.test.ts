import { expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { ParseCache } from '../../../src/mail/format/parse-cache.ts'
import { foldText } from '../../../src/mail/format/search-text.ts'

const mail = (body: string): Buffer => Buffer.from(`Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: a@b\r\n\r\n${body}\r\n`)

test('each part of a message is parsed once', () => {
  const cache = new ParseCache()
  const raw = mail('x')
  const parsed = cache.get('1')
  expect(parsed.structure).toBeUndefined()
  expect(runToEnd(parsed.structureOf(raw))).toBe(runToEnd(cache.get('1').structureOf(raw)))
  expect(parsed.envelope).toBeUndefined()
  const envelope = runToEnd(parsed.envelopeOf(raw))
  expect(envelope.to).toEqual([{ mailbox: 'a', host: 'b' }])
  expect([runToEnd(parsed.envelopeOf(raw)), parsed.envelope]).toEqual([envelope, envelope])
  expect(runToEnd(parsed.envelopeOf(raw))).toBe(envelope)
  const fields = parsed.fieldsOf(raw)
  expect(fields.map(({ name }) => name)).toEqual(['Subject', 'To'])
  expect(parsed.fieldsOf(raw)).toBe(fields)
  expect(parsed.fields).toBe(fields)
  const held = parsed.heldOctets
  expect(runToEnd(parsed.envelopeFormOf(raw))).toMatch(/^\(NIL "=\?utf-8/)
  const structureForm = runToEnd(parsed.structureFormOf(raw))
  expect(structureForm).toMatch(/^\("text" "plain"/)
  expect(parsed.heldOctets).toBe(held + runToEnd(parsed.envelopeFormOf(raw)).length + structureForm.length)
})

test('a list of a mailbox keeps the forms of a message, but not what they are made of', () => {
  const cache = new ParseCache()
  const raw = mail('x'.repeat(1000))
  const parsed = cache.get('1')
  const forms = [runToEnd(parsed.envelopeFormOf(raw)), runToEnd(parsed.structureFormOf(raw))]
  expect([parsed.envelopeForm, parsed.structureForm]).toEqual(forms)
  expect([parsed.fields, parsed.envelope, parsed.structure]).toEqual([undefined, undefined, undefined])
  expect(parsed.heldOctets).toBeLessThan(1000)
})

test('a mailbox of 30,000 messages can be listed again without parsing', () => {
  const cache = new ParseCache()
  const raw = mail('x')
  const list = (): void => {
    for (let at = 0; at < 30_000; at++) {
      const parsed = cache.get(String(at))
      runToEnd(parsed.envelopeFormOf(raw))
      runToEnd(parsed.structureFormOf(raw))
    }
  }
  list()
  const first = cache.peek('0')
  expect(first?.structureForm).toBeDefined()
  list()
  expect(cache.peek('0')).toBe(first)
})

test('the parts of a message are searched each for itself', () => {
  const raw = Buffer.from(
    'Subject: one\r\nTo: first\r\nTo: second\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
      '--b\r\nX-Part: inner\r\n\r\nalpha\r\n--b\r\nContent-Type: image/png\r\n\r\nbinary\r\n' +
      '--b\r\n\r\nbeta\r\n--b--\r\n',
  )
  const parsed = new ParseCache().get('1')
  const inHeader = (name: string, needle: string): boolean => runToEnd(parsed.headerContains(raw, name, needle))
  expect([inHeader('to', 'first'), inHeader('to', 'second'), inHeader('to', 'one')]).toEqual([true, true, false])
  expect([inHeader('cc', 'first'), inHeader('cc', '')]).toEqual([false, false])
  const inBody = (needle: string): boolean => runToEnd(parsed.bodyContains(raw, needle))
  expect(['alpha', 'beta', 'binary', 'inner', 'one'].map(inBody)).toEqual([true, true, false, false, false])
  const inText = (needle: string): boolean => runToEnd(parsed.textContains(raw, needle))
  expect(['alpha', 'x-part: inner', 'first', 'binary'].map(inText)).toEqual([true, true, true, false])
})

test('a search uses the kept texts, and reports if it needs the message', () => {
  const raw = mail('Body')
  const parsed = new ParseCache().get('1')
  const { search } = parsed
  expect([search.headerHeld(undefined, 'to', 'a'), search.bodyHeld('x'), search.textHeld('x')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  runToEnd(parsed.headerContains(raw, 'to', 'a'))
  expect(search.headerHeld(parsed.fields, 'to', 'a@b')).toBe(true)
  expect(search.headerHeld(parsed.fields, 'to', 'c@d')).toBe(false)
  expect(search.headerHeld(parsed.fields, 'cc', '')).toBe(false)
  expect(search.headerHeld(parsed.fields, 'subject', 'x')).toBeUndefined()
  runToEnd(parsed.textContains(raw, foldText('grüße')))
  expect([search.textHeld(foldText('GRÜ')), search.textHeld('body'), search.bodyHeld('body')]).toEqual([
    true,
    undefined,
    undefined,
  ])
  runToEnd(parsed.textContains(raw, 'absent'))
  expect([search.textHeld('body'), search.textHeld('absent'), search.bodyHeld('absent')]).toEqual([true, false, false])
})

test('search compares decoded text without regard to case', () => {
  const parsed = new ParseCache().get('1')
  const raw = mail('Straße ＡＢＣ')
  expect(runToEnd(parsed.headerContains(raw, 'SUBJECT', foldText('GRÜ')))).toBe(true)
  expect(runToEnd(parsed.headerContains(raw, 'Cc', ''))).toBe(false)
  expect(runToEnd(parsed.headerContains(raw, 'To', ''))).toBe(true)
  expect(runToEnd(parsed.bodyContains(raw, foldText('straße')))).toBe(true)
  expect(runToEnd(parsed.bodyContains(raw, foldText('abc')))).toBe(true)
  expect(runToEnd(parsed.bodyContains(raw, foldText('grüße')))).toBe(false)
  expect(runToEnd(parsed.textContains(raw, foldText('grüße')))).toBe(true)
})

test('the least recently used messages are dropped', () => {
  const cache = new ParseCache(1000)
  const [one, two] = [cache.get('1'), cache.get('2')]
  expect(cache.get('1')).toBe(one)
  cache.get('3')
  expect(cache.get('1')).toBe(one)
  expect(cache.peek('3')).toBeDefined()
  expect(cache.peek('2')).toBeUndefined()
  expect(cache.get('2')).not.toBe(two)
})

test('a look at a message does not mark it as used', () => {
  const cache = new ParseCache(1000)
  const one = cache.get('1')
  cache.get('2')
  expect(cache.peek('1')).toBe(one)
  cache.get('3')
  expect([cache.peek('1'), cache.peek('2') !== undefined]).toEqual([undefined, true])
})

test('a dropped message no longer counts', () => {
  const cache = new ParseCache(6000)
  const raw = mail('x'.repeat(1000))
  const dropped = cache.get('dropped')
  for (let i = 0; i < 10; i++) runToEnd(cache.get(String(i)).bodyContains(raw, 'y'))
  const kept = () => Array.from({ length: 10 }, (_, i) => cache.peek(String(i))).filter((each) => each !== undefined)
  const before = kept()
  expect(before.length).toBeGreaterThan(1)
  expect(cache.peek('dropped')).toBeUndefined()
  for (let i = 0; i < 10; i++) runToEnd(dropped.textContains(raw, `y${i}`))
  expect(kept()).toEqual(before)
})

test('a single message may be larger than the limit', () => {
  const cache = new ParseCache(10)
  runToEnd(cache.get('1').bodyContains(mail('x'.repeat(1000)), 'y'))
  expect(cache.peek('1')).toBeDefined()
})

test('the memory of all messages together is limited', () => {
  const cache = new ParseCache(6000)
  const raw = mail('x'.repeat(1000))
  const first = cache.get('0')
  for (let i = 0; i < 10; i++) runToEnd(cache.get(String(i)).bodyContains(raw, 'y'))
  expect(first.heldOctets).toBeGreaterThan(1000)
  expect(cache.get('9').structure).toBeDefined()
  expect(cache.get('0')).not.toBe(first)
  expect(runToEnd(first.textContains(raw, foldText('GRÜSSE'.replace('SS', 'ß'))))).toBe(true) // still usable after it was dropped
})

test('fields and parts count towards the memory of a message', () => {
  const many = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n${'X: y\r\n'.repeat(1000)}\r\n${'--b\r\n\r\n'.repeat(1000)}`,
  )
  const parsed = new ParseCache().get('1')
  runToEnd(parsed.structureOf(many))
  parsed.fieldsOf(many)
  expect(parsed.heldOctets).toBeGreaterThan(500_000)
})
