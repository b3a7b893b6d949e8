import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { zipOf } from '../../src/core/files/zip.ts'
import { startLab } from '../../src/testing/index.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { AuthorizationClient } from '../servers/http/oauth2/authorization-client.ts'
import { newFolder } from '../support/folder.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

let folder: string
let lab: TestLab
/** Receives what Thunderbird wants to open in a browser. */
let opener: Server
let thunderbird: ChildProcess | undefined
beforeEach(async () => {
  folder = newFolder()
  const authentication = ['xoauth2' as const]
  lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
    virtualServers: [{ protocol: 'imap4', authentication }, { protocol: 'smtp', authentication }, { protocol: 'http' }],
  })
  opener = createServer()
  await once(opener.listen(0, '127.0.0.1'), 'listening')
})
afterEach(async () => {
  if (thunderbird && thunderbird.exitCode === null) {
    thunderbird.kill('SIGKILL')
    await once(thunderbird, 'exit')
  }
  opener.close()
  await lab.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const preferences = (imapPort: number, smtpPort: number): Readonly<Record<string, string | number | boolean>> => ({
  'mail.account.account1.identities': 'id1',
  'mail.account.account1.server': 'server1',
  'mail.accountmanager.accounts': 'account1',
  'mail.accountmanager.defaultaccount': 'account1',
  'mail.identity.id1.useremail': 'alice@lab.test',
  'mail.identity.id1.smtpServer': 'smtp1',
  'mail.identity.id1.valid': true,
  'mail.server.server1.type': 'imap',
  'mail.server.server1.hostname': '127.0.0.1',
  'mail.server.server1.port': imapPort,
  // TLS, and OAuth2.
  'mail.server.server1.socketType': 3,
  'mail.server.server1.authMethod': 10,
  'mail.server.server1.userName': 'alice',
  'mail.server.server1.login_at_startup': true,
  'mail.smtpservers': 'smtp1',
  'mail.smtpserver.smtp1.hostname': '127.0.0.1',
  'mail.smtpserver.smtp1.port': smtpPort,
  'mail.smtpserver.smtp1.try_ssl': 3,
  'mail.smtpserver.smtp1.authMethod': 10,
  'mail.smtpserver.smtp1.username': 'alice',
  'extensions.autoDisableScopes': 0,
  'extensions.startupScanScopes': 15,
  'datareporting.policy.dataSubmissionEnabled': false,
  'mailnews.start_page.enabled': false,
  'mail.provider.suppress_dialog_on_startup': true,
  'mail.shell.checkDefaultClient': false,
  'network.proxy.type': 0,
})

/** Returns the add-on of the lab, which here opens the browser of the system. Its own window needs a person. */
async function addOn(base: string): Promise<{ readonly id: string; readonly octets: Buffer }> {
  const octets = Buffer.from(await (await fetch(`${base}/oauth2/thunderbird.xpi`)).arrayBuffer())
  const start = 30 + octets.readUInt16LE(26) + octets.readUInt16LE(28)
  const manifest = JSON.parse(inflateRawSync(octets.subarray(start, start + octets.readUInt32LE(18))).toString())
  manifest.oauth_provider.useExternalBrowser = true
  async function* files() {
    yield { name: 'manifest.json', octets: Buffer.from(JSON.stringify(manifest)), modifiedAt: Date.now() }
  }
  return { id: manifest.browser_specific_settings.gecko.id, octets: await zipOf(files()) }
}

it.skipIf(!needs('thunderbird', 'certutil', 'curl'))(
  'Thunderbird logs on with the add-on of the lab',
  async () => {
    const client = new AuthorizationClient(`http://127.0.0.1:${lab.server('http').port}`)
    await lab.deliver({ subject: 'For Thunderbird', text: 'Hello.' }, { to: 'alice' })
    const [profile, home] = [join(folder, 'profile'), join(folder, 'home')]
    const [programs, settings] = [join(home, '.local/share/applications'), join(home, '.config')]
    for (const each of [join(profile, 'extensions'), programs, settings]) mkdirSync(each, { recursive: true })
    const { id, octets } = await addOn(client.base)
    writeFileSync(join(profile, 'extensions', `${id}.xpi`), octets)
    const [imapPort = 0, smtpPort = 0] = [lab.server('imap4').tlsPort, lab.server('smtp').tlsPort]
    const lines = Object.entries(preferences(imapPort, smtpPort)).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    )
    writeFileSync(join(profile, 'user.js'), lines.join(''))
    writeFileSync(join(folder, 'root.pem'), lab.ca)
    const database = ['-d', `sql:${profile}`]
    await runProgram('certutil', ['-N', '--empty-password', ...database])
    const trusted = await runProgram('certutil', [
      '-A',
      '-t',
      'C,,',
      '-n',
      'lab',
      '-i',
      join(folder, 'root.pem'),
      ...database,
    ])
    expect(trusted).toMatchObject({ status: 0 })
    const { port } = opener.address() as AddressInfo
    const command = `curl -s --get --data-urlencode url=%u http://127.0.0.1:${port}/`
    const schemes = 'x-scheme-handler/http;x-scheme-handler/https;'
    writeFileSync(
      join(programs, 'test.desktop'),
      `[Desktop Entry]\nType=Application\nName=Test\nExec=${command}\nMimeType=${schemes}\n`,
    )
    const handlers = ['http', 'https'].map((scheme) => `x-scheme-handler/${scheme}=test.desktop\n`).join('')
    writeFileSync(join(settings, 'mimeapps.list'), `[Default Applications]\n${handlers}`)
    const opened = once(opener, 'request')
    const env = { ...process.env, HOME: home, XDG_DATA_HOME: join(home, '.local/share'), XDG_CONFIG_HOME: settings }
    thunderbird = spawn('thunderbird', ['--headless', '--no-remote', '--profile', profile], { env, stdio: 'ignore' })
    const [request, response] = await opened
    response.end()
    const url = new URL(new URL(request.url, 'http://localhost').searchParams.get('url') ?? '')
    const { at } = await client.follow(url.pathname + url.search)
    const back = await client.follow(at, { user: 'alice', password: 'alices-secret', action: 'log-on' })
    expect((await fetch(back.at)).status).toBe(200)
    const isReading = () =>
      lab.sessions().some(({ protocol, user, transcript }) => {
        const commands = transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : []))
        return protocol === 'imap4' && user === 'alice' && commands.some((text) => /UID FETCH .*BODY/i.test(text))
      })
    await expect.poll(isReading, { timeout: 60_000, interval: 200 }).toBe(true)
  },
  180_000,
)
