import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

const html = [
  '<html lang="en"><body style="display: grid">',
  '<p>Your order is on its way to you, and this text is long enough.</p>',
  '<p><a href="https://evil.example/">www.shop.example</a></p>',
  '<img id="logo" src="https://shop.example/logo.png" width="40" height="40">',
  '</body></html>',
].join('\n')

describe.skipIf(!hasChromium)('what a message offers', () => {
  const site = consoleSite()

  /** Delivers a message, and opens it. */
  async function open(subject: string, query = ''): Promise<Page> {
    const mail = { from: 'Shop <shop@app.test>', to: 'alice@lab.test', subject, text: 'On its way.', html }
    await site.http.lab.deliver(mail, { to: 'alice' })
    const [{ id }] = (await site.http.request('messages?limit=1')).body.items
    return site.browser.open(site.http.base, `/mail/${id}${query}`)
  }

  it('its checks, each with the place in the preview', async () => {
    const page = await open('Checked', '?tab=check')
    const summary = page.getByRole('group', { name: 'Checks' })
    await summary.getByRole('button', { name: /Links.*1 error/ }).click()
    const finding = page.locator('.findings li', { hasText: 'the text names www.shop.example' })
    await finding.getByText('line 3').waitFor()
    await finding.getByRole('button', { name: 'Show' }).click()
    const marked = page.frameLocator('iframe.marked').locator('#sealpost-mark')
    await marked.waitFor()
    expect(await marked.textContent()).toBe('www.shop.example')
    await summary.getByRole('button', { name: /Unsubscribe/ }).click()
    await page.locator('iframe.marked').waitFor({ state: 'detached' })
    await summary.getByRole('button', { name: /HTML support/ }).click()
    await page.locator('.check-tab .score').waitFor()
    await page.context().close()
  })
})
