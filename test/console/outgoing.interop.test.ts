import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { createTransport } from 'nodemailer'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { type Host, startHost } from '../transport/outgoing/client/hosts.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

/** The first attempt loads the client, which takes a while on a busy machine. */
const LONG = { timeout: 15_000 }

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(!hasChromium)('the page of outgoing mail', () => {
  let http: HttpLab
  let host: Host
  let isBusy = false
  beforeAll(async () => {
    host = await startHost({
      onRcptTo(_address, _session, done) {
        done(isBusy ? Object.assign(new Error('4.7.1 Greylisted'), { responseCode: 451 }) : null)
      },
    })
    const smartHost = { host: '127.0.0.1', port: host.port, tls: 'none' as const }
    http = await consoleLab({
      connectors: [
        { name: 'Default SMTP Connector', smartHost, deny: ['ceo@*'] },
        { name: 'Developers', domains: ['dev.test'], smartHost, rewrite: { to: 'safe@dev.test' } },
      ],
    })
  })
  afterAll(async () => {
    await http?.[Symbol.asyncDispose]()
    await host?.[Symbol.asyncDispose]()
  })
  const browser = ConsoleBrowser.ofTests()

  /** Sends mail to the lab, which captures it, and opens the dialog that releases it. */
  async function openRelease(to: string): Promise<Page> {
    const transport = createTransport(http.lab.nodemailer('alice'))
    await transport.sendMail({ from: 'alice@lab.test', to, subject: `To ${to}`, text: 'Hello' })
    const { id } = (await http.request('messages?limit=1')).body.items[0]
    const page = await browser.open(http.base, `/mail/${id}`)
    await page.getByRole('button', { name: 'Release…' }).click()
    return page
  }

  async function expectAccessible(page: Page): Promise<void> {
    await page.evaluate(axe)
    const { violations } = await page.evaluate<AxeResults>('axe.run()')
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  }

  it('releases a message, shows it live in the queue, tries again and deletes', async () => {
    isBusy = true
    await using queue = await browser.open(http.base, '/outgoing')
    await queue.getByText('The queue is empty').waitFor()
    await using page = await openRelease('customer@example.test')
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/to customer@example.test by Default SMTP Connector/).waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Release' }).click()
    await page.getByText('Queued for customer@example.test').waitFor()

    const row = queue.getByRole('row', { name: /customer@example.test/ })
    await row.getByText('Greylisted').waitFor()
    await row.click()
    const details = queue.locator('.details')
    await details.getByRole('link', { name: 'Session' }).waitFor()
    await expectAccessible(queue)
    await details.getByRole('button', { name: 'Hold' }).click()
    await row.getByText('held').waitFor()
    isBusy = false
    await details.getByRole('button', { name: 'Try now' }).click()
    await queue.getByText('The queue is empty').waitFor()
    await http.lab.waitForSent('customer@example.test', LONG)

    isBusy = true
    await http.request('messages/release', { json: { query: 'subject:customer' } })
    await row.getByText('Greylisted').waitFor()
    await row.getByRole('button', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
    await queue.goto('about:blank')
    await expect.poll(async () => (await http.request('queue')).body.total).toBe(0)
  })

  it('says in words why a message cannot be released, and what a connector changes', async () => {
    isBusy = false
    await using page = await openRelease('someone@dev.test')
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/to safe@dev.test by Developers/).waitFor()
    await dialog.getByText(/in place of someone@dev.test/).waitFor()
    await dialog.getByLabel('Recipients').fill('ceo@example.test')
    await dialog.getByText(/sends nothing to ceo@example.test \(deny: ceo@\*\)/).waitFor()
    await dialog.getByLabel('Recipients').fill('alice@lab.test')
    await dialog.getByText(/address of the lab itself/).waitFor()
  })

  it('releases several messages of the list, and lists what is refused', async () => {
    isBusy = false
    const transport = createTransport(http.lab.nodemailer('alice'))
    for (const to of ['a@many.test', 'b@many.test', 'ceo@many.test'])
      await transport.sendMail({ from: 'alice@lab.test', to, subject: 'Bulk', text: 'Hello' })
    await using page = await browser.open(http.base, '/mail?q=subject%3Abulk')
    await page.getByRole('button', { name: 'Select all' }).click()
    await page.getByRole('button', { name: 'Release…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Release 3 messages' })
    for (const to of ['a@many.test', 'b@many.test']) await dialog.getByText(`to ${to} by Default`).waitFor()
    await dialog.getByText('1 message is not sent').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Release' }).click()
    await page.getByText('Queued for a@many.test, b@many.test').waitFor()
    for (const to of ['a@many.test', 'b@many.test']) await http.lab.waitForSent(to, LONG)
  })

  it('tests the connection of a connector step by step', async () => {
    await using page = await browser.open(http.base, '/outgoing/connectors/default-smtp-connector')
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('The next host is ready').waitFor()
    await page.locator('.test-steps').getByText('EHLO').waitFor()
    await page.getByRole('link', { name: 'Session' }).last().click()
    await page.getByText('QUIT').first().waitFor()
  })
})
