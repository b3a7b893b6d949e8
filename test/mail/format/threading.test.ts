import { describe, expect, test } from 'vitest'
import { runToEnd, type Steps } from '../../../src/core/time/time-slice.ts'
import { messageIds, threadAncestors } from '../../../src/mail/format/message-ids.ts'
import {
  baseSubject,
  orderedSubject,
  type Thread,
  type Threadable,
  threadForm,
  threadReferences,
} from '../../../src/mail/format/threading.ts'

const formOf = (threads: Steps<Thread[]>): string => runToEnd(threadForm(runToEnd(threads)))

describe('base subjects (RFC 5256 section 2.1)', () => {
  test.each([
    ['Hello', 'Hello', false],
    ['Re: Hello', 'Hello', true],
    ['RE: re: Fwd: Hello', 'Hello', true],
    ['Re[2]: Hello', 'Hello', true],
    ['re [x] : Hello', 'Hello', true],
    ['[list] Hello', 'Hello', false],
    ['[list] Re: [list] Hello', 'Hello', true],
    ['Hello (fwd)', 'Hello', true],
    ['Hello (fwd) (FWD)', 'Hello', true],
    ['[fwd: Hello]', 'Hello', true],
    ['[Fwd: Re: [x] Hello]', 'Hello', true],
    ['[list]', '[list]', false],
    ['  a \t b  ', 'a b', false],
    ['Regarding', 'Regarding', false],
    ['Re:', '', true],
    ['', '', false],
  ])('%j is %j, reply %s', (subject, base, isReply) => {
    expect(baseSubject(subject)).toEqual({ base, isReply })
  })
})

describe('message identifiers', () => {
  test.each([
    ['<a@b>', ['<a@b>']],
    ['text <a@b>\r\n\t<c@d> more', ['<a@b>', '<c@d>']],
    ['<"a"@b>', ['<a@b>']],
    ['<"a b"@c>', ['<"a b"@c>']],
    ['<a\r\n b@c>', ['<ab@c>']],
    ['<a@b', []],
    ['<<a@b>>', ['<a@b>']],
    ['', []],
  ])('in %j are %j', (value, ids) => {
    expect(messageIds(value)).toEqual(ids)
  })

  test('of In-Reply-To are used if References has none', () => {
    expect(threadAncestors('<a@x> <b@x>', '<c@x>')).toEqual(['<a@x>', '<b@x>'])
    expect(threadAncestors(undefined, 'your mail <c@x> <d@x>')).toEqual(['<c@x>'])
    expect(threadAncestors('none', '<c@x>')).toEqual(['<c@x>'])
    expect(threadAncestors(undefined, undefined)).toEqual([])
  })
})

