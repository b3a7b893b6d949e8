import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page of the client settings', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await consoleLab({
      virtualServers: [
        { protocol: 'smtp' },
        { protocol: 'imap4', requireSecureChannel: true },
        { protocol: 'nntp' },
        { protocol: 'managesieve' },
        { protocol: 'http' },
        { protocol: 'http', name: 'locked', authentication: ['basic'] },
      ],
    })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  it('has the recipes, with the address and the ports of the lab', async () => {
    await using page = await browser.open(http.base, '/client-settings')
    await page.getByRole('link', { name: 'nodemailer' }).click()
    await page.getByRole('heading', { name: 'nodemailer' }).waitFor()
    const { port } = http.lab.server('smtp')
    await page.getByText(`SMTP_HOST=localhost SMTP_PORT=${port}`).waitFor()
    await page.getByText(`curl -sSo lab-ca.pem ${http.base}/api/v1/authorities/roots`).waitFor()
    await page.locator('code', { hasText: 'npx sealpost start' }).first().waitFor()
    await page.getByRole('button', { name: 'Client settings' }).click()
    await page.getByRole('link', { name: 'Docker Compose' }).click()
    await page.getByText('localhost:8025').first().waitFor()
    await page.goto(`${http.base}/client-settings?recipe=thunderbird`)
    await page.getByRole('cell', { name: new RegExp(`port ${http.lab.server('imap4').tlsPort}, SSL/TLS`) }).waitFor()
  })

  it('shows what to enter for an account, copies it, and masks the password until it is asked for', async () => {
    await using page = await browser.open(http.base, '/client-settings', {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    const { port, tlsPort } = http.lab.server('imap4')
    const imap = page.getByRole('region', { name: 'Incoming (IMAP)' })
    await imap.getByText(`${tlsPort}`).waitFor()
    await imap.getByRole('button', { name: 'Copy the port' }).click()
    await imap.getByRole('button', { name: 'Copied' }).waitFor()
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(`${tlsPort}`)

    await page.getByRole('combobox', { name: 'Account' }).selectOption('bob')
    await page.getByText('bob@lab.test').waitFor()
    expect(await page.content()).not.toContain('secret')
    await page.getByRole('button', { name: 'Show the password' }).click()
    await page.locator('.client-password').getByText('secret').waitFor()
    await page.getByRole('button', { name: 'Hide the password' }).click()
    await page.locator('.client-password').getByText('secret').waitFor({ state: 'detached' })

    const ports = page.getByRole('region', { name: 'Every port of the lab' }).getByRole('row', { name: /IMAP/ })
    await expect
      .poll(() => ports.allInnerTexts())
      .toEqual([
        expect.stringMatching(new RegExp(`${tlsPort}\\s+SSL/TLS`)),
        expect.stringMatching(new RegExp(`${port}\\s+STARTTLS`)),
      ])
    expect(browser.complaints).toEqual([])
  })

  it('names the log-on of each server, and why an account cannot log on', async () => {
    await http.request('accounts/bob', { method: 'PATCH', json: { state: 'locked' } })
    await using page = await browser.open(http.base, '/client-settings?account=bob')
    await page.getByText('bob cannot log on: locked.').waitFor()
    await page.getByRole('combobox', { name: 'Account' }).getByText('bob (locked)').waitFor({ state: 'attached' })
    await page
      .getByRole('region', { name: 'Incoming (IMAP)' })
      .getByText(/^password, /)
      .waitFor()
    await http.request('accounts/bob', { method: 'PATCH', json: { state: null } })
  })

  it('has steps or a text for each program, and warns of what does not work', async () => {
    await using page = await browser.open(http.base, '/client-settings?account=alice')
    const programs = page.getByRole('navigation', { name: 'Programs' }).getByRole('button')
    await programs.first().waitFor()
    for (const program of await programs.all()) {
      const name = (await program.textContent()) ?? ''
      await program.click()
      const panel = page.getByRole('region', { name, exact: true })
      await panel.locator('.client-steps, .client-text').first().waitFor()
      await panel.getByText('Only programs on this machine reach these addresses.').waitFor()
    }
    await programs.filter({ hasText: 'Outlook Express' }).click()
    await page.getByText('TLS fails with this program').getByRole('link').waitFor()
    await programs.filter({ hasText: 'tin' }).last().click()
    const { tlsPort } = http.lab.server('nntp')
    await page.getByText(`NNTPSERVER=localhost tin -r -T -p ${tlsPort} -A lab.general`).waitFor()
  })

  it('downloads the root and the files for automatic configuration', async () => {
    await using page = await browser.open(http.base, '/client-settings?account=alice')
    const files = page.getByRole('region', { name: 'Downloads' })
    const download = async (name: string): Promise<string> => {
      const saving = page.waitForEvent('download')
      await files.getByRole('link', { name }).click()
      return readFileSync(await (await saving).path(), 'utf8')
    }
    expect(new X509Certificate(await download('lab-ca.pem')).ca).toBe(true)
    expect(await download('config-v1.1.xml')).toContain('<username>alice</username>')
    expect(await download('autodiscover.xml')).toContain('<LoginName>alice</LoginName>')
    expect(await download('lab.mobileconfig')).toContain('com.apple.mail.managed')
  })

  it('shows the address of the profile as a QR code, and says if a phone does not reach it', async () => {
    await using page = await browser.open(http.base, '/client-settings?account=alice&program=apple-mail')
    await page.getByText(/A phone does not reach 127\.0\.0\.1/).waitFor()
    const path = '/api/v1/client-settings/mobileconfig?account=alice'
    const own = page.getByRole('img', { name: `QR code of ${http.base}${path}` })
    const modules = await own.locator('path').getAttribute('d')
    await page.getByLabel('Address of the lab for the phone').fill('lab.test:8025')
    const other = page.getByRole('img', { name: `QR code of http://lab.test:8025${path}` })
    await expect.poll(() => other.locator('path').getAttribute('d')).not.toBe(modules)
    await expect.poll(() => page.getByText(/A phone does not reach/).count()).toBe(0)
    const profile = await http.request(path)
    expect(profile.headers.get('content-type')).toBe('application/x-apple-aspen-config')
  })

  it('shows an account its own settings only', async () => {
    const locked = http.lab.server('locked')
    await using page = await browser.open(`http://127.0.0.1:${locked.port}`, '/client-settings?program=mbsync')
    await page.getByLabel('User name').fill('bob')
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('button', { name: 'Log on' }).click()
    await page.getByText('bob@lab.test').waitFor()
    await expect
      .poll(() => page.getByRole('combobox', { name: 'Account' }).getByRole('option').allTextContents())
      .toEqual(['bob'])
    await page.getByText('Pass "(your password)"').waitFor()
    await page.getByRole('button', { name: 'Show the password' }).click()
    await page.getByText('Pass secret').waitFor()
    await expect.poll(() => page.getByRole('link', { name: 'Verify' }).count()).toBe(0)
  })
})
