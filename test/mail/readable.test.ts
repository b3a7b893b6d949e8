import { describe, expect, test } from 'vitest'
import { codes, textLinks } from '../../src/mail/extract.ts'
import { htmlLinks, htmlText } from '../../src/mail/html-text.ts'
import { readable } from '../../src/mail/readable.ts'

const MAIL = [
  'From: =?utf-8?q?J=C3=BCrgen?= <j@x.test>',
  'To: "Bob B." <bob@lab.test>, team: c@x.test, d@x.test;',
  'Subject: =?utf-8?q?Willkommen=21?= Ihr Code',
  'Date: Fri, 30 Aug 2002 15:25:31 +0000',
  'Message-ID: <1@x>',
  'X-Tag: one',
  'X-Tag: two',
  'Content-Type: multipart/mixed; boundary=m',
  '',
  '--m',
  'Content-Type: multipart/alternative; boundary=a',
  '',
  '--a',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe! Your code is 123456.',
  'Open https://x.test/confirm?t=3D1.',
  '--a',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Hi <a href="https://x.test/confirm?t=1&amp;u=2">confirm</a></p>',
  '--a--',
  '--m',
  'Content-Type: image/png; name="l.png"',
  'Content-Disposition: inline',
  'Content-ID: <logo@x>',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw==',
  '--m',
  'Content-Type: application/pdf',
  "Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf",
  '',
  '%PDF',
  '--m--',
  '',
].join('\r\n')

test('a readable message has decoded text, addresses, links, codes and attachments', () => {
  const mail = readable(Buffer.from(MAIL))
  expect(mail).toMatchObject({
    subject: 'Willkommen! Ihr Code',
    from: { name: 'Jürgen', address: 'j@x.test' },
    to: [
      { name: 'Bob B.', address: 'bob@lab.test' },
      { name: '', address: 'c@x.test' },
      { name: '', address: 'd@x.test' },
    ],
    cc: [],
    date: new Date('2002-08-30T15:25:31Z'),
    messageId: '<1@x>',
    text: 'Grüße! Your code is 123456.\nOpen https://x.test/confirm?t=1.',
    html: '<p>Hi <a href="https://x.test/confirm?t=1&amp;u=2">confirm</a></p>',
    links: ['https://x.test/confirm?t=1&u=2', 'https://x.test/confirm?t=1'],
    codes: ['123456'],
  })
  expect(mail.headers.get('x-tag')).toBe('one\ntwo')
  expect(
    mail.attachments.map(({ filename, contentType, disposition, cid, sizeOctets }) => ({
      filename,
      contentType,
      disposition,
      cid,
      sizeOctets,
    })),
  ).toEqual([
    { filename: 'l.png', contentType: 'image/png', disposition: 'inline', cid: 'logo@x', sizeOctets: 4 },
    {
      filename: 'résumé.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      cid: undefined,
      sizeOctets: 4,
    },
  ])
  expect(mail.attachments[1]?.content.toString()).toBe('%PDF')
  expect(mail.attachments).toBe(mail.attachments)
})

test('a message that is only HTML has the text that a person reads', () => {
  const mail = readable(
    Buffer.from('Content-Type: text/html\r\n\r\n<style>p{}</style><p>Hi&nbsp;<b>there</b><br>you</p>'),
  )
  expect([mail.text, mail.from, mail.date]).toEqual(['Hi there\nyou', undefined, undefined])
})

describe('the parts of a message', () => {
  const kindsOf = (header: string): string[] => {
    const mail = readable(Buffer.from(`${header}\r\n\r\nbody`))
    return [mail.html === undefined ? (mail.text === '' ? 'no text' : 'plain') : 'html', `${mail.attachments.length}`]
  }

  test.each([
    ['Subject: x', ['plain', '0']],
    ['Content-Type: text/html', ['html', '0']],
    ['Content-Type: text/enriched', ['plain', '0']],
    ['Content-Type: text/calendar', ['no text', '1']],
    ['Content-Type: application/html', ['no text', '1']],
    ['Content-Type: text/plain\r\nContent-Disposition: attachment', ['no text', '1']],
    ['Content-Type: text/plain\r\nContent-Disposition: ATTACHMENT', ['no text', '1']],
    ['Content-Type: text/plain\r\nContent-Disposition: inline', ['plain', '0']],
    ['Content-Type: text/plain; name=x.txt', ['no text', '1']],
    ['Content-Type: text/html\r\nContent-Disposition: inline; filename=x.html', ['no text', '1']],
    ['Content-Type: message/rfc822', ['no text', '1']],
  ])('%j: %j', (header, kinds) => {
    expect(kindsOf(header)).toEqual(kinds)
  })

  test('an attachment without a disposition counts as one', () => {
    const [attachment] = readable(Buffer.from('Content-Type: image/png\r\n\r\nx')).attachments
    expect(attachment).toMatchObject({ disposition: 'attachment', contentType: 'image/png', filename: undefined })
    expect(Object.keys(attachment ?? {})).toContain('disposition')
  })

  test('other addresses, and lines that are not header fields', () => {
    const mail = readable(Buffer.from('Reply-To: team: a@x, b@x;\r\nno field\r\nSubject: s\r\n\r\n'))
    expect(mail.replyTo.map(({ address }) => address)).toEqual(['a@x', 'b@x'])
    expect([...mail.headers.keys()]).toEqual(['reply-to', 'subject'])
  })
})

