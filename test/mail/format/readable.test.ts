import { inspect, stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { htmlText } from '../../../src/mail/format/html-text.ts'
import { htmlLinkSteps, textLinkSteps } from '../../../src/mail/format/links.ts'
import { readable } from '../../../src/mail/format/readable.ts'

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
    links: [{ href: 'https://x.test/confirm?t=1&u=2', text: 'confirm' }, { href: 'https://x.test/confirm?t=1' }],
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
    ['Content-Type: text/calendar', ['no text', '0']],
    ['Content-Type: text/calendar; method=REQUEST; name=meeting.ics', ['no text', '0']],
    ['Content-Type: text/calendar\r\nContent-Disposition: attachment', ['no text', '1']],
    ['Content-Type: text/calendar; name=x.ics\r\nContent-Disposition: inline', ['no text', '1']],
    ['Content-Type: text/markdown', ['no text', '1']],
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
    expect(runToEnd(htmlLinkSteps(html)).map(String)).toEqual([
      'https://a.test/?x=1&y=2',
      'https://b.test/',
      'mailto:e@f',
      'https://b.test/',
      'https://c.test/',
    ])
  })

  test('of text, without surrounding punctuation', () => {
    const text = 'See https://a.test/x. Or (http://b.test/y(z)), <https://c.test/q?a=b> "https://d.test/"!'
    expect(runToEnd(textLinkSteps(text)).map(String)).toEqual([
      'https://a.test/x',
      'http://b.test/y(z)',
      'https://c.test/q?a=b',
      'https://d.test/',
    ])
  })
})

test('an invitation is a calendar and no attachment, and neither are other alternatives', () => {
  const part = (type: string, text: string): string => `--m\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`
  const mail = readable(
    Buffer.from(
      `Content-Type: multipart/alternative; boundary=m\r\n\r\n${part('text/plain', 'Meet')}${part('text/x-amp-html', '<html>')}${part('text/calendar; method=REQUEST', 'BEGIN:VCALENDAR')}--m--\r\n`,
    ),
  )
  expect([mail.text, mail.calendar, mail.attachments]).toEqual(['Meet', 'BEGIN:VCALENDAR', []])
})

describe('JSON and comparisons', () => {
  const withAttachment = (content: string) => readable(Buffer.from(MAIL.replace('%PDF', content)))

  test('JSON shows what tests look at, and no octets', () => {
    const mail = withAttachment('%PDF')
    expect(JSON.parse(JSON.stringify(mail))).toEqual({
      subject: 'Willkommen! Ihr Code',
      from: { name: 'Jürgen', address: 'j@x.test' },
      to: [
        { name: 'Bob B.', address: 'bob@lab.test' },
        { name: '', address: 'c@x.test' },
        { name: '', address: 'd@x.test' },
      ],
      cc: [],
      date: '2002-08-30T15:25:31.000Z',
      messageId: '<1@x>',
      text: 'Grüße! Your code is 123456.\nOpen https://x.test/confirm?t=1.',
      links: [
        { href: 'https://x.test/confirm?t=1&u=2', text: 'confirm', place: 'html', line: 1 },
        { href: 'https://x.test/confirm?t=1', text: 'https://x.test/confirm?t=1', place: 'text', line: 2 },
      ],
      codes: ['123456'],
      attachments: [
        {
          filename: 'l.png',
          contentType: 'image/png',
          disposition: 'inline',
          cid: 'logo@x',
          sizeOctets: 4,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        {
          filename: 'résumé.pdf',
          contentType: 'application/pdf',
          disposition: 'attachment',
          sizeOctets: 4,
          sha256: '315d429b7714cedb6ad04ac31240145257692630457f3c88253c5beceac76027',
        },
      ],
    })
    expect(inspect(mail)).toContain("subject: 'Willkommen! Ihr Code'")
  })

  test('equal messages are equal whatever was read of them; others differ, and the difference shows no octets', () => {
    const [one, same, other] = [withAttachment('%PDF'), withAttachment('%PDF'), withAttachment('%SECRET')]
    expect(one.attachments[1]?.content.toString()).toBe('%PDF')
    expect(one).toEqual(same)
    expect(one.attachments).toEqual(same.attachments)
    expect(one).not.toEqual(other)
    expect(one.attachments).not.toEqual(other.attachments)
    for (const difference of [differenceOf(one, other), differenceOf(one.attachments, other.attachments)]) {
      expect(difference).toMatch(/- +"sha256"/)
      expect(difference).not.toMatch(/Buffer|Uint8Array|"data"|\b37\b|SECRET/)
    }
  })
})

/** Returns what vitest prints if two values should be equal and are not. */
function differenceOf(actual: unknown, expected: unknown): string {
  let text = ''
  expect.extend({
    toShow(received) {
      text = this.utils.diff(expected, received) ?? ''
      return { pass: true, message: () => '' }
    },
  })
  const assertion = expect(actual) as unknown as { toShow(): void }
  assertion.toShow()
  return stripVTControlCharacters(text)
}
