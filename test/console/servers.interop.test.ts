import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../src/index.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { runProgram } from '../support/run-program.ts'
import { ConsoleBrowser, hasChromium } from './browser.ts'

const yaml = `# The lab of the team.
certificates: memory
virtualServers:
  - protocol: imap4
    port: 0
    tlsPort: 0
    tls: { minVersion: TLSv1.2 }   # for the old scanner
  - protocol: nntp
    port: 0
  - protocol: http
    port: 0
    tlsPort: off
`
const sheet = '/servers/default-imap4-virtual-server?tab=access'

describe.skipIf(!hasChromium)('the property sheet of a virtual server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  const file = join(folder, 'lab.yaml')
  let lab: TestLab
  let browser: ConsoleBrowser
  let base: string
  beforeAll(async () => {
    writeFileSync(file, yaml)
    lab = await startLab(file)
    base = `http://127.0.0.1:${lab.server('http').port}`
    browser = await ConsoleBrowser.start()
  })
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]()
    await lab?.stop()
    rmSync(folder, { recursive: true })
  })

  it('shows the difference, writes it into the file with its comments, and the server uses it', async () => {
    const page = await browser.open(base, sheet)
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
    expect(await page.getByLabel('Require 128-bit encryption').isChecked()).toBe(true)
    await page.context().close()
  })

  it('shows a mistake at its field, with its place in the file', async () => {
    const before = readFileSync(file, 'utf8')
    const page = await browser.open(base, sheet)
    await page.getByLabel('Methods').fill('anonymous, kerberos')
    await page.getByRole('button', { name: 'Apply' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/lab\.yaml:\d+:\d+/).waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.setting.bad', { hasText: 'Methods' }).getByText('basic-over-tls').waitFor()
    expect(readFileSync(file, 'utf8')).toBe(before)
    await page.context().close()
  })

  it('has no secure channel on NNTP, and says what to do', async () => {
    const page = await browser.open(base, '/servers/default-nntp-virtual-server?tab=access')
    await page.getByText('NNTP cannot require a secure channel').waitFor()
    expect(await page.getByLabel('Require secure channel').count()).toBe(0)
    expect(await page.getByLabel('Require 128-bit encryption').count()).toBe(1)
    await page.context().close()
  })
})
