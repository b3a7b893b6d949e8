import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasChromium, launchChromium } from '../../support/chromium.ts'
import { ForeignSite } from './browser/foreign-site.ts'
import { type HostileMail, hostileMails, nestedTables } from './browser/hostile-mails.ts'
import { HttpLab } from './client.ts'

/** The policy of the document has blocked a request, or the scheme does not exist. */
const BLOCKED = /^(?:csp|origin)$|ERR_BLOCKED_BY_CSP|ERR_UNKNOWN_URL_SCHEME/

/** The links that a person would click. */
const CLICKED = '#js, #entity, #tab, #data, #top, #blank, #area, #go, #other, #ping, #cidlink'

describe.skipIf(!hasChromium)('hostile HTML mail in a browser', () => {
  let http: HttpLab
  /** The attacker's. */
  let site: ForeignSite
  let neutral: ForeignSite
  let browser: Browser
  let context: BrowserContext
  let page: Page
  /** URLs that the browser asked for. */
  let asked: string[]

  beforeAll(async () => {
    http = await HttpLab.start()
    site = await ForeignSite.start()
    neutral = await ForeignSite.start()
    browser = await launchChromium('--host-resolver-rules=MAP *.example 127.0.0.1')
  })
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
    await neutral?.[Symbol.asyncDispose]()
    await http?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    context = await browser.newContext()
    asked = []
    site.forget()
    context.on('response', (response) => asked.push(response.url()))
    context.on('requestfailed', (request) => {
      if (!BLOCKED.test(request.failure()?.errorText ?? '')) asked.push(request.url())
    })
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const siteUrl = (): string => `http://evil.example:${site.port}`

  async function received(mail: HostileMail): Promise<string> {
    const headers = { 'content-type': 'message/rfc822' }
    const body = mail.raw(siteUrl())
    const { status } = await http.request('messages/import?to=alice', { body: Buffer.from(body, 'latin1'), headers })
    expect(status).toBe(201)
    const [{ id }] = (await http.request('messages?limit=1')).body.items
    return `${http.base}/api/v1/messages/${id}/html`
  }

  /** Waits until the browser has drawn the page, and has done what it does after that. */
  async function settled(): Promise<void> {
    await page.screenshot()
    const other = await context.newPage()
    await other.goto(`http://127.0.0.1:${neutral.port}/`)
    await other.screenshot()
    await other.close()
    await page.screenshot()
  }

  async function expectHarmless(url: string): Promise<void> {
    await settled()
    const others = asked.filter(
      (one) => one !== url && !/^(?:data|cid):/.test(one) && !one.includes(`:${neutral.port}/`),
    )
    expect(others.filter((one) => one !== `${http.base}/favicon.ico`)).toEqual([])
    expect(site.requests).toEqual([])
    // Connections in advance have no request.
    expect(site.connections).toBe(0)
    expect(page.url().replace(/#.*$/, '')).toBe(url)
    expect(await page.title()).not.toBe('run')
    expect(await context.cookies()).toEqual([])
  }

  it.each(hostileMails.map((mail) => [mail.name, mail] as const))('has no effect: %s', async (_, mail) => {
    const url = await received(mail)
    const answer = await page.goto(url)
    // Chromium without a window looks up nothing in advance.
    expect(answer?.headers()['x-dns-prefetch-control']).toBe('off')
    await expectHarmless(url)
    const places = await page.locator(CLICKED).all()
    for (const place of places) await place.click({ noWaitAfter: true, force: true })
    if (places.length > 0) await expectHarmless(url)
  })

  it('stays usable with 10 MB of tables in each other', async () => {
    const url = await received(nestedTables)
    await page.goto(url, { waitUntil: 'commit' })
    const other = await context.newPage()
    await other.goto(`${http.base}/api/v1/status`)
    await expect.poll(() => other.textContent('body')).toContain('administrator')
    expect(site.connections).toBe(0)
  })

  it('leaves the page around it alone', async () => {
    const mails = await Promise.all(hostileMails.map(received))
    const frames = mails.map((url) => `<iframe src="${new URL(url).pathname}"></iframe>`)
    const base = `${http.base}/api/v1/status`
    await page.goto(base)
    await page.evaluate(`document.body.innerHTML = ${JSON.stringify(frames.join(''))}`)
    await page.waitForLoadState('networkidle')
    await settled()
    expect([page.url(), site.requests, site.connections]).toEqual([base, [], 0])
  })
})
