import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import type { LabInput } from '../../src/core/config/schema.ts'
import { HttpLab } from '../servers/http/client.ts'
import { sharedChromium } from '../support/chromium.ts'

export { hasChromium } from '../support/chromium.ts'

/** Profiles in a browser, and what their pages complained about. */
export class ConsoleBrowser implements AsyncDisposable {
  readonly #profiles: BrowserContext[] = []
  /** Errors of the pages and of their scripts. */
  readonly complaints: string[] = []
  /** URLs of other origins that a page has asked for. */
  readonly foreign: string[] = []

  /** Returns a browser whose profiles are closed after the tests of the file or `describe`. */
  static ofTests(): ConsoleBrowser {
    const browser = new ConsoleBrowser()
    afterAll(() => browser[Symbol.asyncDispose]())
    return browser
  }

  /** Opens a page of a lab in a profile of its own, which `await using` closes. */
  async open(base: string, path = '/', options: BrowserContextOptions = {}): Promise<Page> {
    const chromium = await sharedChromium()
    const context = await chromium.newContext({ locale: 'en-GB', timezoneId: 'Europe/London', ...options })
    this.#profiles.push(context)
    const page = await this.openIn(await context.newPage(), base, path)
    return Object.assign(page, { [Symbol.asyncDispose]: () => context.close() })
  }

  /** Opens a page in a tab, and records what it does. */
  async openIn(page: Page, base: string, path: string): Promise<Page> {
    page.on('pageerror', (error) => this.complaints.push(`${error.stack}`))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
    page.context().on('request', (request) => {
      const url = request.url()
      if (!/^(?:data|blob|about):/.test(url) && !url.startsWith(base)) this.foreign.push(url)
    })
    await page.goto(base + path)
    return page
  }

  /** Closes the profiles. Other files of the worker use the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const profile of this.#profiles) await profile.close()
  }
}

/** Starts a lab with accounts, a newsgroup and some mail. */
export async function consoleLab(input: LabInput = {}): Promise<HttpLab> {
  const http = await HttpLab.start({
    directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
    news: { groups: [{ name: 'lab.general' }] },
    ...input,
  })
  for (const subject of ['Welcome', 'Your order 4711', 'Your code']) {
    const html = `<h1>${subject}</h1><p>Your code is <b>123456</b>. <a href="https://lab.test/confirm">Confirm</a></p>`
    const attachments = [{ filename: 'terms.txt', content: 'Be kind.' }]
    await http.lab.deliver(
      { from: 'Shop <shop@app.test>', to: 'alice@lab.test', subject, html, attachments },
      { to: 'alice' },
    )
  }
  const [first] = await articlesIn(http, [['Which suites does tin offer?', []]])
  await articlesIn(http, [
    ['Re: Which suites does tin offer?', [first as string]],
    ['Maintenance on Friday', []],
  ])
  return http
}

/** Posts articles with their References to lab.general. Returns their Message-IDs. */
async function articlesIn(
  http: HttpLab,
  articles: readonly (readonly [string, readonly string[]])[],
): Promise<string[]> {
  const ids: string[] = []
  for (const [subject, references] of articles) {
    const headers = references.length > 0 ? { References: references.join(' ') } : {}
    const json = { newsgroups: ['lab.general'], from: 'Anna <anna@lab.test>', subject, text: 'See the log.', headers }
    ids.push((await http.request('articles', { json })).body.messageId)
  }
  return ids
}

/** Opens a tab, also one that has no room and is under More. */
export async function openTab(page: Page, name: string): Promise<void> {
  const tab = page.getByRole('tab', { name, includeHidden: true }).first()
  await tab.waitFor({ state: 'attached' })
  // The tabs find their room right after they appear.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
  if (await tab.isHidden()) {
    const more = page.locator('.more-tabs')
    await more.locator('summary').click()
    await more.getByRole('button', { name }).first().click()
  } else await tab.click()
  await expect.poll(() => tab.getAttribute('aria-selected')).toBe('true')
}

/** Returns the names of all tabs of a message. */
export async function tabNames(page: Page): Promise<string[]> {
  const tabs = page.getByRole('tablist', { name: 'Views of the message', includeHidden: true }).locator('[role=tab]')
  await tabs.first().waitFor()
  return (await tabs.allTextContents()).map((text) => text.replace(/\d+$/, ''))
}

/** A lab with a console, and a browser. */
export interface ConsoleSite {
  readonly http: HttpLab
  readonly browser: ConsoleBrowser
}

/** Starts a lab with a console before the tests of a `describe`, and closes it and its browser after them. */
export function consoleSite(input?: LabInput): ConsoleSite {
  const site = {} as { http: HttpLab }
  beforeAll(async () => {
    site.http = await consoleLab(input)
  })
  afterAll(() => site.http?.[Symbol.asyncDispose]())
  return Object.assign(site, { browser: ConsoleBrowser.ofTests() })
}
