import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, launchChromium } from '../../support/chromium.ts'
import { ForeignSite } from './browser/foreign-site.ts'
import { HttpLab } from './client.ts'

/** Occurs in the lab's mail only. */
const SECRET = 'xyzzy'

const paths = [
  '/api/v1/messages',
  '/api/v1/status',
  '/api/v1/events',
  '/api/v1/tenants',
  '/api/v1/authorities/roots',
  '/api/openapi.json',
  '/api/v2/messages',
  '/mailpit/api/v1/messages',
  '/mailpit/api/v1/message/latest',
  '/mailpit/view/latest.html',
  '/mailhog/api/v2/messages',
  '/maildev/email',
  '/metrics',
  '/mcp',
]

const SCRIPT = readFileSync(new URL('./browser/attack.js', import.meta.url), 'utf8')
const PAGE = `<!doctype html><body><script>${SCRIPT}</script>`

describe.skipIf(!hasChromium)('a page of another origin', () => {
  let http: HttpLab
  let site: ForeignSite
  let browser: Browser

  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
    })
    await http.lab.deliver(
      { to: 'alice@lab.test', subject: SECRET, text: SECRET, html: `<b>${SECRET}</b>` },
      { to: 'alice' },
    )
    site = await ForeignSite.start()
    browser = await launchChromium(
      '--host-resolver-rules=MAP *.example 127.0.0.1',
      // Chromium's own protection of servers on this machine: other browsers do not have it.
      '--disable-features=LocalNetworkAccessChecks',
    )
  })
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
    await http?.[Symbol.asyncDispose]()
  })

  /** The requests that the lab has received, with the statuses of their answers. */
  async function exchanges(): Promise<string[]> {
    const found: string[] = []
    for (const { transcript } of http.lab.sessions().filter(({ protocol }) => protocol === 'http')) {
      const lines = transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : []))
      for (let at = 0; at + 1 < lines.length; at += 2) found.push(`${lines[at]} ${lines[at + 1]?.split(' ')[1]}`)
    }
    return found
  }

  async function open(url: string): Promise<Page> {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(url)
    return page
  }

  async function expectUntouched(): Promise<void> {
    const { items, total } = (await http.request('messages')).body
    expect(total).toBe(1)
    expect(items).toMatchObject([{ subject: SECRET, read: false, flags: [] }])
    const folders = (await http.request('folders')).body.items
    expect(folders.filter(({ newsgroup }: { newsgroup: string | null }) => newsgroup === 'lab.evil')).toEqual([])
  }

  it.each([
    ['another site', 'evil.example'],
    ['another port of the same host', '127.0.0.1'],
  ])('reads and changes nothing: %s', async (_, host) => {
    await using page = await open(`http://${host}:${site.port}${site.page('/attack', PAGE)}`)
    const read = await page.evaluate<string[]>(`attack(${JSON.stringify({ lab: http.base, paths })})`)
    expect(read).toEqual([])
    await expectUntouched()
    // The attempts have arrived.
    const seen = (await exchanges()).join('\n')
    for (const attempt of [
      'GET /api/v1/messages 403',
      'POST /api/v1/reset 4',
      'OPTIONS /api/v1/newsgroups 4',
      'GET /mailpit/api/events 403',
    ]) {
      expect(seen).toContain(attempt)
    }
  })

  it('reads nothing by a name of its own that leads to the lab (DNS rebinding)', async () => {
    const { port } = http.lab.server('http')
    const context = await browser.newContext()
    const page = await context.newPage()
    const base = `http://rebound.example:${port}`
    // The page came from the other site, before its name led to the lab.
    await page.route(`${base}/page`, (route) => route.fulfill({ contentType: 'text/html', body: PAGE }))
    await page.goto(`${base}/page`)
    const read = await page.evaluate<string[]>(`attack(${JSON.stringify({ lab: base, paths })})`)
    expect(read.length).toBeGreaterThan(0)
    for (const text of read) expect(text).toMatch(/unknown-host/)
    expect(read.join()).not.toMatch(/xyzzy|opened|loaded/)
    await expectUntouched()
    await context.close()
  })

  it('cannot show the lab in a frame, nor read a window of it', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const answers: string[] = []
    page.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (response.url().startsWith(http.base)) answers.push(`${response.status()} ${pathname}`)
    })
    const frames = paths.map((path) => `<iframe src="${http.base}${path}"></iframe>`)
    await page.goto(`http://evil.example:${site.port}${site.page('/frames', PAGE + frames.join(''))}`)
    expect(answers.toSorted()).toEqual(paths.map((path) => `403 ${path}`).toSorted())
    expect((await fetch(`${http.base}/api/v1/messages`)).headers.get('x-frame-options')).toBe('SAMEORIGIN')
    for (const path of ['/api/v1/messages', '/mailpit/api/v1/message/latest', '/mailpit/view/latest.html']) {
      expect(await page.evaluate(`readWindow('${http.base}${path}')`)).toBe('not readable')
    }
    await expectUntouched()
    await context.close()
  })

  it('differs from a page of the lab, which can do everything', async () => {
    await using page = await open(`${http.base}/api/v1/status`)
    await page.evaluate(SCRIPT)
    const done = await page.evaluate('useLab()')
    expect(done).toMatchObject({ status: 201, opened: true, messages: expect.stringContaining(SECRET) })
  })
})
