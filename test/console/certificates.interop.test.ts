import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CertificateLab } from '../cli/cert-support.ts'
import type { HttpLab } from '../servers/http/client.ts'
import { sClient } from '../support/openssl.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the pages of the certificates', () => {
  let http: HttpLab
  let browser: ConsoleBrowser
  /** An authority outside of the lab. */
  let outside: CertificateLab
  beforeAll(async () => {
    http = await consoleLab({ virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http' }] })
    browser = new ConsoleBrowser()
    outside = new CertificateLab()
    await outside.outsideAuthority('outside')
  })
  afterAll(async () => {
    outside?.remove()
    await browser?.[Symbol.asyncDispose]()
    await http?.[Symbol.asyncDispose]()
  })

  /** Returns what OpenSSL sees of the certificate that IMAP4 serves. */
  const seen = async (): Promise<string> =>
    sClient(['-connect', `127.0.0.1:${http.lab.server('imap4').tlsPort}`, '-servername', 'localhost'], 'a logout\r\n')

  it('a certificate is imported, assigned, renamed, exported, unassigned, and deleted unless that is undone', async () => {
    await outside.openssl(
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'own.key'],
      ...['-subj', '/O=Imported/CN=localhost', '-out', 'own.csr'],
    )
    await outside.sign('outside', 'own.csr', 'own.pem')
    const pfx = ['-export', '-in', 'own.pem', '-inkey', 'own.key', '-passout', 'pass:secret', '-out', 'own.pfx']
    await outside.openssl('pkcs12', ...pfx)

    await using page = await browser.open(http.base, '/certificates')
    await page.getByRole('button', { name: 'Import' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('File').setInputFiles(outside.path('own.pfx'))
    await dialog.getByLabel('Password').fill('wrong')
    await dialog.getByLabel('Friendly name').fill('Bought')
    await dialog.getByRole('button', { name: 'Import' }).click()
    await dialog
      .getByRole('alert')
      .getByText(/password/i)
      .waitFor()
    await dialog.getByLabel('Password').fill('secret')
    await dialog.getByRole('button', { name: 'Import' }).click()

    const article = page.getByRole('article', { name: 'Bought' })
    await article.getByRole('button', { name: 'Assign' }).click()
    await dialog.getByLabel('Virtual server').selectOption('Default IMAP4 Virtual Server')
    await dialog.getByRole('button', { name: 'Assign' }).click()
    await article
      .getByText(/openssl s_client .* -showcerts/)
      .first()
      .waitFor()
    await expect.poll(seen).toMatch(/subject=.*Imported/)

    await article.getByRole('button', { name: 'Rename' }).click()
    await dialog.getByLabel('Friendly name').fill('Bought in 2026')
    await dialog.getByRole('button', { name: 'Rename' }).click()
    const renamed = page.getByRole('article', { name: 'Bought in 2026' })
    await renamed.getByRole('button', { name: 'Export' }).click()
    await dialog.getByLabel('Password', { exact: true }).fill('other')
    const saving = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Download' }).click()
    const saved = await (await saving).path()
    expect(readFileSync(saved).length).toBeGreaterThan(1000)
    const read = await outside.openssl('pkcs12', '-in', saved, '-passin', 'pass:other', '-nodes')
    expect(read).toContain('friendlyName: Bought in 2026')

    await renamed.getByRole('button', { name: 'Unassign' }).click()
    await renamed.getByText('No virtual server serves it').waitFor()
    await expect.poll(seen).not.toMatch(/subject=.*Imported/)
    await renamed.getByRole('button', { name: 'Delete' }).click()
    const row = page.getByRole('row', { name: /Bought in 2026/ })
    await row.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await row.click()
    await renamed.getByRole('button', { name: 'Delete' }).click()
    // The change is sent when the page closes, too.
    await page.goto('about:blank')
    await expect.poll(async () => (await http.request('certificates/Bought%20in%202026')).status).toBe(404)
  })

  /** Drops a file on the page. */
  const drop = async (page: Page, on: string, name: string): Promise<void> => {
    const octets = readFileSync(outside.path(name)).toString('base64')
    const dataTransfer = await page.evaluateHandle(
      `(() => {
        const files = new DataTransfer()
        files.items.add(new File([Uint8Array.from(atob('${octets}'), (one) => one.charCodeAt(0))], '${name}'))
        return files
      })()`,
    )
    await page.locator(on).dispatchEvent('drop', { dataTransfer })
  }

  /** Makes a key and a certificate of the outside authority, as files that end in .pem and .pfx. */
  const buy = async (name: string): Promise<void> => {
    await outside.openssl(
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`],
      ...['-subj', `/O=${name}/CN=localhost`, '-out', `${name}.csr`],
    )
    await outside.sign('outside', `${name}.csr`, `${name}.crt`)
    outside.write(`${name}.pem`, outside.text(`${name}.crt`) + outside.text(`${name}.key`))
    const pfx = ['-export', '-in', `${name}.crt`, '-inkey', `${name}.key`, '-passout', 'pass:secret']
    await outside.openssl('pkcs12', ...pfx, '-out', `${name}.pfx`)
  }

  it('a file that is dropped on the page is imported', async () => {
    await buy('Dropped')
    await using page = await browser.open(http.base, '/certificates')
    await page.locator('.certificates table').first().waitFor()
    await drop(page, '.certificates', 'Dropped.pem')
    const dialog = page.getByRole('dialog', { name: 'Import' })
    await dialog.getByText('Dropped.pem').waitFor()
    await dialog.getByText('The file has a private key.').waitFor()
    await dialog.getByLabel('Friendly name').fill('Dropped')
    await dialog.getByRole('button', { name: 'Import' }).click()
    await page.getByRole('article', { name: 'Dropped' }).getByText('O=Dropped').first().waitFor()
  })

  it.each(['cer', 'p7b'])('a .%s file that is dropped on the wizard answers the pending request', async (ending) => {
    const { body } = await http.request('requests', {
      json: { for: 'imap4', commonName: 'localhost', organization: ending, key: 'p256' },
    })
    outside.write(`${ending}.csr`, body.pem)
    await outside.sign('outside', `${ending}.csr`, 'answer.crt')
    const convert = {
      cer: ['x509', '-in', 'answer.crt', '-outform', 'DER'],
      p7b: ['crl2pkcs7', '-nocrl', '-certfile', 'answer.crt', '-certfile', 'outside.pem', '-outform', 'DER'],
    }[ending]
    await outside.openssl(...(convert ?? []), '-out', `answer.${ending}`)
    await using page = await browser.open(http.base, '/certificates/wizard?server=default-imap4-virtual-server')
    await page.getByText('A request is pending.').waitFor()
    await drop(page, '.wizard', `answer.${ending}`)
    await page.getByText(`answer.${ending} is chosen.`).waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText(`answer.${ending} is chosen.`).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Check the certificate' }).waitFor()
    await page.getByText(`CN=localhost, O=${ending}`).waitFor()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('The certificate is installed.').waitFor()
    await expect.poll(seen).toMatch(new RegExp(`subject=.*${ending}`))
  })

  it.each(['pem', 'pfx'])('a .%s file that is dropped on the wizard is imported and assigned', async (ending) => {
    const name = `Wizard-${ending}`
    await buy(name)
    await using page = await browser.open(http.base, '/certificates/wizard?server=default-imap4-virtual-server')
    await page.getByRole('button', { name: 'Next' }).waitFor()
    await drop(page, '.wizard', `${name}.${ending}`)
    await page.getByText(`${name}.${ending} is chosen.`).waitFor()
    if (ending === 'pfx') {
      await page.getByRole('button', { name: 'Next' }).click()
      await page
        .getByRole('alert')
        .getByText(/password/i)
        .waitFor()
      await page.getByLabel('Password').fill('secret')
    }
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText(`CN=localhost, O=${name}`).waitFor()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('The certificate is installed.').waitFor()
    await expect.poll(seen).toMatch(new RegExp(`subject=.*${name}`))
  })

  it('the wizard shows a certificate before it imports it, with its warnings, and says why another one is refused', async () => {
    const key = ['-newkey', 'rsa:1024', '-nodes', '-keyout', 'weak.key', '-subj', '/O=Weak/CN=localhost']
    await outside.openssl('req', '-new', ...key, '-out', 'weak.csr')
    const pem = async (file: string, authority: string, issuer: string): Promise<void> => {
      await outside.sign(authority, 'weak.csr', 'weak.crt')
      outside.write(file, ['weak.crt', 'weak.key', issuer].map((one) => outside.text(one)).join(''))
    }
    await outside.outsideAuthority('stranger')
    await pem('good.pem', 'outside', 'outside.pem')
    await pem('wrong-issuer.pem', 'outside', 'stranger.pem')
    // A second authority with the same name and another key.
    const signer = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'twin.key', '-subj', '/O=Outside/CN=outside']
    await outside.openssl('req', '-x509', ...signer, '-days', '20', '-out', 'twin.pem')
    await pem('wrong-signature.pem', 'outside', 'twin.pem')
    const expired = ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z']
    await outside.sign('outside', 'weak.csr', 'weak.crt', ...expired)
    outside.write('expired.pem', ['weak.crt', 'weak.key'].map((one) => outside.text(one)).join(''))

    await using page = await browser.open(http.base, '/certificates/wizard?server=default-imap4-virtual-server')
    const next = () => page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Import a certificate from a file').click()
    await next()
    for (const [file, why] of [
      ['wrong-issuer.pem', /the issuer is wrong: localhost was issued by outside, but the file contains stranger/],
      ['wrong-signature.pem', /the signature of localhost is wrong: it names outside as its issuer/],
    ] as const) {
      await page.getByLabel('File').setInputFiles(outside.path(file))
      await next()
      await page.getByRole('alert').getByText(why).waitFor()
    }
    await page.getByLabel('File').setInputFiles(outside.path('expired.pem'))
    await next()
    await page.getByRole('alert').getByText('expired on 2020-02-01').waitFor()
    await page.getByLabel('Accept a certificate that has expired').check()
    await next()
    await page.getByText('the certificate expired on 2020-02-01').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByLabel('File').setInputFiles(outside.path('good.pem'))
    await next()
    await page.getByRole('heading', { name: 'Check the certificate' }).waitFor()
    expect(await page.locator('.wizard-summary > div').allTextContents()).toEqual(
      expect.arrayContaining([
        'SubjectCN=localhost, O=Weak',
        'Nameslocalhost',
        'IssuerCN=outside, O=Outside',
        'KeyRSA 1024',
        'Chainoutside',
        'Served byDefault IMAP4 Virtual Server',
      ]),
    )
    await page.getByText('Apple clients and OpenSSL 3.2 and later refuse it').waitFor()
    expect(await seen()).not.toMatch(/subject=.*Weak/)
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByText('good.pem is chosen.').waitFor()
    await next()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('The certificate is installed.').waitFor()
    await expect.poll(seen).toMatch(/subject=.*Weak/)
  })

  it('the pages judge certificates by the clock of the lab', async () => {
    await http.request('certificates', { json: { for: 'smtp', friendlyName: 'Month', key: 'p256', days: 30 } })
    const servers = await browser.open(http.base, '/servers')
    const row = servers.getByRole('row', { name: /SMTP.*Month/ })
    await row.getByText('29 days').waitFor()
    await http.request('clock', { method: 'PATCH', json: { advance: '27d' } })
    await row.getByText('2 days').waitFor()
    const certificates = await browser.open(http.base, '/certificates')
    await certificates.getByRole('row', { name: /Month.*2 days/ }).waitFor()
    await http.request('clock', { method: 'PATCH', json: { advance: '10d' } })
    await row.getByText('expired').waitFor()
    await certificates.getByRole('row', { name: /Month.*expired/ }).waitFor()
    const authority = (await http.request('certificates/Month')).body.issuedBy
    const issued = await browser.open(http.base, `/authorities/${encodeURIComponent(authority)}`)
    await issued
      .getByRole('row', { name: /days ago expired/ })
      .first()
      .waitFor()
    await http.request('clock', { method: 'PATCH', json: { reset: true } })
    await row.getByText('29 days').waitFor()
    await certificates.getByRole('row', { name: /Month.*29 days/ }).waitFor()
    await http.request('certificates/unassign', { json: { for: 'smtp' } })
    for (const page of [servers, certificates, issued]) await page.context().close()
  })

  it('a virtual server serves a defective certificate, and a good one again', async () => {
    await using page = await browser.open(http.base, '/certificates')
    const serve = async (choice: string): Promise<void> => {
      const row = page.getByRole('row', { name: /IMAP4.*Serve a defective/ })
      await row.getByRole('button', { name: 'Serve a defective certificate' }).click()
      await page.getByRole('dialog').getByLabel('Defect').selectOption(choice)
      if (choice === 'expired') await page.getByRole('dialog').getByText('It expired yesterday.').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Serve' }).click()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await serve('expired')
    await expect.poll(seen).toContain('certificate has expired')
    await serve('auto')
    await expect.poll(seen).not.toContain('certificate has expired')
  })

  it('the rail counts the certificates that are served and expire within 14 days', async () => {
    await http.request('certificates', { json: { for: 'imap4', friendlyName: 'Short', key: 'p256', days: 5 } })
    await using page = await browser.open(http.base, '/mail')
    await page.getByRole('link', { name: /Certificates.*1 item needs attention/ }).click()
    await page.getByRole('row', { name: /Short.*4 days/ }).waitFor()
    await http.request('certificates/unassign', { json: { for: 'imap4' } })
    await page.locator('.rail-badge').waitFor({ state: 'detached' })
  })

  it('the wizard requests a certificate by mouse, an outside authority signs, and the answer is served', async () => {
    const permissions = ['clipboard-read', 'clipboard-write']
    await using page = await browser.open(http.base, '/certificates/wizard?server=default-imap4-virtual-server', {
      permissions,
    })
    const next = () => page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Create a new certificate').click()
    await next()
    await page.getByText('Prepare the request now, send it later').click()
    await next()
    await page.getByLabel('Friendly name').fill('Outside')
    await page.getByLabel('Key and bit length').selectOption('rsa-2048')
    await next()
    await page.getByLabel('Organization', { exact: true }).fill('Example')
    await page.getByLabel('Organizational unit').fill('Mail')
    await next()
    await page.getByLabel('Common name').fill('nowhere.invalid')
    await page.getByRole('status').getByText('nowhere.invalid').waitFor()
    await page.getByLabel('Common name').fill('localhost')
    await page.getByRole('status').getByText('resolves to this virtual server').waitFor()
    await next()
    await page.getByLabel('Country').fill('Japan')
    await next()
    // The problem is at its field, and what has been entered stays.
    await page.locator('.field.bad', { hasText: 'Country' }).getByText(/JP/).waitFor()
    await page.getByLabel('Country').fill('JP')
    await page.getByLabel('Locality').fill('Minato')
    await next()
    await page.getByRole('button', { name: 'Change: Organizational unit' }).click()
    await expect.poll(() => page.getByLabel('Organizational unit').inputValue()).toBe('Mail')
    await page.getByLabel('Organizational unit').fill('Post')
    for (const heading of ['Common name of the site', 'Geography', 'Summary']) {
      await next()
      await page.getByRole('heading', { name: heading }).waitFor()
    }
    await page.getByRole('button', { name: 'Finish' }).click()
    const copy = page.getByRole('button', { name: 'Copy the request' })
    await expect.poll(() => copy.isVisible()).toBe(true)
    await copy.click()
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^-----BEGIN (NEW )?CERTIFICATE REQUEST-----/)
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download certreq.txt' }).click()
    const saved = await saving
    expect(saved.suggestedFilename()).toBe('certreq.txt')
    await saved.saveAs(outside.path('certreq.txt'))
    expect(await outside.openssl('req', '-in', 'certreq.txt', '-noout', '-subject', '-nameopt', 'RFC2253')).toContain(
      'CN=localhost,OU=Post,O=Example,L=Minato,C=JP',
    )
    await outside.sign('outside', 'certreq.txt', 'answer.cer')

    await page.getByRole('link', { name: 'Back to the list' }).click()
    await page.getByRole('button', { name: 'Process' }).click()
    await next()
    await page.getByLabel('File').setInputFiles(outside.path('answer.cer'))
    await next()
    await page.locator('.wizard-summary').getByText('CN=outside, O=Outside').waitFor()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('The certificate is installed.').waitFor()
    await page
      .getByText(/openssl s_client .*-showcerts/)
      .first()
      .waitFor()
    // The lab does not know the outside authority, so that all clients refuse the certificate until they do.
    await page.getByRole('row', { name: /Thunderbird.*SEC_ERROR_UNKNOWN_ISSUER/ }).waitFor()
    await expect.poll(seen).toMatch(/subject=.*Post.*localhost/)
    expect(await seen()).toMatch(/issuer=.*outside/)
  })

  it('the wizard issues a certificate by keyboard alone', async () => {
    await using page = await browser.open(http.base, '/certificates/wizard?server=default-smtp-virtual-server')
    const { keyboard } = page
    // A page is ready for keys when its first field has the focus.
    const heading = async (name: string): Promise<void> => {
      await page.getByRole('heading', { name, exact: true }).waitFor()
      await page.locator('form :focus').waitFor()
    }
    await heading('Welcome to the certificate wizard')
    await keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Pending requests' }).or(page.locator('.certificates-overview')).waitFor()
    await page.goBack()
    await heading('Welcome to the certificate wizard')
    await page.getByRole('radio', { name: 'Create a new certificate' }).focus()
    await keyboard.press('Enter')
    await heading('Now or later')
    // An authority of the lab is chosen: Next to the end gives a certificate.
    const choice = page.getByRole('radio', { name: /Send it to Sealpost Lab Root CA/ })
    await expect.poll(() => choice.isChecked()).toBe(true)
    await keyboard.press('Enter')
    await heading('Name and key')
    await keyboard.type('By keyboard')
    await keyboard.press('Enter')
    await heading('Organization')
    await keyboard.press('Alt+ArrowLeft')
    await heading('Name and key')
    await expect.poll(() => page.getByLabel('Friendly name').inputValue()).toBe('By keyboard')
    await keyboard.press('Enter')
    await heading('Organization')
    await keyboard.type('Keys')
    await keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Leave the wizard?' }).getByRole('button', { name: 'Stay' }).press('Enter')
    await page.getByLabel('Organization', { exact: true }).press('Enter')
    await heading('Common name of the site')
    await keyboard.press('Enter')
    await heading('Geography')
    await keyboard.press('Enter')
    await heading('Summary')
    // The lab fills in what nobody entered.
    const rows = await page.locator('.wizard-summary > div').allTextContents()
    expect(rows.join('\n')).toContain('Common namelocalhost')
    await keyboard.press('Enter')
    await page.getByText('The certificate is installed.').waitFor()
    const verdict = (name: RegExp) => page.getByRole('row', { name }).first().waitFor()
    await verdict(/openssl s_client accepts Verify return code: 0 \(ok\) refuses Verify return code: 21/)
    await verdict(/Thunderbird accepts refuses SEC_ERROR_UNKNOWN_ISSUER/)
    const port = http.lab.server('smtp').tlsPort
    const answer = await sClient(['-connect', `127.0.0.1:${port}`, '-servername', 'localhost'], 'QUIT\r\n')
    expect(answer).toMatch(/subject=.*Keys.*localhost/)
  })

  it('a change is shown although an older answer arrives after it', async () => {
    const { thumbprint } = (await http.request('certificates')).body.items[0]
    await using page = await browser.open(http.base, '/certificates')
    let release = (): void => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    let reads = 0
    const isRead = new Promise<void>((resolve) => {
      void page.route(`**/api/v1/certificates/${thumbprint}`, async (route) => {
        if (reads++ > 0) return route.continue()
        const response = await route.fetch()
        resolve()
        await isReleased
        await route.fulfill({ response })
      })
    })
    await page.goto(`${http.base}/certificates/${thumbprint}`)
    await isRead
    await page.getByText('live', { exact: true }).waitFor()
    const json = { friendlyName: 'Changed' }
    expect((await http.request(`certificates/${thumbprint}`, { method: 'PATCH', json })).status).toBe(200)
    // Another name is no event, but another time is.
    await http.request('clock', { method: 'PATCH', json: { advance: '1s' } })
    await page.getByRole('article', { name: 'Changed' }).waitFor()
    const isAnswered = page.waitForEvent('requestfinished', (request) => request.url().endsWith(thumbprint))
    release()
    await isAnswered
    // The page handles the answer in the next turns.
    await page.evaluate('new Promise((done) => setTimeout(() => requestAnimationFrame(done), 50))')
    expect(await page.getByRole('article').getAttribute('aria-label')).toBe('Changed')
  })

  it('no page has complained or asked another origin for anything', () => {
    expect(browser.foreign).toEqual([])
    // The browser itself reports the answers that a test wants, such as a wrong password.
    expect(browser.complaints.filter((one) => !one.startsWith('Failed to load resource'))).toEqual([])
  })
})
