import { AssertionError } from 'node:assert'
import { generateKeyPairSync } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { matchers, startLab } from '../../src/testing/index.ts'
import type { LabMatchers } from '../../src/testing/matchers/matchers.ts'
import type { LabMessage } from '../../src/testing/received/message.ts'
import {
  assertAccessible,
  assertNoBrokenLinks,
  assertSupportedBy,
  assertValidUnsubscribe,
} from '../../src/testing/runners/mocha.ts'
import { HttpLab } from '../servers/http/client.ts'

declare module 'vitest' {
  interface Matchers<T> extends LabMatchers<T> {}
}
expect.extend(matchers)

const http = HttpLab.ofTests()
let count = 0

async function received(html: string, headers: Record<string, string> = {}): Promise<LabMessage> {
  const subject = `message ${++count}`
  await http.lab.deliver({ subject, html, headers }, 'alice')
  return http.lab.waitForMessage({ subject })
}

const errorOf = (run: Promise<unknown>): Promise<Error> =>
  run.then(
    () => Promise.reject(new Error('it passed')),
    (error: Error) => error,
  )

const GOOD = '<html lang="en"><body><p>Words enough for everyone.</p><a href="https://shop.test/">Shop</a>'

describe('mail.check()', () => {
  test('has the findings of the HTTP API', async () => {
    const mail = await received(`<p style="display: grid"><img src="http://a.test/p.png"><a href="/x">x</a>`)
    const [{ id }] = (await http.request('messages')).body.items
    const found = await mail.check()
    expect(found.length).toBeGreaterThan(5)
    expect(found).toEqual((await http.request(`messages/${id}/checks`)).body.items)
  })
})

const wrong =
  '<img src="https://a.test/p.png">\n<video src="https://a.test/a.mp4"></video>\n<a href="/x">x</a> <a href="#">top</a>'
const cases: readonly (readonly [
  name: string,
  check: (mail: LabMessage) => Promise<unknown>,
  not: (mail: LabMessage) => Promise<unknown>,
  assertion: (mail: LabMessage) => Promise<unknown>,
  expected: readonly (string | RegExp)[],
])[] = [
  [
    'toHaveValidUnsubscribe',
    (mail) => expect(mail).toHaveValidUnsubscribe(),
    (mail) => expect(mail).not.toHaveValidUnsubscribe(),
    (mail) => assertValidUnsubscribe(mail),
    [
      'expected the message to have a valid List-Unsubscribe with one-click, but:',
      '  error: one-click needs an https URL in List-Unsubscribe (RFC 8058 section 3.1)',
      '  error: no valid DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 section 4)',
    ],
  ],
  [
    'toBeSupportedBy',
    (mail) => expect(mail).toBeSupportedBy('outlook (windows'),
    (mail) => expect(mail).not.toBeSupportedBy('Outlook'),
    (mail) => assertSupportedBy(mail, 'outlook'),
    [
      'expected the message to be supported by outlook (windows, but:',
      /^ {2}warning, line 2: the element video is not supported by \d+ mail programs, such as Outlook \(Windows\), Outlook \(Windows Mail\) \(https:\/\/www\.caniemail\.com\/features\/html-video\/\)$/,
    ],
  ],
  [
    'toHaveNoBrokenLinks',
    (mail) => expect(mail).toHaveNoBrokenLinks(),
    (mail) => expect(mail).not.toHaveNoBrokenLinks(),
    (mail) => assertNoBrokenLinks(mail),
    [
      'expected the message to have no broken links, but:',
      '  error, line 3: /x is not absolute (RFC 3986 section 4.3)',
      '  error, line 3: a link has no target (HTML, the a element)',
    ],
  ],
  [
    'toBeAccessible',
    (mail) => expect(mail).toBeAccessible(),
    (mail) => expect(mail).not.toBeAccessible(),
    (mail) => assertAccessible(mail),
    [
      'expected the message to be accessible, but:',
      '  warning, line 1: the html element has no lang (WCAG 2.2, 3.1.1)',
      '  error, line 1: an image has no alt: https://a.test/p.png (WCAG 2.2, 1.1.1)',
    ],
  ],
]

