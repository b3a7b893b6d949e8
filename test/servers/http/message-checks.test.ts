import { beforeEach, describe, expect, it } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { checkMessage } from '../../../src/mail/checks/checks.ts'
import { readable, VIEW_CHARS } from '../../../src/mail/format/readable.ts'
import { corpus, corpusFolder } from '../../support/corpus.ts'
import { HttpLab } from './client.ts'

const http = HttpLab.ofTests()
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

interface Found {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly line: number | null
  readonly at: number | null
  readonly clients: readonly string[]
  readonly source: string
}

/** Returns the findings of a message with this header and HTML. */
async function check(html: string, header = '', query = ''): Promise<Found[]> {
  const fields = `From: shop@example.com\r\nTo: alice@lab.test\r\nSubject: Offer\r\nMessage-ID: <1@example.com>\r\nDate: Mon, 2 Feb 2026 03:04:05 +0000\r\n${header}`
  const raw = `${fields}Content-Type: text/html; charset=utf-8\r\n\r\n${html.replaceAll('\n', '\r\n')}\r\n`
  await http.lab.deliver(Buffer.from(raw), { to: 'alice' })
  const [{ id }] = (await http.request('messages')).body.items
  return (await http.request(`messages/${id}/checks${query}`)).body.items
}

const said = (found: readonly Found[], wanted: string): string[] =>
  found.filter(({ check: name }) => name === wanted).map(({ line, message }) => `${line}: ${message}`)

/** Requests to links go only where the lab may connect. */
it('requests the links of a message if it is asked to', async () => {
  const { port } = http.lab.server('http')
  const html = `${'<html lang="en">'}<a href="http://127.0.0.1:${port}/livez">a</a><a href="http://127.0.0.1:${port}/api/v1/none">b</a><a href="https://shop.example/">c</a>`
  const requested = (await check(html, '', '?check=links&request=true')).map(
    ({ level, message }) => `${level}: ${message}`,
  )
  expect(requested).toContain(`error: http://127.0.0.1:${port}/api/v1/none answers 404`)
  expect(requested).toContainEqual(expect.stringMatching(/^info: https:\/\/shop\.example\/ was not requested: /))
  expect(requested.filter((one) => one.includes('livez'))).toEqual([expect.stringMatching(/is not encrypted/)])
})

const PAGE = '<html lang="en"><body>A text that is long enough for everyone.'

