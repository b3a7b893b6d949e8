import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'

const COUNT = 100_000

describe.skipIf(!hasChromium)('a list of 100,000 messages', () => {
  let http: HttpLab
  let page: Page
  beforeAll(async () => {
    http = await HttpLab.start({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    for (let number = 1; number <= COUNT; number++) {
      await http.lab.deliver(`Subject: Message ${number}\r\n\r\nText\r\n`, { to: 'alice' })
    }
    page = await browser.open(http.base, '/mail')
  }, 600_000)
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  const row = (number: number) =>
    page.locator('.mail-row', { has: page.getByText(`Message ${number}`, { exact: true }) })

  it('keeps few rows in the document, and reads few pages while its scroll bar is dragged', async () => {
    await row(COUNT).waitFor()
    let [reading, most] = [0, 0]
    page.on('request', (request) => {
      if (request.url().includes('/messages?')) most = Math.max(most, ++reading)
    })
    const ended = (request: { url: () => string }): void => {
      if (request.url().includes('/messages?')) reading--
    }
    page.on('requestfinished', ended)
    page.on('requestfailed', ended)
    await page.evaluate(`new Promise((resolve) => {
      const list = document.querySelector('.virtual-list')
      let frame = 0
      const step = () => {
        list.scrollTop = (list.scrollHeight * ++frame) / 100
        if (frame < 100) requestAnimationFrame(step)
        else resolve()
      }
      step()
    })`)
    await row(1).waitFor()
    expect(most).toBeGreaterThan(0)
    // Pages that are not visible any more would delay those that are. The end of a request may be told after the next has
    // begun.
    expect(most).toBeLessThanOrEqual(10)
    await expect.poll(() => page.locator('.virtual-row').count()).toBeLessThan(100)
  })

  it('opens its last and its first message by keys', async () => {
    await page.locator('.virtual-list').press('Home')
    await page.getByRole('heading', { level: 2, name: `Message ${COUNT}`, exact: true }).waitFor()
    await page.locator('.virtual-list').press('End')
    await page.getByRole('heading', { level: 2, name: 'Message 1', exact: true }).waitFor()
    await row(1).waitFor()
    await page.keyboard.press('k')
    await page.getByRole('heading', { level: 2, name: 'Message 2', exact: true }).waitFor()
  })

  it('selects the messages between two, also those that were never visible', async () => {
    await page.locator('.virtual-list').press('Home')
    await row(COUNT).locator('.check').click()
    await page.evaluate(`document.querySelector('.virtual-list').scrollTo({ top: 54 * 700 })`)
    await row(COUNT - 701)
      .locator('.check')
      .click({ modifiers: ['Shift'] })
    await page.getByText('702 selected').waitFor()
    await page.keyboard.press('Escape')
  })

  it('complained about nothing', () => expect(browser.complaints).toEqual([]))
})