describe('threads', () => {
  const mail = (number: number, id: string, ancestors: string, subject = `s${number}`): Threadable => ({
    number,
    messageId: `<${id}>`,
    ancestors: ancestors
      .split(' ')
      .filter((a) => a !== '')
      .map((a) => `<${a}>`),
    subject,
    date: number,
  })

  test.each<[string, Threadable[], string]>([
    ['a reply', [mail(1, 'a', ''), mail(2, 'b', 'a')], '(1 2)'],
    ['two replies', [mail(1, 'a', ''), mail(2, 'b', 'a'), mail(3, 'c', 'a')], '(1 (2)(3))'],
    ['a missing parent', [mail(1, 'b', 'a'), mail(2, 'c', 'a')], '((1)(2))'],
    ['a missing link', [mail(1, 'a', ''), mail(2, 'c', 'a b')], '(1 2)'],
    ['a loop', [mail(1, 'a', 'b'), mail(2, 'b', 'a')], '(2 1)'],
    ['a reference to itself', [mail(1, 'a', 'a')], '(1)'],
    ['a repeated identifier', [mail(1, 'a', ''), mail(2, 'a', '')], '(1)(2)'],
    ['subjects', [mail(1, 'a', '', 'x'), mail(2, 'b', '', 'Re: x'), mail(3, 'c', '', 'x')], '((1 2)(3))'],
  ])('by %s', (_, mails, form) => {
    expect(formOf(threadReferences(mails))).toBe(form)
  })

  const dated = (message: Threadable, date: number): Threadable => ({ ...message, date })
  const anonymous = ({ messageId: _, ...rest }: Threadable): Threadable => rest

  test.each<[string, Threadable[], string]>([
    ['roots', [dated(mail(1, 'a', ''), 20), dated(mail(2, 'b', ''), 10)], '(2)(1)'],
    ['roots of one date by number', [dated(mail(2, 'b', ''), 10), dated(mail(1, 'a', ''), 10)], '(1)(2)'],
    ['replies', [mail(1, 'a', ''), dated(mail(2, 'b', 'a'), 30), dated(mail(3, 'c', 'a'), 20)], '(1 (3)(2))'],
    [
      'missing roots by their first reply',
      [dated(mail(1, 'c', 'a'), 40), dated(mail(2, 'd', 'a'), 50), dated(mail(3, 'e', ''), 45)],
      '((1)(2))(3)',
    ],
  ])('are sorted by date: %s', (_, mails, form) => {
    expect(formOf(threadReferences(mails))).toBe(form)
  })

  test.each<[string, Threadable[], string]>([
    [
      "a message's own references count",
      [mail(1, 'c', 'a b'), mail(2, 'b', 'x'), mail(3, 'a', ''), mail(4, 'x', '')],
      '(3)(4 2 1)',
    ],
    [
      'a first reference stays',
      [mail(1, 'c', 'a b'), mail(2, 'd', 'x b'), mail(3, 'a', ''), mail(4, 'x', '')],
      '(3 (1)(2))(4)',
    ],
    ['missing messages are left out', [mail(1, 'd', 'a b c')], '(1)'],
    ['messages without identifiers', [anonymous(mail(1, '', '')), anonymous(mail(2, '', ''))], '(1)(2)'],
  ])('by references: %s', (_, mails, form) => {
    expect(formOf(threadReferences(mails))).toBe(form)
  })

  test.each<[string, Threadable[], string]>([
    ['a reply before its original', [mail(1, 'a', '', 'Re: x'), mail(2, 'b', '', 'x')], '(2 1)'],
    ['two replies', [mail(1, 'a', '', 'Re: x'), mail(2, 'b', '', 'Fwd: x')], '((1)(2))'],
    ['case', [mail(1, 'a', '', 'X'), mail(2, 'b', '', 're: x')], '(1 2)'],
    ['empty ones', [mail(1, 'a', '', 'Re:'), mail(2, 'b', '', '')], '(1)(2)'],
    [
      'two missing roots',
      [mail(1, 'c', 'a', 'x'), mail(2, 'd', 'a', 'x'), mail(3, 'e', 'b', 'x'), mail(4, 'f', 'b', 'x')],
      '((1)(2)(3)(4))',
    ],
    ['a missing root', [mail(1, 'c', 'a', 'x'), mail(2, 'd', 'a', 'x'), mail(3, 'e', '', 'x')], '((1)(2)(3))'],
    [
      'a missing root after a message',
      [mail(1, 'e', '', 'x'), mail(2, 'c', 'a', 'x'), mail(3, 'd', 'a', 'x')],
      '((1)(2)(3))',
    ],
  ])('by equal subjects: %s', (_, mails, form) => {
    expect(formOf(threadReferences(mails))).toBe(form)
  })

  test('of ORDEREDSUBJECT have one level', () => {
    const mails = [
      dated(mail(1, 'a', '', 'Re: x'), 30),
      dated(mail(2, 'b', '', 'X'), 10),
      dated(mail(3, 'c', 'b', '[list] x'), 20),
      dated(mail(4, 'd', '', 'y'), 5),
    ]
    expect(formOf(orderedSubject(mails))).toBe('(4)(2 (3)(1))')
    expect(formOf(orderedSubject([]))).toBe('')
  })

  test('threading pauses in proportion to its work', () => {
    // Every link is checked against all messages above it.
    const chain = Array.from({ length: 4_000 }, (_, i) => [
      mail(2 * i + 1, `x${i}`, `y${i}`),
      mail(2 * i + 2, `y${i}`, i === 0 ? '' : `x${i - 1}`),
    ]).flat()
    const steps = threadReferences(chain)
    let pauses = 0
    while (!steps.next().done) pauses++
    expect(pauses).toBeGreaterThan((chain.length * chain.length) / 2_000)
  })

  test('may be very deep', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) => mail(i + 1, `m${i + 1}`, i === 0 ? '' : `m${i}`))
    const form = formOf(threadReferences(chain))
    expect(form.startsWith('(1 2 3 ')).toBe(true)
    expect(form.endsWith(' 50000)')).toBe(true)
    const one = mail(1, 'x', Array.from({ length: 100_000 }, (_, i) => `r${i}`).join(' '))
    expect(formOf(threadReferences([one]))).toBe('(1)')
  })
})

test('the nearest of references made to exhaust memory are used', () => {
  const ancestors = threadAncestors(`${'<a@b> '.repeat(2_000_000)}<near@b>`, undefined)
  expect(ancestors.length).toBeLessThan(20_000)
  expect(ancestors.at(-1)).toBe('<near@b>')
})