test.each([
  ['<p>a</p><p>b</p>', 'a\n\nb'],
  ['<p> a </p><br><br><br> <p>b</p>', 'a\n\nb'],
  ['<i>a</i>b', 'ab'],
  ['<td>a<i>b</i></td><td>c', 'ab c'],
  ['<template><p>a</p><b>b</template></b>c', 'c'],
  ['<template>a<title>b</title>c</template>d', 'd'],
  ['<title>&euro; </title>a</title>b', 'ab'],
  ['a &lt; b &#8364; &#x20ac; &unknown; &amp;lt;', 'a < b € € &unknown; &lt;'],
  ['a<!-- <p>hidden</p> -->b', 'ab'],
  ['<script>x<y</script>z', 'z'],
  ['<td>a</td><td>b</td>', 'a b'],
  ['1 < 2', '1 < 2'],
  ['<title>t', ''],
  ['caf&eacute; 5&nbsp;&euro; &#8364;5 &#x20AC;', 'café 5 € €5 €'],
  ['a&shy;b&zwnj;c', 'abc'],
  ['<head><title>t</title><body>b', 'b'],
  ['<p title="a > b">c</p>', 'c'],
  ['a<![CDATA[ b ]]><?php x ?>c', 'ac'],
])('HTML %j has the text %j', (html, text) => {
  expect(htmlText(html)).toBe(text)
})

// A parser that searches the open elements at every tag needs minutes for these, more than the time limit of a test.
test.each(['<div>', '<b>x', '<ul><li>', '<', '</', '&', '&amp;', '<a ', '<!--', '<b></i>', '<a b="', '<p><td>'])(
  'HTML of 2 MiB of %j is read to its end',
  (piece) => {
    const html = piece.repeat((2 * 1024 * 1024) / piece.length)
    expect(htmlText(html).length).toBeLessThanOrEqual(html.length)
  },
)

describe('links', () => {
  test('of HTML', () => {
    const html = `<link href="https://css.test/"><a name="https://name.test/" href='https://a.test/?x=1&amp;y=2'>a</a> <A class=x HREF=https://b.test/>b</A> <a href="#top">c</a>
      <a href="javascript:x()">d</a> <a href="mailto:e@f">e</a> <a href="https://b.test/">again</a>
      <area href=" https://c.test/ "></area><p href="https://p.test/"> https://text.test/`
    expect(htmlLinks(html)).toEqual(['https://a.test/?x=1&y=2', 'https://b.test/', 'mailto:e@f', 'https://c.test/'])
  })

  test('of text, without surrounding punctuation', () => {
    const text = 'See https://a.test/x. Or (http://b.test/y(z)), <https://c.test/q?a=b> "https://d.test/"!'
    expect(textLinks(text)).toEqual([
      'https://a.test/x',
      'http://b.test/y(z)',
      'https://c.test/q?a=b',
      'https://d.test/',
    ])
  })
})

test.each<[string, string[]]>([
  ['Your code is 123456.', ['123456']],
  ['123 456 is your verification code', ['123456']],
  ['G-482913 is your Google verification code.', ['482913']],
  ['Your one-time password: 7F3K-9QZP', ['7F3K-9QZP']],
  ['PIN: 0042', ['0042']],
  ['Order 48151623 shipped. Your code: 1234', ['1234', '48151623']],
  ['Pay $1234 by 2024-05-06, see https://x.test/123456', []],
  ['Copyright 2024 Example', []],
  ['call +1 555 123 4567', []],
  ['確認コード：831205', ['831205']],
  ['no numbers', []],
  ['Your code is 2024', ['2024']],
  // Numbers far from such a word come last, except years.
  [`Ticket 48151623, ${'x '.repeat(60)}your code: 1234`, ['1234', '48151623']],
  [`In 2024, ${'x '.repeat(60)}your code: 1234`, ['1234']],
  // Distances before the word count twice.
  [`Your code, ${'x '.repeat(25)}7F3K-9QZP`, ['7F3K-9QZP']],
  [`7F3K-9QZP ${'x '.repeat(25)}is your code`, []],
  [`A code: ${'x '.repeat(30)}1111 or 2222 code`, ['2222', '1111']],
  ['Your code: https://x.test/1234567 9876', ['9876']],
])('one-time codes in %j', (text, expected) => {
  expect(codes(text)).toEqual(expected)
})
