import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { freePorts } from '../support/free-ports.ts'
import { run, sClient } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page of the authorities', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await consoleLab({ virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }] })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  it('a waiting request is approved and installed, its root is downloaded, and the certificate is revoked', async () => {
    await http.request('authorities', { json: { name: 'Slow CA', key: 'p256', type: 'standalone' } })
    await http.request('certificates', {
      json: { for: 'imap4', key: 'p256', organization: 'Queued', authority: 'Slow CA' },
    })
    await using page = await browser.open(http.base, '/authorities/Slow%20CA')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('region', { name: 'Requests that wait for approval' }).waitFor({ state: 'detached' })

    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Slow CA: PEM' }).click()
    const root = await (await saving).path()
    const { stdout } = await run('openssl', ['x509', '-in', root, '-noout', '-subject'])
    expect(stdout).toContain('Slow CA')
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'macOS: lab-ca.pem' }).click()
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
  })

  it('says what turns the service on, where there is none', async () => {
    await using page = await browser.open(http.base, '/authorities?tab=acme')
    await page.getByText('The HTTP service of the authorities is off').waitFor()
    await page.getByText(/^certificates: \{ service: \{/).waitFor()
  })

  it.skipIf(!needs('certbot'))('the line for certbot works, and its order, the CRL and OCSP are shown', async () => {
    const [httpPort = 0] = await freePorts(1)
    const folder = mkdtempSync(join(tmpdir(), 'certbot-'))
    await using own = await HttpLab.start({
      virtualServers: [{ protocol: 'http' }],
      certificates: { service: { port: 0, tlsPort: 0, acme: { httpPort } } },
    })
    await using page = await browser.open(own.base, '/authorities?tab=acme')
    await page.getByText('No client has ordered a certificate yet.').waitFor()
    const shell = async (line: RegExp): Promise<string> => {
      const text = (await page.getByText(line).first().textContent()) ?? ''
      const { stdout } = await run('sh', ['-c', text.replace('CERTIFICATE.pem', 'cert.pem')], { cwd: folder })
      return stdout
    }
    await shell(/^curl -o lab-ca.pem/)
    await shell(/certbot certonly/)
    copyFileSync(join(folder, 'certbot/live/www.lab.test/cert.pem'), join(folder, 'cert.pem'))
    await page.getByRole('button', { name: 'Refresh' }).click()
    const order = page.getByRole('row', { name: /www\.lab\.test/ })
    await order.getByText('http-01: valid').waitFor()
    await order.getByText('admin@lab.test').waitFor()

    await page.getByRole('tab', { name: 'CRL and OCSP' }).click()
    await page.getByText('0 revoked certificates').waitFor()
    await page.getByText('No client has asked yet.').waitFor()
    expect(await shell(/^openssl ocsp/)).toContain('cert.pem: good')
    await page.reload()
    await page.getByRole('row', { name: /good.*www\.lab\.test/ }).waitFor()
    await page.getByRole('tab', { name: 'Issued' }).click()
    const issued = page.getByRole('row', { name: /www\.lab\.test/ })
    await issued.getByRole('button', { name: /Revoke/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
    await issued.getByText('revoked: unspecified').waitFor()
    await page.getByRole('tab', { name: 'CRL and OCSP' }).click()
    await page.getByText('1 revoked certificate', { exact: true }).waitFor()
    const crl = (await page.getByText(/^http:.*\.crl$/).textContent()) ?? ''
    const shown = await page.getByText(/^\d{13}$/).textContent()
    writeFileSync(join(folder, 'list.crl'), Buffer.from(await (await fetch(crl)).arrayBuffer()))
    const { stdout } = await run('openssl', ['crl', '-in', join(folder, 'list.crl'), '-noout', '-crlnumber'])
    expect(BigInt(stdout.trim().replace(/^crlNumber=(?:0x)?/, '0x'))).toBe(BigInt(shown ?? 0))
    rmSync(folder, { recursive: true })
    expect(browser.complaints).toEqual([])
  })
})
