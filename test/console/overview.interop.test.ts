import { once } from 'node:events'
import { connect } from 'node:tls'
import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

const TENANT = 'tenant-tenant-tenant'

describe.skipIf(!hasChromium)('the overview', () => {
  const site = consoleSite({ tokens: [{ name: 't1', role: 'tenant', token: TENANT }] })

  const chart = (page: Page, title: string) => page.getByRole('figure', { name: title })
  const part = (page: Page, title: string) =>
    page.locator('.health li', { has: page.getByText(title, { exact: true }) })

  it('counts mail and refusals live, in charts, in words and in tables', async () => {
    // No browser was open when this mail arrived.
    await using page = await site.browser.open(site.http.base, '/overview')
    const messages = chart(page, 'Messages')
    await messages.locator('li', { hasText: 'mail 3' }).waitFor()
    await messages.locator('canvas').waitFor()

    const transport = createTransport(site.http.lab.nodemailer('alice'))
    await transport.sendMail({ from: 'alice@lab.test', to: ['bob@lab.test', 'x@example.com'], text: 'Hello' })
    transport.close()
    await messages.locator('li', { hasText: 'mail 4' }).waitFor()
    await messages.locator('li', { hasText: 'captured 1' }).waitFor()
    await expect
      .poll(() => messages.getByRole('img').getAttribute('aria-label'))
      .toMatch(/^Messages\. mail: 4 in the last hour, at most \d in a minute, at \d/)
    await expect
      .poll(() => chart(page, 'Refusals').getByRole('img').getAttribute('aria-label'))
      .toBe('Refusals. sessions: none in the last hour.')

    await messages.getByRole('button', { name: 'Messages: show as a table' }).click()
    const table = messages.getByRole('table', { name: 'Messages, Last hour' })
    const cells = table.locator('tbody tr td:nth-child(2)')
    const sum = async (): Promise<number> => (await cells.allTextContents()).reduce((so, cell) => so + Number(cell), 0)
    await expect.poll(sum).toBe(4)
    await expect.poll(() => messages.locator('canvas').count()).toBe(0)

    await part(page, 'Sessions').getByText('No session was refused in the last 10 minutes.').waitFor()
    // This client does not trust the lab.
    const client = connect({ host: '127.0.0.1', port: site.http.lab.server('imap4').tlsPort, servername: 'localhost' })
    await once(client, 'error')
    await chart(page, 'Refusals').locator('li', { hasText: 'sessions 1' }).waitFor()
    await chart(page, 'TLS handshakes').locator('li', { hasText: 'failed 1' }).waitFor()
    await part(page, 'Sessions').getByText('1 session was refused in the last 10 minutes').waitFor()
    await page.locator('.health .badge', { hasText: '1 item needs attention' }).waitFor()
    await part(page, 'Sessions')
      .getByRole('link', { name: /trust the certificate/ })
      .click()
    await page.waitForURL(/\/sessions\/imap4-/)
    expect(site.browser.complaints).toEqual([])
  })

  it('draws the charts again in another theme', async () => {
    await using page = await site.browser.open(site.http.base, '/overview', { colorScheme: 'light' })
    await chart(page, 'Messages').locator('canvas').waitFor()
    await page.emulateMedia({ colorScheme: 'dark' })
    // The bars have the colour of the dark theme: #7fb0ff.
    const hasColour = `(() => {
      const canvas = document.querySelector('.chart canvas')
      if (!canvas) return false
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 0x7f && data[at + 1] === 0xb0 && data[at + 2] === 0xff) return true
      }
      return false
    })()`
    await expect.poll(() => page.evaluate(hasColour)).toBe(true)
  })

  it('follows the log, and filters it by level and words', async () => {
    await using page = await site.browser.open(site.http.base, '/overview?level=info')
    const log = page.getByRole('region', { name: 'Log' })
    const lines = log.locator('.log-line')
    await lines.first().waitFor()
    /** Fails a handshake with IMAP4. Resolves with the number of such lines, once the lab has this one. */
    const fail = async (): Promise<number> => {
      const { total } = (await site.http.request('log?query=imap4%20handshake')).body
      const client = connect({
        host: '127.0.0.1',
        port: site.http.lab.server('imap4').tlsPort,
        servername: 'localhost',
      })
      await once(client, 'error')
      const now = async (): Promise<number> => (await site.http.request('log?query=imap4%20handshake')).body.total
      await expect.poll(now).toBeGreaterThan(total)
      return now()
    }
    const failed = lines.filter({ hasText: /session ended: handshake failed imap4-/ })
    const before = await fail()
    await expect.poll(() => failed.count()).toBe(before)

    await log.getByRole('searchbox', { name: 'Filter the log' }).fill('imap4 HANDSHAKE')
    await expect.poll(() => lines.count()).toBe(before)
    const after = await fail()
    await expect.poll(() => lines.count()).toBe(after)
    await page.reload()
    await expect.poll(() => lines.count()).toBe(after)

    await log.getByRole('combobox', { name: 'Lowest level' }).selectOption('errors')
    await log.getByText('The log has no such lines.').waitFor()
  })

  it('shows that the clock was moved, and moves it back', async () => {
    await using page = await site.browser.open(site.http.base, '/overview')
    await page.getByText('same as the machine').waitFor()
    await site.http.request('clock', { method: 'PATCH', json: { advance: '40d' } })
    await page.getByText('40 days ahead').waitFor()
    await page.getByRole('button', { name: 'Reset the clock' }).click()
    await page.getByText('same as the machine').waitFor()
    expect((await site.http.request('clock')).body.offsetMs).toBe(0)
  })

  it('opens by keys and by the palette', async () => {
    await using page = await site.browser.open(site.http.base, '/faults')
    await page.locator('.faults h2').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.waitForURL('**/overview')
    await page.locator('.chart canvas').first().waitFor()
  })

  it('is not for tenants', async () => {
    await using page = await site.browser.open(site.http.base, `/overview#token=${TENANT}`)
    await page.getByText('This page does not exist').waitFor()
    await page.getByRole('link', { name: 'Mail' }).waitFor()
    await expect.poll(() => page.getByRole('link', { name: 'Overview' }).count()).toBe(0)
  })

  it('says how to send the first mail while there is none', async () => {
    await site.http.request('reset', { json: {} })
    await using page = await site.browser.open(site.http.base, '/overview')
    await page.getByText(`swaks --server 127.0.0.1:${site.http.lab.server('smtp').port} --to alice@lab.test`).waitFor()
    await page.getByRole('button', { name: 'Send me a test mail' }).click()
    await chart(page, 'Messages').waitFor()
    await page.getByText('swaks').waitFor({ state: 'detached' })
  })
})
