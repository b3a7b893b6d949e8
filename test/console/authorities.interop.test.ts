import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../http/client.ts'
import { run, sClient } from '../support/openssl.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page of the authorities', () => {
  let http: HttpLab
  let browser: ConsoleBrowser
  beforeAll(async () => {
    http = await consoleLab({ virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }] })
    browser = await ConsoleBrowser.start()
  })
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]()
    await http?.[Symbol.asyncDispose]()
  })

  it('a waiting request is approved and installed, its root is downloaded, and the certificate is revoked', async () => {
    await http.request('authorities', { json: { name: 'Slow CA', key: 'p256', type: 'standalone' } })
    await http.request('certificates', {
      json: { for: 'imap4', key: 'p256', organization: 'Queued', authority: 'Slow CA' },
    })
    const page = await browser.open(http.base, '/authorities/Slow%20CA')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('region', { name: 'Requests that wait for approval' }).waitFor({ state: 'detached' })

    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Slow CA: PEM' }).click()
    const root = await (await saving).path()
    const { stdout } = await run('openssl', ['x509', '-in', root, '-noout', '-subject'])
    expect(stdout).toContain('Slow CA')
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'lab-ca.pem' }).click()
    const roots = await (await downloading).path()
    expect(readFileSync(roots, 'utf8')).toContain(readFileSync(root, 'utf8').trim())
    const { tlsPort } = http.lab.server('imap4')
    const trusting = ['-connect', `127.0.0.1:${tlsPort}`, '-servername', 'localhost', '-CAfile', roots]
    await expect.poll(() => sClient(trusting, 'a logout\r\n')).toMatch(/subject=.*Queued/)
    expect(await sClient(trusting, 'a logout\r\n')).toContain('Verify return code: 0 (ok)')

    const issued = page.getByRole('region', { name: 'Issued by Slow CA' })
    await issued.getByRole('searchbox').fill('nobody')
    await issued.getByText('No certificate was found.').waitFor()
    await issued.getByRole('searchbox').fill('local')
    await issued.getByRole('button', { name: /Revoke/ }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/cannot be undone/).waitFor()
    await dialog.getByLabel('Reason').selectOption('keyCompromise')
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click()
    await issued.getByText('revoked: keyCompromise').waitFor()
    const { items } = (await http.request('authorities/Slow%20CA/issued')).body
    expect(items).toMatchObject([{ revoked: { reason: 'keyCompromise' } }])
    expect(browser.complaints).toEqual([])
    await page.context().close()
  })
})