it('names the tag of a finding, which the HTML then marks', async () => {
  const html = `<html lang="en"><head><title>Offer</title></head><body><p>Ä &amp; text</p><img id="logo" src="https://shop.example/a.png"></body></html>`
  const found = await check(html)
  const alt = found.find(({ check: name, message }) => name === 'accessibility' && message.includes('alt'))
  expect(alt?.at).toBe(html.indexOf('<img'))
  const [{ id }] = (await http.request('messages')).body.items
  const marked = (await http.request(`messages/${id}/html?mark=${alt?.at}`)).body
  expect(marked).toContain('<img id="sealpost-mark" id="logo" src=')
  expect(marked).toMatch(/<head><base target="_blank"><style>#sealpost-mark\{/)
  // Only tags are marked.
  expect((await http.request(`messages/${id}/html?mark=1`)).body).not.toContain('id="sealpost-mark"')
  const long = `${PAGE}\n${'<p>This is a text of forty octets or so.</p>\n'.repeat(3000)}`
  const size = (await check(long)).find(({ check: name }) => name === 'size')
  expect(long.slice(size?.at ?? 0).startsWith('<p>')).toBe(true)
  expect(Math.abs((size?.at ?? 0) - 102 * 1024)).toBeLessThan(100)
})

describe('the checks of a message', () => {
  it('name the mail programs that do not support HTML and CSS, with the line and the source', async () => {
    const found = await check(
      `${PAGE}\n<p style="display: grid; border-radius: 3px">x</p>\n<video src="a.mp4"></video>`,
    )
    const radius = found.find(({ message }) => message.includes('border-radius'))
    expect(radius).toMatchObject({
      check: 'html-support',
      line: 2,
      source: 'https://www.caniemail.com/features/css-border-radius/',
    })
    expect(radius?.clients).toContain('Outlook (Windows)')
    expect(found.find(({ message }) => message.includes('element video'))).toMatchObject({ line: 3, level: 'warning' })
  })

  it.each([
    ['links', '<a href="http://shop.example/">x</a>', 'http://shop.example/ is not encrypted; write https'],
    [
      'links',
      '<a href="https://evil.example/">www.shop.example</a>',
      'the text names www.shop.example, the target evil.example',
    ],
    ['links', '<a href="/offer">x</a>', '/offer is not absolute'],
    ['links', '<a href="https://a b/">x</a>', 'https://a b/ is not a URL'],
    ['links', '<a href="https://a.test/?utm_source=x">x</a>', 'https://a.test/?utm_source=x has tracking parameters'],
    ['images', '<img alt="" src="https://a.test/p" width="1" height="1">', 'https://a.test/p is a tracking pixel'],
    ['accessibility', '<img src="https://a.test/p.png" width="9">', 'an image has no alt: https://a.test/p.png'],
  ])('%s: %s', async (name, html, message) => {
    expect(said(await check(`${PAGE}\n${html}`), name)).toEqual([`2: ${message}`])
    expect(said(await check(`${PAGE}\n<!-- ${html} -->`), name)).toEqual([])
  })

  it('examine List-Unsubscribe and one-click (RFC 8058)', async () => {
    const list = 'List-Unsubscribe: <mailto:leave@example.com>\r\n'
    const post = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
    const messages = async (header: string) => said(await check(PAGE, header, '?check=unsubscribe'), 'unsubscribe')
    expect(await messages('')).toEqual([])
    expect(await messages('Precedence: bulk\r\n')).toEqual(['null: bulk mail has no List-Unsubscribe'])
    expect(await messages(list)).toEqual(['null: List-Unsubscribe-Post is missing, so one click is not enough'])
    expect(await messages(list + post)).toEqual([
      'null: one-click needs an https URL in List-Unsubscribe',
      'null: no valid DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post',
    ])
  })

  it('say that Gmail clips HTML of more than 102 KB', async () => {
    expect(said(await check(`${PAGE}${'x'.repeat(110_000)}`), 'size')).toHaveLength(1)
    expect(said(await check(PAGE), 'size')).toEqual([])
  })

  it.each([
    ['https://nodejs.org/', 'Node.js'],
    ['https://shop.example.com/invoice', 'invoice.pdf'],
    ['https://shop.example.com/', 'example.com'],
    ['https://shop.example.com/', 'WWW.Example.COM'],
    ['https://xn--bcher-kva.example/', 'https://bücher.example/new'],
    ['https://a.example/', 'https://a.exam…'],
    ['https://a.example/', 'Read more at example.com'],
    ['HTTPS://user.github.io/', 'user.github.io'],
    ['&#104;ttps://a.example/?a=1&amp;b', 'here'],
  ])('accept a link to %s with the text %s', async (target, text) => {
    expect(said(await check(`${PAGE}\n<a href="${target}">${text}</a>`), 'links')).toEqual([])
  })

  it.each([
    ['https://evil.example/', 'shop.example.com', 'the text names shop.example.com, the target evil.example'],
    ['https://b.github.io/', 'a.github.io', 'the text names a.github.io, the target b.github.io'],
    ['https://a.example/', '<b>https://b.example/x</b>', 'the text names b.example, the target a.example'],
    ['https://a.example/?utm_id=1&amp;utm_x=2', 'x', 'https://a.example/?utm_id=1&utm_x=2 has tracking parameters'],
  ])('report a link to %s with the text %s', async (target, text, message) => {
    expect(said(await check(`${PAGE}\n<a title="a > b" href="${target}">${text}</a>`), 'links')).toEqual([
      `2: ${message}`,
    ])
  })

  it('read attributes with > in quotes', async () => {
    const found = await check(`${PAGE}\n<img alt="a > b" width="5" src="https://a.test/p.png">`)
    expect([...said(found, 'images'), ...said(found, 'accessibility')]).toEqual([])
  })

  it('name the line of a declaration in a sheet, and count the mail programs', async () => {
    const found = await check(`<html lang="en"><style>\n\np { border-radius: 3px }\n</style><p>x</p>`)
    expect(found.find(({ message }) => message.includes('border-radius'))).toMatchObject({ line: 3 })
    for (const { message, clients } of found.filter(({ check: name }) => name === 'html-support'))
      expect(message).toContain(`by ${clients.length} mail program${clients.length === 1 ? '' : 's'}`)
  })

  it('ask that one valid DKIM signature of the header covers List-Unsubscribe (RFC 8058 section 4)', () => {
    const fields = 'List-Unsubscribe: <https://a.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
    const covering = 'DKIM-Signature: v=1; h=from:List-Unsubscribe:\r\n\tlist-unsubscribe-post; b=x\r\n'
    const other = 'DKIM-Signature: v=1; h=from; b=x\r\n'
    const problems = (raw: string, ...results: readonly ('pass' | 'fail')[]): string[] => {
      const verdict = { domain: 'a.test', spfAligned: true, dkimAligned: true }
      const dkim = results.map((result) => ({ ...verdict, result, selector: 's', algorithm: '', aligned: true }))
      const authentication = {
        spf: { result: 'pass', domain: 'a.test', identity: 'mailfrom' },
        dkim,
        dmarc: { ...verdict, result: 'pass' },
        arc: { result: 'none' },
        bimi: { result: 'none' },
      } as const
      const found = checkMessage({ message: readable(Buffer.from(raw)), html: '', authentication })
      return said(runToEnd(found), 'unsubscribe')
    }
    const uncovered = ['null: no valid DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post']
    expect(problems(`${covering}${other}${fields}\r\n`, 'pass', 'fail')).toEqual([])
    expect(problems(`${covering}${other}${fields}\r\n`, 'fail', 'pass')).toEqual(uncovered)
    expect(problems(`${fields}\r\n${covering}`, 'pass')).toEqual(uncovered)
  })

  // The html element has no lang, which is the one finding of accessibility.
  it.each([
    ['sheets that never end', '<style>'.repeat(8_000) + ' a'.repeat(28_000), { 'html-support': 1 }],
    [
      'sheets that never end, with declarations',
      '<style>'.repeat(3_000) + 'a:b;'.repeat(60_000),
      { 'html-support': 1 },
    ],
    ['tags that never end', '<a '.repeat(80_000), {}],
    ['comments that never end', '<!--'.repeat(60_000), {}],
    ['a name that never ends', `<${'a'.repeat(250_000)}`, {}],
    ['an attribute that never ends', `<a ${'b'.repeat(250_000)}`, {}],
    ['quotes that never end', `<a href="${'a="'.repeat(80_000)}`, {}],
    ['many links', '<a href="x">x</a>'.repeat(15_000), { links: 100 }],
    ['many images', '<img src="x">'.repeat(15_000), { images: 100, accessibility: 100 }],
    ['many declarations', `<style>${'a:b;'.repeat(60_000)}</style>`, { 'html-support': 1 }],
    ['spaces', `<a${' '.repeat(250_000)}`, {}],
  ])('are bounded on hostile HTML: %s', async (_, html, expected) => {
    const found = await check(html.slice(0, VIEW_CHARS))
    const counted = (name: string): number => found.filter((one) => one.check === name).length
    const names = ['html-support', 'links', 'images', 'accessibility']
    expect(Object.fromEntries(names.map((name) => [name, counted(name)]))).toEqual({
      'html-support': 0,
      links: 0,
      images: 0,
      accessibility: 1,
      ...expected,
    })
    expect(said(found, 'size')).toHaveLength(1)
  })
})

it.skipIf(corpusFolder() === undefined)('the checks of real mail throw no exception', () => {
  for (const { raw } of corpus()) {
    const message = readable(raw)
    const html = (message.html ?? '').slice(0, VIEW_CHARS)
    const found = runToEnd(checkMessage({ message, html, authentication: null }))
    for (const { source } of found) expect(source).not.toBe('')
  }
})