describe.each(cases)('%s', (_, check, not, assertion, expected) => {
  const list = { 'List-Unsubscribe': '<mailto:u@shop.test>', 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }

  test('lists the findings', async () => {
    const mail = await received(wrong, list)
    const lines = (await errorOf(check(mail))).message.split('\n')
    expect(lines).toEqual(expected.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))))
    await not(mail)
    expect(await errorOf(assertion(mail))).toBeInstanceOf(AssertionError)
  })

  test('passes for a good message', async () => {
    const transport = createTransport(http.lab.nodemailer('shop'))
    const subject = `good ${++count}`
    await transport.sendMail({ from: 'shop@lab.test', to: 'alice@lab.test', subject, html: GOOD })
    const mail = await http.lab.waitForMessage({ subject })
    if (check === cases[0]?.[1]) {
      // Nothing signs here.
      expect((await errorOf(check(mail))).message).toContain('the message has no List-Unsubscribe')
      const unsigned = await received(GOOD, { ...list, 'List-Unsubscribe': '<https://shop.test/u>' })
      await expect(unsigned).toHaveValidUnsubscribe({ signed: false })
      return
    }
    await check(mail)
    await assertion(mail)
    expect((await errorOf(not(mail))).message).toMatch(/^expected the message not to /)
  })

  test('refuses what is no message', async () => {
    await expect(check(Promise.resolve() as unknown as LabMessage)).rejects.toThrow('is an await missing?')
  })
})

test('toHaveValidUnsubscribe passes if a valid DKIM signature covers both fields', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const records = { 's1._domainkey.shop.test': { txt: [`v=DKIM1; p=${key}`] } }
  await using lab = await startLab({ mailAuthentication: { records }, virtualServers: [{ protocol: 'smtp' }] })
  const transport = createTransport(lab.nodemailer('shop'))
  const send = async (subject: string, headerFieldNames: string): Promise<LabMessage> => {
    const dkim = {
      domainName: 'shop.test',
      keySelector: 's1',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      headerFieldNames,
    }
    const headers = {
      'List-Unsubscribe': '<https://shop.test/u>',
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    }
    await transport.sendMail({ from: 'news@shop.test', to: 'alice@lab.test', subject, text: 'News', headers, dkim })
    return lab.waitForMessage({ subject })
  }
  const signed = await send('signed', 'from:subject:list-unsubscribe:list-unsubscribe-post')
  const partly = await send('partly', 'from:subject:list-unsubscribe')
  for (const mail of [signed, partly]) expect(mail).toPassDkim({ domain: 'shop.test' })
  await expect(signed).toHaveValidUnsubscribe()
  await assertValidUnsubscribe(signed)
  expect((await errorOf(expect(signed).not.toHaveValidUnsubscribe())).message).toBe(
    'expected the message not to have a valid List-Unsubscribe with one-click',
  )
  await expect(partly).not.toHaveValidUnsubscribe()
})

test('toBeSupportedBy names the mail programs for an unknown name', async () => {
  const mail = await received(GOOD)
  await expect(expect(mail).toBeSupportedBy('lotus')).rejects.toThrow(
    /"lotus" matches no mail program; give the beginning of one of these names: .*Gmail/,
  )
})

describe('toSnapshot()', () => {
  const send = async (): Promise<LabMessage> => {
    const subject = `Snapshot ${++count}`
    const transport = createTransport(http.lab.nodemailer('shop'))
    await transport.sendMail({
      from: 'Shop <shop@lab.test>',
      to: 'alice@lab.test',
      subject,
      inReplyTo: `<${crypto.randomUUID()}@lab.test>`,
      text: `Hällo at ${new Date().toISOString()}, order ${crypto.randomUUID()} on http://localhost:${http.lab.server('smtp').port}/x`,
      html: `<img src="cid:logo${count}@shop" alt="Logo">`,
      attachments: [{ filename: 'logo.png', content: Buffer.from('logo'), cid: `logo${count}@shop` }],
    })
    return http.lab.waitForMessage({ subject })
  }

  test('is the same text for two runs, and keeps the content', async () => {
    const [one, two] = [await send(), await send()]
    expect(one.raw.equals(two.raw)).toBe(false)
    const text = one.toSnapshot().replaceAll(one.subject, 'SUBJECT')
    expect(two.toSnapshot().replaceAll(two.subject, 'SUBJECT')).toBe(text)
    const lines = text.split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'Received: <trace>',
        'From: Shop <shop@lab.test>',
        'Subject: SUBJECT',
        'Message-ID: <id 2>',
        'In-Reply-To: <id 1>',
        'Date: <date>',
        'Hällo at <date>, order <uuid> on http://localhost:<port>/x',
        '<img src="cid:<id 3>" alt="Logo">',
        '--- image/png, inline, logo.png, <id 3>',
        `4 octets, sha256 ${one.attachments[0]?.sha256}`,
      ]),
    )
    expect(lines.find((line) => line.startsWith('Content-Type:'))).toContain('<boundary 1>')
  })

  test('differs for another content', async () => {
    const [one, two] = [await received('<p>1</p>'), await received('<p>2</p>')]
    expect(one.toSnapshot().replace(one.subject, '')).not.toBe(two.toSnapshot().replace(two.subject, ''))
  })
})
