import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, consoleSite, hasChromium } from './browser.ts'

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
    await using page = await open('Checked', '?tab=check')
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
  })

  it('a bounce, a complaint and an out-of-office reply to its sender', async () => {
    const { port } = site.http.lab.server('smtp')
    const sent = { from: 'bob@lab.test', to: 'alice@lab.test', subject: 'From bob', text: 'Hello' }
    await createTransport({ port: port as number, ignoreTLS: true }).sendMail(sent)
    const [{ id }] = (await site.http.request('messages?query=subject:bob')).body.items
    await using page = await site.browser.open(site.http.base, `/mail/${id}`)
    await page.getByRole('button', { name: 'Report to the sender…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Goes to the return path, bob@lab.test').waitFor()
    await dialog.getByLabel('Details').selectOption('5.2.2')
    await dialog.getByLabel('Form').selectOption('postfix')
    await dialog.getByText('bounce+5.2.2.postfix').waitFor()
    await dialog.getByRole('button', { name: 'Send' }).click()
    await page.getByText('The report to bob@lab.test is sent at').waitFor()
    const ofBob = async (): Promise<{ subject: string }[]> =>
      (await site.http.request('messages?account=bob')).body.items
    await expect.poll(async () => (await ofBob())[0]?.subject, { timeout: 60_000 }).toContain('Undelivered Mail')
    await page.getByRole('button', { name: 'Report to the sender…' }).click()
    await dialog.getByLabel('Report', { exact: true }).selectOption('Out of office')
    await dialog.getByText('vacation+reply').waitFor()
  })

  it('a comparison with another message', async () => {
    await site.http.lab.deliver({ from: 'shop@app.test', subject: 'Twice', text: 'one\ntwo' }, { to: 'alice' })
    await site.http.lab.deliver({ from: 'shop@app.test', subject: 'Twice', text: 'one\nthree' }, { to: 'alice' })
    const [{ id }] = (await site.http.request('messages?query=subject:Twice&limit=1')).body.items
    await using page = await site.browser.open(site.http.base, `/mail/${id}`)
    await page.getByRole('button', { name: 'Compare with…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('ins', { hasText: 'Message-ID' }).first().waitFor()
    await dialog.getByRole('tab', { name: 'Text' }).click()
    await dialog.getByRole('region', { name: 'This message' }).locator('ins', { hasText: 'three' }).waitFor()
    await dialog.getByRole('region', { name: 'The other message' }).locator('ins', { hasText: 'two' }).waitFor()
    expect(await dialog.locator('ins', { hasText: 'one' }).count()).toBe(0)
    await dialog.getByRole('tab', { name: 'MIME' }).click()
    await dialog.getByText('1 text/plain').first().waitFor()
  })
})

describe.skipIf(!hasChromium)('the page of a lab without mail', () => {
  const site = { browser: undefined as ConsoleBrowser | undefined, http: undefined as HttpLab | undefined }
  beforeAll(async () => {
    site.http = await HttpLab.start({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    site.browser = new ConsoleBrowser()
  })
  afterAll(async () => {
    await site.browser?.[Symbol.asyncDispose]()
    await site.http?.[Symbol.asyncDispose]()
  })

  it.each([1360, 390])('shows settings, the trust line and a test mail at %d px', async (width) => {
    const { http, browser } = site as { http: HttpLab; browser: ConsoleBrowser }
    await http.request('reset', { method: 'POST', json: {} })
    await using page = await browser.open(http.base, '/mail', { viewport: { width, height: 800 } })
    const smtp = `127.0.0.1:${http.lab.server('smtp').port}`
    await page.getByText(smtp, { exact: true }).waitFor()
    await page.getByText(`127.0.0.1:${http.lab.server('imap4').port}`, { exact: true }).waitFor()
    await page.getByText('sealpost trust install').waitFor()
    expect(await page.getByRole('link', { name: 'Root certificate' }).getAttribute('href')).toContain('roots')
    await page.getByRole('link', { name: 'smtplib and pytest' }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    await page.getByRole('button', { name: 'Send' }).first().click()
    await page.locator('.mail-row').waitFor()
    expect([browser.complaints, browser.foreign]).toEqual([[], []])
  })
})
