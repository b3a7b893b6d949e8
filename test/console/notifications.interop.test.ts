import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

/** Records the notifications of a page, and what it asks. `isHidden` says whether the page is hidden. */
const RECORDER = `
  window.asked = 0
  window.shown = []
  window.isHidden = false
  window.Notification = class extends EventTarget {
    static permission = 'default'
    static async requestPermission() {
      window.asked++
      Notification.permission = window.answer ?? 'granted'
      return Notification.permission
    }
    constructor(title, options) {
      super()
      window.shown.push({ title, ...options })
      window.latest = this
    }
    close() {}
  }
  Object.defineProperty(document, 'hidden', { get: () => window.isHidden })
`

describe.skipIf(!hasChromium)('new mail', () => {
  const site = consoleSite()

  const recorded = async (path: string): Promise<Page> => {
    const page = await site.browser.open('about:blank', '')
    await page.addInitScript(RECORDER)
    await page.goto(site.http.base + path)
    await page.getByRole('button', { name: 'Notify me of new mail' }).waitFor()
    // The stream of events is open.
    await page.locator('.live.live').waitFor()
    return page
  }
  const shown = (page: Page) => page.evaluate<{ title: string; body: string; tag: string }[]>('shown')
  const deliver = (subject: string, to = 'bob') =>
    site.http.lab.deliver({ from: 'Eve <eve@app.test>', to: `${to}@lab.test`, subject, text: 'Hello' }, { to })
  /** Returns the number of unread messages, without articles. */
  const unread = async (): Promise<number> => {
    const { items } = (await site.http.request('folders')).body as {
      items: { unread: number; newsgroup: string | null }[]
    }
    return items.reduce((sum, folder) => sum + (folder.newsgroup === null ? folder.unread : 0), 0)
  }
  const titleWith = (count: number): RegExp => new RegExp(`^\\(${count}\\) Sessions`)

  it('is counted in the title and the icon of the tab, on each page', async () => {
    await using page = await site.browser.open(site.http.base, '/faults')
    const icon = page.locator('link[rel=icon]')
    const count = await unread()
    await expect.poll(() => page.title()).toBe(`(${count}) Faults · Sealpost`)
    await expect
      .poll(async () => decodeURIComponent((await icon.getAttribute('href')) ?? ''))
      .toContain(`>${count}</text>`)
    await deliver('One more')
    await expect.poll(() => page.title()).toBe(`(${count + 1}) Faults · Sealpost`)
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await expect.poll(() => page.title()).toBe(`(${count + 1}) Mail · Sealpost`)

    await site.http.request('messages', { method: 'PATCH', json: { query: 'is:unread', read: true } })
    await expect.poll(() => page.title()).toBe('Mail · Sealpost')
    await expect.poll(() => icon.getAttribute('href')).toMatch(/icon\.svg$/)
  })

  it('is notified of after a click, and only while the tab is hidden', async () => {
    await using page = await recorded('/sessions')
    const bell = page.getByRole('button', { name: 'Notify me of new mail' })
    expect(await page.evaluate('asked')).toBe(0)
    await expect.poll(() => bell.getAttribute('aria-pressed')).toBe('false')
    await bell.click()
    await expect.poll(() => bell.getAttribute('aria-pressed')).toBe('true')
    await expect.poll(() => page.evaluate('asked')).toBe(1)

    const count = await unread()
    await deliver('Seen at once')
    await expect.poll(() => page.title()).toMatch(titleWith(count + 1))
    await page.evaluate('isHidden = true')
    await deliver('\u202e<b>evil</b>\t& code')
    await expect.poll(() => shown(page)).toHaveLength(1)
    const [first] = await shown(page)
    expect(first).toMatchObject({ title: '<b>evil</b> & code', body: 'Eve <eve@app.test>', tag: 'sealpost-mail' })

    await page.evaluate("isHidden = false, latest.dispatchEvent(new Event('click'))")
    await page.getByRole('heading', { name: /<b>evil<\/b>/ }).waitFor()
    expect(site.browser.complaints).toEqual([])
  })

  it('is notified of message by message or together, and none is left out', async () => {
    await using page = await recorded('/sessions')
    await page.getByRole('button', { name: 'Notify me of new mail' }).click()
    await expect.poll(() => page.evaluate('asked')).toBe(1)
    await page.evaluate('isHidden = true')
    await Promise.all(['first', 'second', 'third'].map((subject) => deliver(subject)))
    await expect.poll(async () => (await shown(page)).length).toBeGreaterThan(0)
    const notified = async () =>
      (await shown(page)).flatMap(({ title, body }) => (/^\d/.test(title) ? body.split('\n') : [title]))
    await expect.poll(async () => (await notified()).toSorted()).toEqual(['first', 'second', 'third'])
  })

  it('says so if the browser does not allow it, and asks again only after another click', async () => {
    await using page = await recorded('/sessions')
    await page.evaluate("answer = 'denied'")
    await page.getByRole('button', { name: 'Notify me of new mail' }).click()
    await page.getByText('The browser does not allow notifications').waitFor()
    await page.evaluate('isHidden = true')
    const count = await unread()
    await deliver('Unnoticed')
    await expect.poll(() => page.title()).toMatch(titleWith(count + 1))
    expect(await shown(page)).toEqual([])
    await expect.poll(() => page.evaluate('asked')).toBe(1)
  })
})
