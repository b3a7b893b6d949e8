import { describe, expect, it } from 'vitest'
import { consoleSite, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page Scripts', () => {
  const site = consoleSite()

  it('shows a mistake at its line while a script is written, and stores, activates, renames and deletes scripts', async () => {
    const { http, browser } = site
    await using page = await browser.open(http.base, '/scripts?account=bob')
    await page.getByText('This account has no scripts').waitFor()
    await page.getByRole('button', { name: 'New script' }).click()
    await page.getByLabel('Name', { exact: true }).fill('reports')
    const text = page.getByRole('textbox', { name: 'Script', exact: true })
    await text.fill('require "fileinto";\n\nfileinto "Reports"\nkeep;\n')
    const mistake = page.getByRole('button', {
      name: 'line 4, column 1: fileinto takes no test; is ";" missing before keep?',
    })
    await mistake.click()
    expect(await page.locator('.line-numbers .bad').allTextContents()).toEqual(['4'])
    expect(await page.evaluate('getSelection().toString()')).toBe('keep;')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').getByText('line 4, column 1').waitFor()

    await text.fill('discard;\n')
    await page.getByText('The script has no mistakes.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'reports active' }).waitFor()
    await http.lab.deliver({ subject: 'Lost' }, { to: 'bob' })
    expect(await http.lab.messages('bob')).toEqual([])
    expect(await page.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)

    await page.getByLabel('Name', { exact: true }).fill('lost')
    await page.getByLabel('Active: runs on mail that arrives').uncheck()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'lost', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('lost is deleted').waitFor()
    await page.getByText('This account has no scripts').waitFor()
    await expect
      .poll(async () => (await http.request('accounts/bob/scripts')).body.items, { timeout: 20_000 })
      .toEqual([])
    expect(browser.complaints.filter((one) => !/422/.test(one))).toEqual([])
  })

  it('shows the script of the configuration, and what it did in the history of a message', async () => {
    const { http, browser } = site
    await http.request('accounts/alice/scripts/file', {
      method: 'PUT',
      json: { content: 'require ["fileinto", "mailbox"];\nfileinto :create "Filed";', active: true },
    })
    await http.lab.deliver({ subject: 'To be filed' }, { to: 'alice' })
    const { items } = (await http.request('messages?query=subject:filed')).body
    await using page = await browser.open(http.base, `/mail/${items[0].id}?tab=history`)
    await page.getByText('filed into Filed by line 2').waitFor()
    await page.getByText('Sieve script of the account').waitFor()
  })
})
