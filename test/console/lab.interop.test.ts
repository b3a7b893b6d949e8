import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page Lab', () => {
  const site = consoleSite()
  const open = (path: string): Promise<Page> => site.browser.open(site.http.base, path)

  /** Shows the difference of a form, and applies it. */
  async function apply(page: Page, added: string): Promise<void> {
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('.added', { hasText: added }).waitFor()
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })
  }

  it('adds an account that can log on, changes it, and undoes that', async () => {
    await using page = await open('/lab')
    await page.getByRole('button', { name: 'Add account' }).click()
    await page.getByLabel('User', { exact: true }).fill('carol')
    await page.getByLabel('Password', { exact: true }).fill('carols-secret')
    await apply(page, 'carol')
    await page.getByRole('row', { name: /carol@lab\.test|carol/ }).waitFor()
    const smtp = { ...site.http.lab.nodemailer('alice'), auth: { user: 'carol', pass: 'carols-secret' } }
    expect(await createTransport(smtp).verify()).toBe(true)

    await page.getByRole('row', { name: /carol/ }).click()
    await page.getByLabel('State').selectOption('locked')
    await apply(page, 'state: locked')
    await page.getByRole('row', { name: /carol.*locked/ }).waitFor()
    await expect(createTransport(smtp).verify()).rejects.toThrow()
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await page.getByRole('row', { name: /carol.*locked/ }).waitFor({ state: 'detached' })
    expect(await createTransport(smtp).verify()).toBe(true)
  })

  it('keeps changes that are not applied while other pages are open, and says so', async () => {
    await using page = await open('/lab/accounts/bob')
    await page.getByLabel('State').selectOption('locked')
    await page.getByRole('tab', { name: 'Newsgroups' }).click()
    await page.getByText('Your changes to bob are kept').waitFor()
    await page.getByRole('tab', { name: 'Accounts' }).click()
    const row = page.getByRole('row', { name: /bob/ })
    await row.getByText('not applied').click()
    expect(await page.getByLabel('State').inputValue()).toBe('locked')
    const asked = page.waitForEvent('dialog')
    await page.close({ runBeforeUnload: true })
    await (await asked).dismiss()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await row.waitFor()
    expect(await row.getByText('not applied').count()).toBe(0)
  })

  it('shows a mistake at its field', async () => {
    await using page = await open('/lab/connectors/new')
    await page.getByLabel('Name').fill('Relay')
    await page.getByLabel('Smart host').fill('host: [')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page
      .locator('.field.bad', { hasText: 'Smart host' })
      .getByText(/must be/)
      .waitFor()
    await page.getByLabel('Smart host').fill('host: 127.0.0.1')
    await apply(page, 'Relay')
    await page.getByRole('row', { name: /Relay.*127\.0\.0\.1/ }).waitFor()
  })

  it('sends a test event to a webhook, and shows the delivery', async () => {
    const received: string[] = []
    const server = createServer(async (request, response) => {
      for await (const octets of request) received.push(String(octets))
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const page = await open('/lab/webhooks/new')
    await page.getByLabel('URL').fill(url)
    await page.getByLabel('Secret', { exact: true }).fill(`whsec_${'A'.repeat(32)}`)
    await apply(page, url)
    await page.getByRole('button', { name: 'Send a test event' }).click()
    await page
      .getByRole('row', { name: /webhook\.test/ })
      .getByText('delivered')
      .waitFor()
    expect(received.join('')).toContain('"type":"webhook.test"')
    await page.context().close()
    server.close()
  })

  it('adds a newsgroup, a zone, a client, a token, a rule and a tenant by the same form', async () => {
    await using page = await open('/lab/newsgroups/new')
    await page.getByLabel('Name').fill('lab.tests')
    await apply(page, 'lab.tests')
    await page.goto(`${site.http.base}/lab/zones/new`)
    await page.getByLabel('Name').fill('shop.test')
    await page.getByLabel('Records', { exact: true }).fill('@ MX 10 mail\nmail A 127.0.0.1')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('dialog').locator('.added', { hasText: 'mail A 127.0.0.1' }).waitFor()
    await page.goto(`${site.http.base}/lab/clients/new`)
    await page.getByLabel('Client', { exact: true }).fill('shop')
    await apply(page, 'shop')
    await page.goto(`${site.http.base}/lab/tokens/new`)
    await page.getByLabel('Name').fill('ci')
    await page.getByLabel('Role').selectOption('reader')
    await page.getByLabel('Token', { exact: true }).fill('token-of-the-pipeline')
    await apply(page, 'role: reader')
    await page.goto(`${site.http.base}/lab/forwardRules/new`)
    await page.getByLabel('Filters').fill('to: [alice@lab.test]')
    await page.getByLabel('To', { exact: true }).fill('team@example.com')
    await apply(page, 'team@example.com')
    await page.goto(`${site.http.base}/lab/tenants/new`)
    await page.getByLabel('Name').fill('run1')
    await page.getByRole('button', { name: 'Add tenant' }).click()
    await page.getByRole('row', { name: /run1-alice/ }).waitFor()
    await page.getByRole('button', { name: 'Remove run1' }).click()
    await page.getByRole('row', { name: /run1-alice/ }).waitFor({ state: 'detached' })
  })

  it('lists who changed what, and undoes it', async () => {
    await site.http.request('configuration', {
      method: 'PATCH',
      json: { changes: [{ op: 'set', path: '/news/groups/lab.general/description', value: 'All of it' }] },
    })
    await using page = await open('/lab/history')
    const change = page.locator('.history li').first()
    await change.locator('summary', { hasText: 'All of it' }).waitFor()
    await change.locator('summary').click()
    await change.locator('.added', { hasText: 'All of it' }).waitFor()
    expect(await page.locator('.history').textContent()).not.toContain('carols-secret')
    await change.getByRole('button', { name: 'Undo' }).click()
    await page
      .locator('.history li')
      .first()
      .getByText(/^undoes/)
      .waitFor()
    const { body } = await site.http.request('newsgroups/lab.general')
    expect(body.description).toBe('')
  })

  it('complains about nothing', () => {
    // The browser reports each mistake that the lab finds in a form.
    const others = site.browser.complaints.filter((text) => !text.includes('422'))
    expect([others, site.browser.foreign]).toEqual([[], []])
  })
})
