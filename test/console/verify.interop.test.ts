import { readFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { readJunit, readSarif } from '../support/report-formats.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('the page of verify and audit', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await consoleLab({
      virtualServers: [
        { protocol: 'smtp', tlsPort: 'off' },
        { protocol: 'imap4', name: 'Old Mail', port: 'off', certificate: { defect: 'expired' } },
        { protocol: 'http', tlsPort: 'off' },
      ],
    })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  /** Downloads a report of the job that is open. */
  async function download(page: Page, name: string): Promise<string> {
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name }).click()
    return readFileSync(await (await saving).path(), 'utf8')
  }

  it('verifies chosen checks of virtual servers, explains a failure, and offers the reports', async () => {
    await using page = await browser.open(http.base, '/verify')
    await page.getByText('Nothing has run yet').waitFor()
    await page.getByRole('button', { name: 'Choose what to verify…' }).click()
    await page.getByRole('checkbox', { name: /Default HTTP Virtual Server/ }).uncheck()
    await page.getByRole('radio', { name: 'Only some' }).check()
    for (const name of ['reachable', 'certificate chain', 'certificate dates']) {
      await page.getByRole('checkbox', { name, exact: true }).check()
    }
    await page.getByRole('button', { name: 'Verify', exact: true }).click()

    const job = page.getByRole('article', { name: 'verify-1' })
    await job.getByText('done', { exact: true }).waitFor()
    const row = job.getByRole('row', { name: /certificate dates/ })
    await expect
      .poll(() => row.getByRole('button').allInnerTexts())
      .toEqual([expect.stringMatching(/^pass/), expect.stringMatching(/^fail/)])
    // j opens the next problem.
    await page.keyboard.press('j')
    const detail = page.getByRole('complementary', { name: 'certificate dates' })
    await detail.getByText(/expired on/).waitFor()
    await detail.getByText('Clients refuse certificates that have expired').waitFor()
    await detail.getByRole('link', { name: 'Open the certificate wizard' }).waitFor()
    await expect.poll(() => page.url()).toMatch(/\/verify\/verify-1\?cell=dates%401$/)
    // Arrow keys move between cells, and Enter opens one.
    await row.getByRole('button', { name: /^fail/ }).focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary').getByText('Default SMTP Virtual Server', { exact: false }).waitFor()
    await page.reload()
    await page.getByRole('complementary', { name: 'certificate dates' }).waitFor()

    const { testsuite = [] } = await readJunit(await download(page, 'JUnit XML'))
    expect(testsuite).toMatchObject([{ failures: 0 }, { failures: 1 }])
    const sarif = readSarif(await download(page, 'SARIF'))
    expect(sarif.runs[0]?.results).toMatchObject([{ ruleId: 'dates', level: 'error' }])
    expect(JSON.parse(await download(page, 'JSON'))).toMatchObject({ ok: false, counts: { fail: 1 } })

    await page.getByRole('button', { name: '1 failed' }).click()
    await expect.poll(() => job.getByRole('rowheader').allInnerTexts()).toEqual(['Certificate', 'certificate dates'])
    await page.getByRole('button', { name: 'Run again' }).click()
    const repeated = page.getByRole('article', { name: 'verify-2' })
    await repeated.getByText('done', { exact: true }).waitFor()
    await repeated.getByRole('button', { name: '1 failed' }).waitFor()
    await page.keyboard.press('u')
    await page
      .getByRole('row', { name: /verify-1/ })
      .getByText('1 failed')
      .waitFor()
    expect(browser.complaints).toEqual([])
  })

  it('shows findings while a verify runs, and cancels it', async () => {
    const fault = { when: { on: 'connect', protocol: 'smtp' }, do: { silence: true } }
    const { id: faultId } = (await http.request('faults', { json: fault })).body
    await using page = await browser.open(http.base, '/verify')
    await page.getByRole('button', { name: 'Verify all virtual servers' }).click()
    const row = page.getByRole('row', { name: /^reachable/ })
    await row.getByRole('button', { name: /^pass/ }).first().waitFor()
    await page.getByRole('progressbar').waitFor()
    await page.getByRole('button', { name: 'Cancel the job' }).click()
    await page.getByText('cancelled', { exact: true }).waitFor()
    // Earlier findings stay.
    await row.getByRole('button', { name: /^pass/ }).first().waitFor()
    await http.request(`faults/${faultId}`, { method: 'DELETE' })
  })

  it('says why a host may not be verified', async () => {
    await using page = await browser.open(http.base, '/verify/new')
    await page.getByRole('radio', { name: 'Another server' }).check()
    await page.getByLabel('Host', { exact: true }).fill('mail.example.test')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByRole('alert').getByText('add mail.example.test to `testing.verify.targets`').waitFor()
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining('403')])
  })

  it('lists the names of bad servers, and shows the steps after an audit without a client', async () => {
    await using page = await browser.open(http.base, '/verify/new/audit')
    await page.getByRole('checkbox', { name: /Immediately/ }).uncheck()
    await page.getByText('Choose from the list').click()
    await page.getByRole('checkbox', { name: 'expired' }).check()
    await page.getByRole('checkbox', { name: 'weak-key', exact: true }).check()
    expect(await page.getByLabel('Only these').inputValue()).toBe('expired, weak-key')
    await page.getByRole('button', { name: 'Open the servers' }).click()
    const rows = page.locator('.audit-targets tbody tr')
    await rows.filter({ hasText: 'weak-key' }).waitFor()
    const id = new URL(page.url()).pathname.split('/').at(-1)
    await http.request(`jobs/${id}/results`, { json: {} })
    await page.getByRole('list', { name: 'Steps of an audit' }).getByText('Begin with the good server').waitFor()
    await page.getByText(/but it did not connect/).waitFor()
    expect(await page.locator('.verify-job').textContent()).not.toMatch(/\{\w+\}/)
  })

  it('opens bad servers, shows the client as it comes, and judges it', async () => {
    await using page = await browser.open(http.base, '/verify/new/audit')
    await page.getByRole('checkbox', { name: /Immediately/ }).uncheck()
    await page.getByLabel('Only these').fill('expired, starttls-stripped')
    await page.getByRole('button', { name: 'Open the servers' }).click()
    const rows = page.locator('.audit-targets tbody tr')
    await rows.filter({ hasText: 'waiting' }).nth(2).waitFor()
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const { ca, items } = (await http.request(`jobs/${id}/targets`)).body
    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: 'audit-ca.pem' }).click()
    expect(readFileSync(await (await saving).path(), 'utf8')).toBe(ca)

    // A client that goes on in clear text.
    for (const { name, address, port, hostname, user, password } of items) {
      const row = rows.filter({ has: page.getByText(name, { exact: true }) })
      await row.getByText(`${address}:${port}`).waitFor()
      const transport = createTransport({
        host: address,
        port,
        opportunisticTLS: true,
        tls: { ca, servername: hostname },
        auth: { user, pass: password },
      })
      await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', text: 'hello' }).catch(() => {})
      await row.getByText('connected', { exact: true }).waitFor()
    }
    await page.getByText('The client has connected to 3 of 3.').waitFor()
    await page.getByRole('button', { name: 'Judge the client' }).click()
    await page
      .getByRole('row', { name: /^starttls-stripped/ })
      .getByRole('button', { name: /^unsafe/ })
      .click()
    const detail = page.getByRole('complementary', { name: 'starttls-stripped' })
    await detail.getByText(/^sent in clear text: AUTH PLAIN/).waitFor()
    await detail.getByText('A safe client refuses it.').waitFor()
    await detail.getByText(/^Transcript: /).click()
    await detail
      .getByText(/AUTH PLAIN \*/)
      .first()
      .waitFor()
    await page
      .getByRole('row', { name: /^expired/ })
      .getByRole('button', { name: /^safe/ })
      .waitFor()
    const sarif = readSarif(await download(page, 'SARIF'))
    expect(sarif.runs[0]?.results).toMatchObject([{ ruleId: 'starttls-stripped' }])
    expect(browser.complaints).toEqual([])
  })
})
