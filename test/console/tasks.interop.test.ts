import { readFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { corpus } from '../support/corpus.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'
import { Person } from './tasks/person.ts'
import { tasks } from './tasks/tasks.ts'

const WIDTHS = [1360, 390]
const MOST_CLICKS = 6
const DAY_MS = 86_400_000

/** The list of the tasks for people. */
const documented = readFileSync(new URL('../../docs/console.md', import.meta.url), 'utf8').split('\n')

describe.skipIf(!hasChromium)('what people choose a lab for', () => {
  let outside: HttpLab
  let http: HttpLab
  const browser = ConsoleBrowser.ofTests()
  const rows: { task: string; width: number; clicks: number; keys: number }[] = []

  beforeAll(async () => {
    outside = await HttpLab.start({ virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }] })
    const users = ['alice', 'bob', ...WIDTHS.map((width) => `trash-${width}`)]
    http = await HttpLab.start({
      directory: { accounts: users.map((user) => ({ user, password: 'secret' })) },
      certificates: { service: { port: 0, tlsPort: 0 } },
      outgoing: {
        connectors: [
          {
            name: 'Outside',
            domains: ['example.com'],
            smartHost: { host: '127.0.0.1', port: outside.lab.server('smtp').port as number, tls: 'none' },
          },
        ],
      },
      news: { groups: [{ name: 'lab.general' }] },
      virtualServers: [
        { protocol: 'smtp' },
        { protocol: 'pop3' },
        { protocol: 'imap4' },
        { protocol: 'nntp' },
        { protocol: 'http', providers: ['sendgrid'] },
      ],
    })
    const { lab } = http
    await http.request('clock', { method: 'PATCH', json: { now: new Date(Date.now() - DAY_MS).toISOString() } })
    for (const [index, { raw }] of corpus().slice(0, 40).entries()) await lab.deliver(raw, index % 3 ? 'alice' : 'bob')
    const attachments = [{ filename: 'report.txt', content: 'All is well.' }]
    await lab.deliver(
      { from: 'anna@team.test', to: 'bob@lab.test', subject: 'Report of yesterday', text: 'See it.', attachments },
      'bob',
    )
    await http.request('clock', { method: 'PATCH', json: { reset: true } })
    await lab.deliver(
      { from: 'anna@team.test', to: 'bob@lab.test', subject: 'Report of today', text: 'See it.', attachments },
      'bob',
    )
    for (const user of users.slice(2))
      for (const n of [1, 2, 3]) await lab.deliver({ from: 'a@app.test', subject: `Old ${n}`, text: 'Old' }, user)
    const html = '<h1>Your order</h1><p>It is on its way. <a href="https://lab.test/">Show</a></p>'
    for (const n of [1, 2])
      await lab.deliver({ from: 'cron@app.test', subject: `Weekly report ${n}`, text: `Week ${n}`, html }, 'alice')
    const smtp = createTransport({ ...lab.nodemailer('bob') })
    await smtp.sendMail({ from: 'bob@lab.test', to: 'alice@lab.test', subject: 'From bob', text: 'Hello' })
    await smtp.sendMail({ from: 'shop@app.test', to: 'customer@example.com', subject: 'For a customer', text: 'Hello' })
    smtp.close()
    await lab.deliver({ from: 'Shop <shop@app.test>', subject: 'Your order 4711', text: 'On its way.', html }, 'alice')
    await http.request('/sendgrid/v3/mail/send', {
      headers: { authorization: 'Bearer SG.key' },
      json: {
        personalizations: [{ to: [{ email: 'alice@lab.test' }] }],
        from: { email: 'shop@app.test' },
        subject: 'By SendGrid',
        content: [{ type: 'text/plain', value: 'Hello' }],
      },
    })
  })
  afterAll(async () => {
    const table = tasks.map(({ name }) => [
      name,
      ...WIDTHS.map((width) => {
        const row = rows.find((one) => one.task === name && one.width === width)
        return row ? `${row.clicks} / ${row.keys}` : '–'
      }),
    ])
    console.log(
      table
        .map(([name = '', ...counts]) => `${name.padEnd(60)}${counts.map((one) => one.padStart(10)).join('')}`)
        .join('\n'),
    )
    await http?.[Symbol.asyncDispose]()
    await outside?.[Symbol.asyncDispose]()
  })

  const cases = WIDTHS.flatMap((width) => tasks.map((task) => [task.name, width, task] as const))
  it.each(cases)('%s, at %d px', { timeout: 120_000 }, async (_, width, task) => {
    await using page = await browser.open(http.base, '/', { viewport: { width, height: 800 }, acceptDownloads: true })
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    page.setDefaultTimeout(60_000)
    await page.locator('.mail-row').first().waitFor()
    const person = new Person(page, width)
    await task.run(person, http)
    rows.push({ task: task.name, width, clicks: person.clicks, keys: person.keys })
    const cells = documented.find((line) => line.startsWith(`| ${task.name} |`))?.split('|') ?? []
    expect(Number(cells[3 + WIDTHS.indexOf(width)]), 'the clicks in docs/console.md').toBe(person.clicks)
    if (!task.isWizard) expect(person.clicks).toBeLessThanOrEqual(MOST_CLICKS)
  })
})
