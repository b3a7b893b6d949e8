import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, consoleLab, hasChromium, openTab, tabNames } from './browser.ts'
import { pages } from './pages.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(!hasChromium)('accessibility', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await consoleLab({
      certificates: { service: { port: 0, tlsPort: 0 } },
      virtualServers: [
        { protocol: 'smtp' },
        { protocol: 'http' },
        { protocol: 'http', name: 'locked', authentication: ['basic'] },
      ],
    })
    const { port } = http.lab.server('smtp')
    const sent = { from: 'bob@lab.test', to: 'alice@lab.test', subject: 'From bob', text: 'Hello' }
    await createTransport({ port: port as number, ignoreTLS: true }).sendMail(sent)
    await http.request('tenants', { json: { name: 'empty' } })
    await http.request('verify', { json: { only: ['reachable', 'names', 'dates'], serverName: 'other.test' } })
    await http.request('audit', { json: { protocols: ['smtp'], names: ['expired', 'p256'] } })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  const logOn = { name: 'log-on', path: '/', ready: '.log-on form', server: 'locked' }
  const looks = pages.concat(logOn).flatMap((page) => [
    { ...page, colorScheme: 'light' as const, width: 1280 },
    { ...page, colorScheme: 'dark' as const, width: 390 },
  ])

  /** Expects that axe finds nothing on a page, or on a part of it. */
  const expectAccessible = async (page: Page, part = 'html'): Promise<void> => {
    // Not addScriptTag: the policy of the page allows its own scripts only.
    await page.evaluate(axe)
    const { violations } = await page.evaluate<AxeResults>(
      `axe.run('${part}', { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`,
    )
    expect(
      violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]),
    ).toEqual([])
  }

  it.each(looks)(
    '$name, $colorScheme, $width px: axe finds nothing, and nothing is wider than the window',
    async (look) => {
      const { path, ready, colorScheme, width } = look
      const base = `http://127.0.0.1:${http.lab.server('server' in look ? logOn.server : 'http').port}`
      await using page = await browser.open(base, path, { colorScheme, viewport: { width, height: 800 } })
      await page.locator(ready).first().waitFor()
      await expectAccessible(page)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      await expectAccessibleTabs(page, look)
    },
  )

  /** Tabs that axe has seen, each with the colours. */
  const seen = new Set<string>()

  /** Returns the tabs of a page that axe has not seen: those that nobody has named, too. The tabs of messages have a test. */
  async function untestedTabs(page: Page, colorScheme: string): Promise<string[]> {
    const lists = page.locator('main :not(.reader) > .tabs [role=tablist]')
    const names: string[] = []
    for (const list of await lists.all()) {
      const label = await list.getAttribute('aria-label')
      for (const tab of await list.locator('[role=tab]').all()) {
        const name = (await tab.textContent())?.replace(/\d+$/, '') as string
        const look = `${colorScheme} ${label} ${name}`
        const isShown = (await tab.getAttribute('aria-selected')) === 'true'
        if (!seen.has(look) && !isShown) names.push(name)
        seen.add(look)
      }
    }
    return names
  }

  async function expectAccessibleTabs(page: Page, { colorScheme, width }: (typeof looks)[number]): Promise<void> {
    for (const name of await untestedTabs(page, colorScheme)) {
      await openTab(page, name)
      await page.locator('main .tab-panel > :not(.skeleton)').first().waitFor()
      await expect.poll(() => page.locator('main .skeleton').count()).toBe(0)
      await expectAccessible(page, 'main')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    }
  }

  it.each(looks.filter(({ name }) => name === 'sessions'))(
    'axe finds nothing on a session, $colorScheme, $width px',
    async (look) => {
      const { colorScheme, width } = look
      const viewport = { width, height: 800 }
      await using page = await browser.open(http.base, '/sessions?protocol=smtp', { colorScheme, viewport })
      await page.locator('.session-rows button').first().click()
      await page.locator('.session [role=tab]').first().waitFor()
      await expectAccessible(page)
      await expectAccessibleTabs(page, look)
    },
  )

  it('the tests of pages have every page of the menu', async () => {
    await using page = await browser.open(http.base, '/overview')
    const links = page.locator('nav a[href^="/"]')
    await links.first().waitFor()
    const paths = await Promise.all((await links.all()).map((one) => one.getAttribute('href')))
    expect(paths.length).toBeGreaterThan(8)
    expect(paths.filter((path) => !pages.some((one) => one.path.split(/[?]/)[0] === path))).toEqual([])
  })

  it.each(looks.filter(({ name }) => name === 'mail'))(
    'axe finds nothing before the first message, $colorScheme, $width px',
    async ({ colorScheme, width }) => {
      const viewport = { width, height: 800 }
      await using page = await browser.open(http.base, '/t/empty/mail', { colorScheme, viewport })
      await page.locator('.recipe-links a').first().waitFor()
      await expectAccessible(page)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    },
  )

  it.each(looks.filter(({ name }) => name === 'properties'))(
    'axe finds nothing while a setting is changed and undone, $colorScheme, $width px',
    async ({ path, colorScheme, width }) => {
      await using page = await browser.open(http.base, path, { colorScheme, viewport: { width, height: 800 } })
      await page.getByLabel('Require 128-bit encryption').check()
      await page.getByRole('button', { name: 'Virtual servers' }).click()
      await page.getByText('not applied').waitFor()
      await page.getByText('are kept').waitFor()
      await expectAccessible(page)
      await page.goBack()
      await page.getByRole('button', { name: 'Apply' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.locator('.added').waitFor()
      await expectAccessible(page, 'dialog')
      await dialog.getByRole('button', { name: 'Apply' }).click()
      const undo = page.getByRole('button', { name: 'Undo' })
      await undo.waitFor()
      await expectAccessible(page)
      await undo.click()
      await undo.waitFor({ state: 'detached' })
      await page.goto(`${http.base}/lab/history`)
      await page.locator('.history summary').first().click()
      await page.locator('.history .removed').first().waitFor()
      await expectAccessible(page)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    },
  )

  it.each(['light', 'dark'] as const)('axe finds nothing on the tabs of a message, %s', async (colorScheme) => {
    const [{ id }] = (await http.request('messages?query=subject:code')).body.items
    await using page = await browser.open(http.base, `/mail/${id}`, {
      colorScheme,
      viewport: { width: 1280, height: 800 },
    })
    for (const name of await tabNames(page)) {
      await openTab(page, name)
      await page.locator('.reader .tab-panel > :not(.skeleton)').first().waitFor()
      await expect.poll(() => page.locator('.reader .skeleton').count()).toBe(0)
      await expectAccessible(page, '.reader')
    }
  })

  it('no tab of a message is cut off, whatever the width', async () => {
    const [{ id }] = (await http.request('messages?query=subject:code')).body.items
    await using page = await browser.open(http.base, `/mail/${id}`)
    await tabNames(page)
    for (let width = 1_000; width < 1_600; width += 12) {
      await page.setViewportSize({ width, height: 800 })
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))')
      const cut = await page.evaluate(
        '(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector(".reader .tab-list"))',
      )
      expect([width, cut]).toEqual([width, 0])
    }
  })

  it.each(['light', 'dark'] as const)(
    'axe finds nothing on an article, and on the dialogs of News, %s',
    async (colorScheme) => {
      const viewport = { width: 1280, height: 800 }
      await using page = await browser.open(http.base, '/news/groups/lab.general', { colorScheme, viewport })
      await page.locator('.news-row').first().click()
      await page.locator('.reader .tab-panel pre').waitFor()
      await expectAccessible(page)
      for (const [open, title] of [
        ['f', 'Follow up'],
        ['#', 'Remove'],
        ['New newsgroup', 'New newsgroup'],
        ['Properties of lab.general', 'Properties'],
      ] as const) {
        if (open.length === 1) await page.keyboard.press(open)
        else await page.getByRole('button', { name: open }).click()
        const dialog = page.getByRole('dialog', { name: title })
        await dialog.waitFor()
        await expectAccessible(page, 'dialog')
        await page.keyboard.press('Escape')
        await expect.poll(() => dialog.count()).toBe(0)
        if (open === '#') await page.getByRole('link', { name: 'All newsgroups' }).click()
      }
    },
  )

  it.each([1280, 390])('axe finds nothing on the dialogs of a message, and they fit into %d px', async (width) => {
    const [{ id }] = (await http.request('messages?query=subject:bob')).body.items
    await using page = await browser.open(http.base, `/mail/${id}`, { viewport: { width, height: 800 } })
    for (const [name, ready] of [
      ['Report to the sender…', 'form'],
      ['Compare with…', '.compared ins'],
    ] as const) {
      await page.getByRole('button', { name }).click()
      const dialog = page.getByRole('dialog', { name })
      await dialog.locator(ready).first().waitFor()
      await expectAccessible(page, 'dialog')
      const [inner, outer] = ['scrollWidth', 'clientWidth'].map((one) =>
        page.evaluate<number>(`document.querySelector('dialog .dialog-body').${one}`),
      )
      expect(await inner).toBeLessThanOrEqual((await outer) as number)
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
    }
  })

  it('no page has asked another origin for anything', () => {
    expect(browser.foreign).toEqual([])
  })
})
