import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/start-lab.ts'
import { signatureAlgorithms } from '../support/client-hello.ts'
import { echoTlsSettings, startEcho } from '../support/echo-server.ts'
import { needs } from '../support/programs.ts'
import { LegacyClient } from '../tls/legacy/client.ts'
import { rsa, startOldEcho } from '../tls/legacy/server.ts'

const REFUSED =
  'the client asked to renegotiate TLS, and was refused (alert no_renegotiation): reconnect instead, or use TLS 1.3'

/** Makes OpenSSL's client renegotiate after the greeting, and returns everything that it prints until it ends. */
async function renegotiate(args: readonly string[], greeting: RegExp): Promise<string> {
  const child = spawn('openssl', ['s_client', ...args], { stdio: 'pipe' })
  const output: string[] = []
  const read = (line: string): void => {
    output.push(line)
    // The command R of s_client.
    if (greeting.test(line)) child.stdin.write('R\n')
  }
  createInterface(child.stdout).on('line', read)
  createInterface(child.stderr).on('line', (line) => output.push(line))
  child.stdin.on('error', () => {})
  await once(child, 'close')
  return output.join('\n')
}

describe.skipIf(!needs('openssl'))('a client that asks to renegotiate is refused with no_renegotiation', () => {
  it('by Node.js, on a TLS port', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([rsa]) })
    const output = await renegotiate(['-connect', `127.0.0.1:${echo.server.tlsPort}`, '-tls1_2'], /^hello/)
    expect(output).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/)
    await expect.poll(() => echo.sessions.list()[0]?.refusals).toEqual([REFUSED])
  })

  it('by Node.js, after STARTTLS', async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
    const { port } = lab.server('smtp')
    const args = ['-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', '-tls1_2', '-crlf']
    // s_client prints this line when the handshake is over.
    expect(await renegotiate(args, /Verify return code/)).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/)
    await expect.poll(() => lab.sessions()[0]?.refusals).toEqual([REFUSED])
  })

  it.each(['-tls1', '-tls1_1', '-tls1_2'])('by the engine for old clients, with %s', async (version) => {
    await using echo = await startOldEcho()
    const args = ['-connect', `127.0.0.1:${echo.server.tlsPort}`, version, '-cipher', 'AES128-SHA:@SECLEVEL=0']
    expect(await renegotiate(args, /^hello/)).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/)
    await expect.poll(() => echo.sessions.list()[0]?.refusals).toEqual([REFUSED])
  })
})

it('HTTP ends the session of a client that gives up when it may not renegotiate', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'http' }] })
  const { port, tlsPort } = lab.server('http')
  // Connections wait until the server of HTTP is loaded.
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
  const client = connect({ port: tlsPort as number, host: 'localhost', ca: lab.ca, maxVersion: 'TLSv1.2' })
  await once(client, 'secureConnect')
  client.renegotiate({}, () => {})
  expect(await once(client, 'error')).toMatchObject([{ code: 'ERR_SSL_NO_RENEGOTIATION' }])
  await expect.poll(() => lab.sessions()[1]?.endedAt).toBeDefined()
  expect(lab.sessions()[1]?.refusals).toEqual([REFUSED])
})

it('Node.js closes the connection of a client that asks again and again', async () => {
  await using echo = await startEcho({ tls: echoTlsSettings([rsa]) })
  const client = LegacyClient.connect(echo.server.tlsPort as number, {
    version: 0x0303,
    suites: [0x002f],
    extensions: signatureAlgorithms(0x0401),
  })
  await client.handshake()
  // OpenSSL’s client gives up after the first refusal.
  for (let i = 0; i < 5; i++) client.sendHello()
  await expect(client.expectText('never')).rejects.toThrow(/the server closed|close_notify/)
  await expect.poll(() => echo.sessions.list()[0]?.endedAt).toBeDefined()
  const record = echo.sessions.list()[0]
  expect(record?.refusals).toContain(REFUSED)
  expect(record?.transcript).toContainEqual(
    expect.objectContaining({ text: 'the client asked to renegotiate again and again; the connection was closed' }),
  )
})
