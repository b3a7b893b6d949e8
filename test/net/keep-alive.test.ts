import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { platform } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../src/testing/index.ts'

let lab: TestLab
let client: Socket
afterEach(async () => {
  client.destroy()
  await lab.stop()
})

/** Returns the timers of the server's connections, as the system shows them. */
async function timers(port: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ss', ['-Htno', 'state', 'established', `( sport = :${port} )`])
  return stdout
}

/** Sends a command and waits for its last line. */
async function ask(command: string, answer: RegExp): Promise<void> {
  client.write(`${command}\r\n`)
  for (let said = ''; !answer.test(said); ) said += String((await once(client, 'data'))[0])
}

it.skipIf(platform() !== 'linux').each([
  ['clear text', {}, false],
  ['TLS', {}, true],
  ['a capture', { testing: { packets: { memory: '1MiB' } } }, false],
  ['TLS in a capture', { testing: { packets: { memory: '1MiB' } } }, true],
] as const)('the system looks after connections of users who have logged on: %s', async (_, settings, secure) => {
  lab = await startLab({
    ...settings,
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'imap4' }],
  })
  const server = lab.server('imap4')
  const at = { host: '127.0.0.1', port: (secure ? server.tlsPort : server.port) as number }
  client = secure ? connectTls({ ...at, ca: lab.ca, servername: 'localhost' }) : connect(at)
  await once(client, 'data')
  expect(await timers(at.port)).not.toContain('keepalive')
  await ask('a LOGIN alice secret', /^a OK/m)
  await expect.poll(() => timers(at.port)).toContain('keepalive')
  await ask('b COMPRESS DEFLATE', /^b OK/m)
  // While an answer is not acknowledged, the system shows the timer for sending it again.
  await expect.poll(() => timers(at.port)).toContain('keepalive')
})
