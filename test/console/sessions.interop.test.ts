import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLab } from '../servers/http/client.ts'
import { extension, extensions, helloBody, helloRecords, serverName } from '../support/client-hello.ts'
import { LineClient } from '../support/line-client.ts'
import { runProgram } from '../support/run-program.ts'
import { ConsoleBrowser, consoleLab, hasChromium } from './browser.ts'

/** The block that begins a pcapng file, and the one that holds TLS secrets. */
const [SECTION_HEADER, DECRYPTION_SECRETS] = [0x0a0d0d0a, 0x0000000a]

describe.skipIf(!hasChromium)('the page of the sessions', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await consoleLab({
      testing: { packets: 'memory' },
      virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }],
    })
  })
  afterAll(() => http?.[Symbol.asyncDispose]())
  const browser = ConsoleBrowser.ofTests()

  it('says that a client offers an encrypted ClientHello, and why the lab has no keys for it', async () => {
    const page = await browser.open(http.base, '/sessions')
    const grease = extension(0xfe0d, Buffer.alloc(8))
    const offer = { suites: [0x0007], tail: extensions(serverName('ech.test'), grease) }
    const socket = connect(http.lab.server('imap4').tlsPort, '127.0.0.1')
    socket.end(helloRecords(helloBody(offer)))
    await once(socket.resume(), 'close')
    await page.locator('.session-rows button', { hasText: 'refused' }).first().click()
    await page.getByText('offered, or GREASE (random data in its place)').waitFor()
    await page.context().close()
    await http.lab.reset()
  })

  it('says why a handshake failed, what both sides offered, and leads to the policy', async () => {
    await using page = await browser.open(http.base, '/sessions')
    await page.getByText('No client has connected yet').waitFor()
    const connect = ['s_client', '-connect', `127.0.0.1:${http.lab.server('imap4').tlsPort}`, '-tls1_1']
    await runProgram('openssl', [...connect, '-cipher', 'ALL:@SECLEVEL=0'], { input: '' })
    await page.locator('.session-rows button', { hasText: 'refused' }).click()
    await page.getByRole('heading', { name: 'The TLS handshake failed' }).waitFor()
    await page.getByText(/^t11i/).waitFor()
    await page.getByRole('tab', { name: 'TLS: offered and served' }).click()
    const versions = page.locator('.comparison section', { has: page.getByRole('heading', { name: 'Versions' }) })
    await expect.poll(() => versions.locator('li').allTextContents()).toEqual(['TLSv1.1', 'TLSv1.3', 'TLSv1.2'])
    await page.getByLabel('Refused', { exact: true }).check()
    await expect.poll(() => new URL(page.url()).searchParams.get('failed')).toBe('true')
    await page.getByRole('link', { name: 'Change the policy of Default IMAP4 Virtual Server' }).click()
    await page.getByLabel('Lowest TLS version').waitFor()
  })

  it('shows each line of an open session while it happens', async () => {
    const client = await LineClient.openTls(http.lab.server('imap4').tlsPort ?? 0, http.lab.ca)
    client.send('a1 LOGIN alice secret\r\n')
    await client.lines((line) => line.startsWith('a1 '))
    const page = await browser.open(http.base, '/sessions?open=true')
    await page.locator('.session-rows button', { hasText: 'alice' }).click()
    await page.getByRole('row', { name: /a1 OK/ }).waitFor()
    await page.locator('.session-title').getByText('live').waitFor()
    await expect.poll(() => page.getByLabel('Follow').isChecked()).toBe(true)
    client.send('a2 SELECT INBOX\r\n')
    await page.getByRole('row', { name: /a2 SELECT INBOX/ }).waitFor()
    await page.getByRole('row', { name: /a2 OK/ }).waitFor()
    client.send(`a3 NOOP\r\n${'a NOOP\r\n'.repeat(60)}a4 NOOP\r\n`)
    const last = page.getByRole('row', { name: /a4 OK/ })
    await last.waitFor()
    await expect.poll(async () => (await last.boundingBox())?.y).toBeLessThan(page.viewportSize()?.height ?? 0)
    client.send('a5 LOGOUT\r\n')
    await client.rest()
    await page
      .getByText(/server closed/)
      .first()
      .waitFor()
    await expect.poll(() => page.locator('.session-title').getByText('live').count()).toBe(0)
    await page.context().close()
    await http.lab.reset()
  })

  it('offers the cure of each cause', async () => {
    const port = http.lab.server('imap4').tlsPort ?? 0
    const page = await browser.open(http.base, '/sessions')
    const rows = page.locator('.session-rows button', { hasText: 'refused' })
    const cure = page.getByRole('region', { name: 'What helps' })
    await runProgram('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error'], { input: '' })
    await rows.first().click()
    await cure.getByText(/does not trust the root/).waitFor()
    await cure.getByRole('combobox', { name: 'Platform of the client' }).selectOption('Node.js')
    await cure.getByText('export NODE_EXTRA_CA_CERTS="$PWD/lab-ca.pem"').waitFor()
    const file = cure.getByRole('link', { name: 'Node.js: lab-ca.pem' })
    const href = await file.evaluate<string, { href: string }>(({ href }) => href)
    expect(await (await page.request.get(href)).text()).toContain('BEGIN CERT')
    expect(await page.getByRole('link', { name: /^Change the policy/ }).count()).toBe(0)

    const client = await LineClient.openTls(port, http.lab.ca)
    client.send('a LOGIN bob wrong\r\nb LOGOUT\r\n')
    await client.rest()
    await expect.poll(() => rows.count()).toBe(2)
    await rows.first().click()
    await cure.getByText('The password for bob is wrong. Correct it in the client.').waitFor()
    expect(await page.getByRole('link', { name: /^Change the policy/ }).count()).toBe(0)
    await cure.getByRole('link', { name: 'Settings of bob' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.get('account')).toBe('bob')
    await page.context().close()
    await http.lab.reset()
  })

  it('shows the steps of a session, copies it as a test, downloads its traffic, and makes a fault of a command', async () => {
    const client = await LineClient.openTls(http.lab.server('imap4').tlsPort ?? 0, http.lab.ca)
    client.send('a LOGIN alice secret\r\nb LOGOUT\r\n')
    await client.rest()
    await using page = await browser.open(http.base, '/sessions?user=alice')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.locator('.session-rows button').click()
    const steps = page.getByRole('list', { name: 'Steps of the session' }).getByRole('listitem')
    await expect
      .poll(async () => (await steps.allTextContents()).join(' '))
      .toMatch(/connected.*handshake.*log-on.*ended/)

    await page.getByRole('button', { name: 'Copy as test' }).click()
    await page.getByText('The test is copied.').waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toContain("send('a LOGIN alice ' + PASSWORD)")

    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download pcapng' }).click()
    const octets = readFileSync(await (await saving).path())
    const types: number[] = []
    for (let at = 0; at < octets.length; at += octets.readUInt32LE(at + 4)) types.push(octets.readUInt32LE(at))
    expect(types[0]).toBe(SECTION_HEADER)
    expect(types).toContain(DECRYPTION_SECRETS)

    await page
      .getByRole('row', { name: /LOGIN alice/ })
      .getByRole('button', { name: 'Create a fault for LOGIN' })
      .click()
    await expect.poll(() => page.getByLabel('Fault (YAML)').inputValue()).toMatch(/protocol: imap4\n {2}verb: LOGIN/)
    expect(browser.complaints).toEqual([])
  })
})
