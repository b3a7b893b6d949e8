import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { expect } from 'vitest'
import type { HttpLab } from '../../servers/http/client.ts'
import { LineClient } from '../../support/line-client.ts'
import { runProgram } from '../../support/run-program.ts'
import type { Person } from './person.ts'

const library = new URL('../../../dist/src/testing/index.js', import.meta.url).href

/** Something that people want of the console, and how they get it. */
export interface Task {
  /** As docs/console.md names it. */
  readonly name: string
  /** The wizard asks one question a page. */
  readonly isWizard?: boolean
  /** Runs from the first page to the result, which it expects. */
  readonly run: (person: Person, http: HttpLab) => Promise<void>
}

/** The days before this one, as a search names them. */
const yesterday = (): string => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)

/** Does something with a folder that is removed afterwards. */
async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'task-'))
  try {
    await act(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Opens the first message of the list whose row has a text. */
const message = (person: Person, subject: string | RegExp) =>
  person.click(person.page.getByRole('listbox', { name: 'Messages' }).getByRole('option', { name: subject }).first())

const suggestion = (person: Person, name: string) =>
  person.page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option', { name })

const dialogOf = (person: Person) => person.page.getByRole('dialog')

/** Opens a part of the page Lab, and the form that adds something to it. */
async function addTo(person: Person, part: string, add: string): Promise<void> {
  await person.goTo('Lab')
  await person.tab(part)
  await person.button(add)
}

const field = (person: Person, label: string) => person.page.getByLabel(label, { exact: true })

/** Shows the difference of a form, applies it, and waits for the row. */
async function apply(person: Person, row: string | RegExp): Promise<void> {
  await person.button('Apply')
  await person.button('Apply', dialogOf(person))
  await person.page.getByRole('row', { name: row }).waitFor()
}

/** Downloads what a click asks for. */
async function saved(person: Person, click: Promise<void>): Promise<string> {
  const [download] = await Promise.all([person.page.waitForEvent('download'), click])
  return readFileSync(await download.path(), 'utf8')
}

/** Returns a name that differs between the widths. */
const own = (person: Person, name: string): string => `${name}-${person.width}`

export const tasks: readonly Task[] = [
  {
    name: 'Find the mail of yesterday to bob with an attachment',
    async run(person) {
      const search = person.page.getByRole('combobox', { name: 'Search mail' })
      await person.type(search, 'to:bob has:attachment on:')
      await person.click(suggestion(person, yesterday()))
      await person.press('Enter')
      await person.page.getByRole('heading', { name: 'All mail 1' }).waitFor()
      await message(person, /Report of yesterday/)
      await person.page.getByRole('heading', { name: 'Report of yesterday' }).waitFor()
    },
  },
  {
    name: 'Copy the code from the newest mail',
    async run(person, http) {
      await http.lab.deliver({ from: 'bank@bank.test', subject: 'Your code', text: 'Enter 482915.' }, 'alice')
      await message(person, /Your code/)
      await person.tab(/^Links/)
      await person.button('Copy', person.page.getByRole('listitem').filter({ hasText: '482915' }))
      expect(await person.page.evaluate('navigator.clipboard.readText()')).toBe('482915')
    },
  },
  {
    name: 'See an HTML mail as on a phone, in its dark version',
    async run(person) {
      await message(person, /Your order 4711/)
      await person.button('375')
      await person.button('Dark')
      await person.page.locator('iframe').first().waitFor()
    },
  },
  {
    name: 'Check a mail for spam, links and HTML support',
    async run(person) {
      await message(person, /Your order 4711/)
      await person.tab('Checks')
      const checks = person.page.getByRole('group', { name: 'Checks' })
      for (const name of ['HTML support', 'Links', 'Spam'])
        await checks.getByRole('button', { name: new RegExp(name) }).waitFor()
    },
  },
  {
    name: 'Read the header of a mail, and save it as .eml',
    async run(person) {
      await message(person, /Your order 4711/)
      await person.tab('Headers')
      await person.page
        .getByRole('cell', { name: 'Message-ID' })
        .or(person.page.getByText('Message-ID'))
        .first()
        .waitFor()
      expect(await saved(person, person.button('Download'))).toContain('Subject: Your order 4711')
    },
  },
  {
    name: 'See by which API of a provider a mail was sent',
    async run(person) {
      const search = person.page.getByRole('combobox', { name: 'Search mail' })
      await person.type(search, 'sent-by:')
      await person.click(suggestion(person, 'sent-by:sendgrid'))
      await person.press('Enter')
      await person.page.getByRole('heading', { name: 'All mail 1' }).waitFor()
      await message(person, /SendGrid/)
      await person.page.getByText('Sent by', { exact: true }).waitFor()
    },
  },
  {
    name: 'Send a mail',
    async run(person, http) {
      await person.button('New message')
      await person.type(dialogOf(person).getByLabel('To', { exact: true }), 'bob')
      await person.type(dialogOf(person).getByLabel('Subject'), own(person, 'Composed'))
      await person.button('Send', dialogOf(person))
      await expect
        .poll(async () => (await http.request(`messages?query=subject:${own(person, 'Composed')}`)).body.total, {
          timeout: 60_000,
        })
        .toBeGreaterThan(0)
    },
  },
  {
    name: 'Release a captured mail',
    async run(person) {
      await message(person, /For a customer/)
      await person.button('Release…')
      await person.button('Release', dialogOf(person))
      await person.page
        .getByText(/customer@example\.com/)
        .last()
        .waitFor()
    },
  },
  {
    name: 'Bounce a mail to its sender',
    async run(person) {
      await message(person, /From bob/)
      await person.button('Report to the sender…')
      await person.button('Send', dialogOf(person))
      await person.page.getByText('The report to bob@lab.test is sent at').waitFor()
    },
  },
  {
    name: 'Compare two mails',
    async run(person) {
      await message(person, /Weekly report 2/)
      await person.button('Compare with…')
      await dialogOf(person).locator('ins').first().waitFor()
    },
  },
  {
    name: 'Import an mbox file',
    run: (person, http) =>
      inFolder(async (folder) => {
        const file = join(folder, 'old.mbox')
        const subject = own(person, 'Imported')
        writeFileSync(file, `From a@lab.test Sat Nov 25 16:40:00 2026\nSubject: ${subject}\n\nHello\n`)
        await person.button('Import messages')
        await person.pick(dialogOf(person).getByLabel('Files'), file)
        await person.button('Import messages', dialogOf(person))
        await person.page.getByText('1 message is imported').waitFor()
        expect((await http.request(`messages?query=subject:${subject}`)).body.total).toBe(1)
      }),
  },
  {
    name: 'Export all mail that a search finds',
    async run(person) {
      await person.type(person.page.getByRole('combobox', { name: 'Search mail' }), 'subject:weekly')
      await person.press('Enter')
      await person.page.getByRole('heading', { name: 'All mail 2' }).waitFor()
      await person.button('Select all')
      const text = await saved(person, person.button('Download'))
      expect(text.match(/^From /gm)).toHaveLength(2)
    },
  },
  {
    name: 'Find out why a handshake failed',
    async run(person, http) {
      const { tlsPort } = http.lab.server('imap4')
      const args = ['s_client', '-connect', `127.0.0.1:${tlsPort}`, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']
      await runProgram('openssl', args, { input: '' })
      await person.goTo('Sessions')
      await person.click(
        person.page
          .locator('.session-rows')
          .getByRole('button', { name: /IMAP4.*refused/ })
          .first(),
      )
      await person.page.getByRole('heading', { name: 'The TLS handshake failed' }).waitFor()
      await person.page.getByText('Allow a version that the client offers').waitFor()
    },
  },
  {
    name: 'Watch a session while it is open',
    async run(person, http) {
      const client = await LineClient.openTls(http.lab.server('imap4').tlsPort ?? 0, http.lab.ca)
      client.send('a1 LOGIN alice secret\r\n')
      await client.lines((line) => line.startsWith('a1 '))
      await person.goTo('Sessions')
      await person.click(
        person.page
          .locator('.session-rows')
          .getByRole('button', { name: /IMAP4.*alice.*open/ })
          .first(),
      )
      await person.page.getByRole('row', { name: /a1 OK/ }).waitFor()
      client.send('a2 SELECT INBOX\r\n')
      await person.page.getByRole('row', { name: /a2 OK/ }).waitFor()
      client.send('a3 LOGOUT\r\n')
      await client.rest()
    },
  },
  {
    name: 'Copy a session as a test, and run it',
    run: (person, http) =>
      inFolder(async (folder) => {
        const client = await LineClient.open(http.lab.server('smtp').port ?? 0)
        client.send('EHLO client.test\r\nNOOP\r\nQUIT\r\n')
        await client.rest()
        await person.goTo('Sessions')
        await person.click(person.page.locator('.session-rows').getByRole('button', { name: /SMTP/ }).first())
        await person.button('Copy as test')
        await person.page.getByText('The test is copied.').waitFor()
        const copied = await person.page.evaluate<string>('navigator.clipboard.readText()')
        const file = join(folder, 'session.test.mjs')
        writeFileSync(file, copied.replace("'sealpost'", `'${library}'`))
        const { status, stdout, stderr } = await runProgram(process.execPath, ['--test', file], { input: '' })
        expect(status, stdout + stderr).toBe(0)
      }),
  },
  {
    name: 'Replace the certificate of IMAP4',
    isWizard: true,
    async run(person) {
      await person.goTo('Certificates')
      await person.button('Change', person.page.getByRole('row', { name: /Default IMAP4 Virtual Server/ }).last())
      const finish = person.page.getByRole('button', { name: 'Finish', exact: true })
      for (let at = 2; await finish.isHidden(); at++) {
        await person.button('Next')
        await person.page.getByText(new RegExp(`· Step ${at} of`)).waitFor()
      }
      await person.click(finish)
      await person.page.getByText('The certificate is installed.').waitFor()
    },
  },
  {
    name: 'Add a fault, and see it hit',
    async run(person, http) {
      await person.goTo('Faults')
      await person.button('Greylisting')
      await person.button('Add a fault')
      const row = person.page.getByRole('row', { name: /greylisting/ }).last()
      await row.waitFor()
      const smtp = http.lab.nodemailer('alice')
      const mail = { from: 'alice@lab.test', to: 'bob@lab.test', subject: 'Greylisted', text: 'Hello' }
      await expect(createTransport(smtp).sendMail(mail)).rejects.toThrow('451')
      await row.getByText('used up').waitFor()
    },
  },
  {
    name: 'Add an account that can log on',
    async run(person, http) {
      const user = own(person, 'carol')
      await addTo(person, 'Accounts', 'Add account')
      await person.type(field(person, 'User'), user)
      await person.type(field(person, 'Password'), 'carols-secret')
      await apply(person, new RegExp(user))
      const smtp = { ...http.lab.nodemailer('alice'), auth: { user, pass: 'carols-secret' } }
      expect(await createTransport(smtp).verify()).toBe(true)
    },
  },
  {
    name: 'Add a tenant',
    async run(person) {
      await addTo(person, 'Tenants', 'Add tenant')
      await person.type(field(person, 'Name'), `run${person.width}`)
      await person.button('Add tenant')
      await person.page.getByRole('row', { name: `run${person.width}` }).waitFor()
    },
  },
  {
    name: 'Add a newsgroup',
    async run(person) {
      await addTo(person, 'Newsgroups', 'Add newsgroup')
      await person.type(field(person, 'Name'), `lab.w${person.width}`)
      await apply(person, new RegExp(`lab\\.w${person.width}`))
    },
  },
  {
    name: 'Add a connector',
    async run(person) {
      await addTo(person, 'Connectors', 'Add connector')
      await person.type(field(person, 'Name'), own(person, 'Relay'))
      await person.type(field(person, 'Smart host'), 'host: 127.0.0.1')
      await apply(person, new RegExp(own(person, 'Relay')))
      // Only one connector can take all other domains.
      await person.page.getByRole('button', { name: 'Undo' }).last().click()
      await person.page.getByRole('row', { name: new RegExp(own(person, 'Relay')) }).waitFor({ state: 'detached' })
    },
  },
  {
    name: 'Add a DNS record',
    async run(person) {
      const zone = `w${person.width}.test`
      await addTo(person, 'DNS', 'Add zone')
      await person.type(field(person, 'Name'), zone)
      await person.type(field(person, 'Records'), '@ MX 10 mail\nmail A 127.0.0.1')
      await apply(person, new RegExp(zone))
    },
  },
  {
    name: 'Add a webhook, and test it',
    async run(person) {
      const server = createServer((request, response) => request.resume().on('end', () => response.end()))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/hook`
      await addTo(person, 'Webhooks', 'Add webhook')
      await person.type(field(person, 'URL'), url)
      await apply(person, new RegExp(url))
      await person.button('Send a test event', person.page.getByRole('row', { name: new RegExp(url) }))
      await person.page
        .getByRole('row', { name: /webhook\.test/ })
        .getByText('delivered')
        .first()
        .waitFor()
      server.close()
    },
  },
  {
    name: 'Change the configuration, read the difference, and undo it',
    async run(person, http) {
      await person.goTo('Lab')
      await person.click(person.page.getByRole('row', { name: /^bob/ }))
      await person.type(field(person, 'Quota'), 'size: 5MiB')
      await person.button('Apply')
      await dialogOf(person).locator('.added', { hasText: 'size: 5MiB' }).waitFor()
      await person.button('Apply', dialogOf(person))
      const changed = person.page.getByRole('row', { name: /^bob/ })
      await changed.waitFor()
      const quota = async () => (await http.lab.quota('bob')).size
      await expect.poll(quota, { timeout: 60_000 }).toBe(5 * 1024 ** 2)
      await person.button('Undo')
      await expect.poll(quota, { timeout: 60_000 }).toBe(undefined)
    },
  },
  {
    name: 'Verify all virtual servers',
    async run(person) {
      await person.goTo('Verify')
      await person.button(/Verify all virtual servers/)
      await person.page.getByText('done', { exact: true }).first().waitFor()
    },
  },
  {
    name: 'Audit a client',
    async run(person, http) {
      await person.goTo('Verify')
      await person.button(/Audit a client…/)
      await person.button('Open the servers')
      const row = person.page.locator('.audit-targets tbody tr').first()
      await row.waitFor({ timeout: 60_000 })
      const { pathname } = new URL(person.page.url())
      const { ca, items } = (await http.request(`jobs/${pathname.split('/').at(-1)}/targets`)).body
      // The client tries the good servers, and those with an expired certificate.
      for (const { name, form, hostname, address, port, user, password } of items) {
        if (name !== 'control' && name !== 'expired') continue
        const tls = { ca, servername: hostname }
        const client = { host: address, port, secure: form === 'implicit', requireTLS: true, tls }
        const mail = { from: 'client@lab.test', to: 'server@lab.test', subject: 'Audit', text: 'Hello' }
        const sending = createTransport({ ...client, auth: { user, pass: password } }).sendMail(mail)
        if (name === 'control') await sending
        else await expect(sending).rejects.toThrow()
      }
      await person.button('Judge the client')
      await person.page.getByText('done', { exact: true }).first().waitFor()
    },
  },
  {
    name: 'Set up an iPhone by a QR code',
    async run(person) {
      await person.goTo('Client settings')
      const program = 'Apple Mail (macOS and iOS)'
      if (person.width > 600) await person.button(program)
      else await person.choose(person.page.getByRole('combobox', { name: 'Program' }), program)
      await person.page.locator('.client-qr').waitFor()
    },
  },
  {
    name: 'Delete all mail of an account',
    async run(person, http) {
      const user = own(person, 'trash')
      await person.type(person.page.getByRole('combobox', { name: 'Search mail' }), `account:${user}`)
      await person.press('Enter')
      await person.page.getByRole('heading', { name: 'All mail 3' }).waitFor()
      await person.button('Select all')
      await person.button('Delete')
      await person.button('Delete', dialogOf(person))
      await expect
        .poll(async () => (await http.request(`messages?account=${user}`)).body.total, { timeout: 60_000 })
        .toBe(0)
    },
  },
]
