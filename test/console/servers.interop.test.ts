import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { freePort } from '../support/free-ports.ts'
import { LineClient } from '../support/line-client.ts'
import { runProgram } from '../support/run-program.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'

const yaml = `# The lab of the team.
certificates: memory
virtualServers:
  - protocol: smtp
    port: 0
    tlsPort: off
  - protocol: imap4
    port: 0
    tlsPort: 0
    tls: { minVersion: TLSv1.2 }   # for the old scanner
  - protocol: nntp
    port: 0
    tlsPort: 0
  - { protocol: pop3, port: 0, tlsPort: off }
  - protocol: http
    port: 0
    tlsPort: off
`
const sheet = '/servers/default-imap4-virtual-server?tab=access'

describe.skipIf(!hasChromium)('the property sheet of a virtual server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  const file = join(folder, 'lab.yaml')
  let lab: TestLab
  let base: string
  beforeAll(async () => {
    writeFileSync(file, yaml)
    lab = await startLab(file)
    base = `http://127.0.0.1:${lab.server('http').port}`
  })
  afterAll(async () => {
    await lab?.stop()
    rmSync(folder, { recursive: true })
  })
  const browser = ConsoleBrowser.ofTests()

  it('shows the difference, writes it into the file with its comments, and the server uses it', async () => {
    await using page = await browser.open(base, sheet)
    await page.getByLabel('Require 128-bit encryption').check()
    await page.getByLabel('Lowest TLS version').selectOption('TLSv1.3')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('.added', { hasText: 'require128BitEncryption: true' }).waitFor()
    expect(readFileSync(file, 'utf8')).toBe(yaml)
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })

    const changed = readFileSync(file, 'utf8')
    expect(changed).toContain('# The lab of the team.')
    expect(changed).toMatch(/minVersion: TLSv1\.3.*# for the old scanner/)
    expect(changed).toContain('require128BitEncryption: true')
    const connect = ['s_client', '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`]
    expect((await runProgram('openssl', [...connect, '-tls1_2'], { input: '' })).status).not.toBe(0)
    expect((await runProgram('openssl', [...connect, '-tls1_3'], { input: '' })).status).toBe(0)
    await page.reload()
    await expect.poll(() => page.getByLabel('Require 128-bit encryption').isChecked()).toBe(true)
  })

  it('shows a mistake at its field, with its place in the file', async () => {
    const before = readFileSync(file, 'utf8')
    await using page = await browser.open(base, sheet)
    await page.getByLabel('Methods').fill('anonymous, kerberos')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/lab\.yaml:\d+:\d+/).waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.setting.bad', { hasText: 'Methods' }).getByText('basic-over-tls').waitFor()
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('checks a field when it is left, and shows the place of the mistake beside it', async () => {
    const before = readFileSync(file, 'utf8')
    await using page = await browser.open(base, '/servers/default-smtp-virtual-server?tab=general')
    const port = page.getByLabel('Port', { exact: true })
    await port.fill('70000')
    await port.press('Tab')
    const setting = page.locator('.setting.bad', { has: port })
    await setting.getByText('must be off or a whole number').waitFor()
    await setting.getByText(`${file}:5:11`).waitFor()
    await expect.poll(() => port.getAttribute('aria-invalid')).toBe('true')
    await port.fill('0')
    await port.press('Tab')
    await setting.waitFor({ state: 'detached' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('changes what happens to mail: settings of the virtual server and of the lab in one difference', async () => {
    await using page = await browser.open(base, '/servers/default-smtp-virtual-server?tab=delivery')
    await page.getByLabel('Unknown accounts of the lab').selectOption('capture')
    await page.getByLabel('Delete old messages').fill('- { folders: "lab.*", age: 30d }')
    await page.getByRole('tab', { name: 'Messages' }).click()
    await page.getByLabel('Recipients of a message').fill('2')
    await page.getByText('3 changes').waitFor()
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('.added', { hasText: 'unknown: capture' }).waitFor()
    await dialog.locator('.added', { hasText: 'recipients: 2' }).waitFor()
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(readFileSync(file, 'utf8')).toMatch(/retention:\n\s+- \{? ?folders: "?lab/)

    const client = await LineClient.open(lab.server('smtp').port ?? 0)
    const say = (line: string): Promise<string | undefined> => {
      client.send(`${line}\r\n`)
      return client.line()
    }
    expect(await client.line()).toMatch(/^220 /)
    expect(await say('HELO app.test')).toMatch(/^250 /)
    expect(await say('MAIL FROM:<app@app.test>')).toMatch(/^250 /)
    expect(await say('RCPT TO:<nobody@lab.test>')).toMatch(/^250 /)
    expect(await say('RCPT TO:<nobody-else@lab.test>')).toMatch(/^250 /)
    expect(await say('RCPT TO:<a-third@lab.test>')).toMatch(/^452 /)
    client.destroy()
  })

  it('adds a fault of this virtual server, and shows how often it happens', async () => {
    await using page = await browser.open(base, '/servers/default-smtp-virtual-server?tab=faults')
    await page.getByText('No fault happens on this virtual server.').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Cut while reading' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Greylisting' }).click()
    await page.getByRole('button', { name: 'Add a fault' }).click()
    const row = page.getByRole('row', { name: /greylisting/ })
    await row.getByText('virtualServer: Default SMTP Virtual Server').waitFor()

    const client = await LineClient.open(lab.server('smtp').port ?? 0)
    client.send('HELO app.test\r\nMAIL FROM:<app@app.test>\r\nRCPT TO:<bob@example.com>\r\n')
    const replies = [await client.line(), await client.line(), await client.line(), await client.line()]
    client.destroy()
    expect(replies.at(-1)).toMatch(/^451 4\.7\.1 Greylisted/)
    await row.getByTitle('Show the sessions in which it happened').getByText('1', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'All faults of the lab' }).click()
    await row.waitFor()

    await page.goto(`${base}/servers/default-imap4-virtual-server?tab=faults`)
    await page.getByText('No fault happens on this virtual server.').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Connection cut while reading' }).count()).toBe(1)
    await expect.poll(() => page.getByRole('button', { name: 'Greylisting' }).count()).toBe(0)
  })

  it('renames a virtual server, and stays with it', async () => {
    await using page = await browser.open(base, '/servers/default-pop3-virtual-server')
    await page.getByLabel('Name').fill('Post office')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('.added', { hasText: 'name: Post office' }).waitFor()
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('heading', { name: 'Post office properties' }).waitFor()
    await expect.poll(() => new URL(page.url()).pathname).toBe('/servers/post-office')
  })

  it('changes the personality of a virtual server', async () => {
    await using page = await browser.open(base, '/servers/default-imap4-virtual-server?tab=general')
    await page.getByLabel('Personality').selectOption('dovecot')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('.added', { hasText: 'personality: dovecot' }).waitFor()
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })
    const client = await LineClient.open(lab.server('imap4').port ?? 0)
    expect(await client.line()).toMatch(/Dovecot ready/)
    client.destroy()
  })

  it('offers to undo what was applied, and other consoles show both', async () => {
    const before = readFileSync(file, 'utf8')
    await using other = await browser.open(base, sheet)
    await other.getByLabel('Client certificates').waitFor()
    await using page = await browser.open(base, sheet)
    await page.getByLabel('Client certificates').selectOption('accept')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => other.getByLabel('Client certificates').inputValue()).toBe('accept')
    await page.getByRole('button', { name: 'Undo' }).click()
    for (const one of [page, other]) {
      await expect.poll(() => one.getByLabel('Client certificates').inputValue()).toBe('off')
    }
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('keeps changes that are not applied while other pages are open, and says so', async () => {
    await using page = await browser.open(base, '/servers')
    await page.getByRole('row', { name: /IMAP4/ }).click()
    const connections = page.getByLabel('Connections', { exact: true })
    await connections.fill('7')
    await page.getByRole('link', { name: 'Mail', exact: true }).click()
    await page.getByText('Your changes to Default IMAP4 Virtual Server are kept').waitFor()
    await page.goBack()
    expect(await connections.inputValue()).toBe('7')
    await page.goBack()
    await page.getByRole('row', { name: /IMAP4/ }).getByText('not applied').waitFor()
    await page.goForward()
    await page.getByText('1 change').waitFor()

    const asked = page.waitForEvent('dialog')
    await page.close({ runBeforeUnload: true })
    const question = await asked
    expect(question.type()).toBe('beforeunload')
    await question.dismiss()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect.poll(() => connections.inputValue()).not.toBe('7')
    const closed = page.waitForEvent('close')
    await page.close({ runBeforeUnload: true })
    await closed
  })

  it('shows hints beside their fields, or below them at 200 %', async () => {
    for (const width of [1280, 640, 390]) {
      await using page = await browser.open(base, '/servers/default-imap4-virtual-server', {
        viewport: { width, height: 400 },
      })
      const hints = page.locator('.setting .hint:not(:empty)')
      await hints.first().waitFor()
      for (const hint of await hints.all()) {
        expect([width, (await hint.boundingBox())?.width]).toEqual([width, expect.toSatisfy((one) => one > 200)])
      }
    }
  })

  it('shows the port where clients connect', async () => {
    await using page = await browser.open(base, '/servers/default-imap4-virtual-server')
    const { port, tlsPort } = lab.server('imap4')
    await page.getByText(`Clients connect to port ${port}, which was free`).waitFor()
    await page.getByText(`Clients connect to port ${tlsPort}, which was free`).waitFor()

    const free = await freePort()
    await using moved = await startLab({
      portOffset: 1000,
      virtualServers: [
        { protocol: 'smtp', port: free - 1000 },
        { protocol: 'http', port: 0 },
      ],
    })
    await page.goto(`http://127.0.0.1:${moved.server('http').port}/servers/default-smtp-virtual-server`)
    await page.getByText(`Clients connect to port ${free}: ${free - 1000} with portOffset 1000.`).waitFor()
  })

  it('sorts the list of servers on a phone, and shows the current page in the rail', async () => {
    const viewport = { width: 390, height: 844 }
    await using page = await browser.open(base, '/servers', { viewport })
    const first = page.locator('.servers-list tbody tr').first()
    await page.getByRole('button', { name: 'Protocol' }).click()
    await expect.poll(() => first.textContent()).toContain('HTTP')
    await page.getByRole('button', { name: 'Protocol' }).click()
    await expect.poll(() => first.textContent()).toContain('SMTP')
    await page.goto(`${base}/scripts`)
    const link = page.locator('.rail [aria-current]')
    await link.waitFor()
    await expect.poll(async () => (await link.boundingBox())?.x).toBeLessThan(viewport.width - 60)
  })

  it('has no secure channel on NNTP, and says what to do', async () => {
    await using page = await browser.open(base, '/servers/default-nntp-virtual-server?tab=access')
    await page.getByText('NNTP cannot require a secure channel').waitFor()
    await expect.poll(() => page.getByLabel('Require secure channel').count()).toBe(0)
    await expect.poll(() => page.getByLabel('Require 128-bit encryption').count()).toBe(1)
  })
})
