import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type LegacyVersion, legacyVersions } from '../../../src/tls/legacy/suites.ts'
import type { TlsPolicy } from '../../../src/tls/negotiation/policy.ts'
import { newFolder } from '../../support/folder.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { some } from '../../support/thorough.ts'
import { LegacyClient } from './client.ts'
import { runDialog } from './interop/converse.ts'
import { rsa, startOldEcho } from './server.ts'

const AES_128 = 0x002f
const RC4 = 0x0005
const FALLBACK_SCSV = 0x5600
const PYTHON = '/usr/bin/python3'
const run = promisify(execFile)
const folder = newFolder()
const rootFile = join(folder, 'root.pem')
writeFileSync(rootFile, rsa.certificatePem)

describe('the last octets of the server’s random value (RFC 8446 section 4.1.3)', () => {
  const cases: readonly (readonly [LegacyVersion, TlsPolicy['maxVersion'], string])[] = [
    ['TLSv1.2', 'TLSv1.3', 'DOWNGRD\x01'],
    ['TLSv1.1', 'TLSv1.3', 'DOWNGRD\x00'],
    ['TLSv1', 'TLSv1.3', 'DOWNGRD\x00'],
    ['SSLv3', 'TLSv1.3', 'DOWNGRD\x00'],
    ['TLSv1.2', 'TLSv1.2', ''],
    ['TLSv1.1', 'TLSv1.2', 'DOWNGRD\x00'],
    ['TLSv1', 'TLSv1.2', 'DOWNGRD\x00'],
    ['SSLv3', 'TLSv1.2', 'DOWNGRD\x00'],
    ['TLSv1', 'TLSv1.1', ''],
    ['TLSv1', 'TLSv1', ''],
  ]
  it.each(some(cases, 6))('in %s, where the policy allows %s, are %j', async (version, maxVersion, expected) => {
    await using echo = await startOldEcho({ minVersion: 'TLSv1', maxVersion })
    using client = LegacyClient.connect(echo.server.tlsPort as number, {
      version: legacyVersions[version],
      suites: [AES_128],
    })
    const { random, version: agreed } = await client.handshake()
    expect(agreed).toBe(version)
    const last = random.subarray(24).toString('latin1')
    if (expected === '') expect(last).not.toMatch(/^DOWNGRD/)
    else expect(last).toBe(expected)
  })

  it('carry the mark in a resumed session too', async () => {
    await using echo = await startOldEcho()
    using first = LegacyClient.connect(echo.server.tlsPort as number, { suites: [AES_128] })
    const { sessionId } = await first.handshake()
    using second = LegacyClient.connect(echo.server.tlsPort as number, { suites: [AES_128], sessionId })
    second.sendHello()
    const hello = await second.serverHello()
    expect(hello.sessionId).toEqual(sessionId)
    expect(hello.random.subarray(24).toString('latin1')).toBe('DOWNGRD\x00')
  })
})

describe('TLS_FALLBACK_SCSV (RFC 7507)', () => {
  it.each([
    ['TLSv1.2', 'TLSv1.3', true],
    ['TLSv1', 'TLSv1.3', true],
    ['TLSv1.1', 'TLSv1.2', true],
    ['SSLv3', 'TLSv1', true],
    ['TLSv1.2', 'TLSv1.2', false],
    ['TLSv1', 'TLSv1', false],
  ] as const)(
    'from a client of %s, where the policy allows %s: refused is %s',
    async (version, maxVersion, refused) => {
      await using echo = await startOldEcho({ minVersion: 'TLSv1', maxVersion })
      const client = LegacyClient.connect(echo.server.tlsPort as number, {
        version: legacyVersions[version],
        suites: [RC4, FALLBACK_SCSV],
      })
      const outcome = await client.handshake().then(
        () => 'served',
        (error: Error) => error.message,
      )
      client.destroy()
      if (!refused) return expect(outcome).toBe('served')
      expect(outcome).toMatch(/alert inappropriate_fallback/)
      await expect
        .poll(() => echo.sessions.list()[0]?.refusals[0])
        .toBe(
          `TLS handshake: inappropriate_fallback: the client says that it fell back to ${version} after a failed handshake ` +
            `(TLS_FALLBACK_SCSV), but this virtual server supports ${maxVersion}; look for what made its first handshake fail`,
        )
    },
  )

  it.skipIf(!needs('openssl'))('from openssl s_client -fallback_scsv is refused', async () => {
    await using echo = await startOldEcho()
    const connectTo = ['-connect', `127.0.0.1:${echo.server.tlsPort}`]
    const output = await sClient([...connectTo, '-tls1_2', '-cipher', 'AES128-SHA', '-fallback_scsv'], 'QUIT\r\n')
    expect(output).toMatch(/inappropriate fallback/)
  })
})

describe('a client of TLS 1.3 behind an attacker who hides TLS 1.3 notices it', () => {
  it.skipIf(!needs('openssl'))('openssl', async () => {
    await using attacked = await startAttacked()
    const output = await sClient(
      ['-connect', `127.0.0.1:${attacked.port}`, '-cipher', 'AES256-SHA', '-CAfile', rootFile],
      'QUIT\r\n',
    )
    expect(output).toMatch(/inappropriate fallback/)
    await attacked.expectAlert()
  })

  it.skipIf(!needs('gnutls-cli'))('gnutls-cli', async () => {
    await using attacked = await startAttacked()
    const priority = 'NORMAL:-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-GCM:+AES-256-CBC:+SHA1'
    const output = await runDialog(
      'gnutls-cli',
      [`--x509cafile=${rootFile}`, `--priority=${priority}`, '-p', String(attacked.port), '127.0.0.1'],
      ['Ehello'],
    )
    expect(output).toMatch(/illegal parameter/i)
    await attacked.expectAlert()
  })

  it.skipIf(!needs(PYTHON))('Python', async () => {
    await using attacked = await startAttacked()
    expect(await python(attacked.port, 'AES256-SHA')).toMatch(/INAPPROPRIATE_FALLBACK/)
    await attacked.expectAlert()
  })
})

describe('a client that speaks nothing higher is served', () => {
  it.skipIf(!needs('openssl')).each([
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_1', 'TLSv1.1'],
    ['-tls1', 'TLSv1'],
  ])('openssl %s', async (option, version) => {
    await using echo = await startOldEcho()
    const args = ['-connect', `127.0.0.1:${echo.server.tlsPort}`, '-CAfile', rootFile, '-verify_return_error']
    const output = await sClient([...args, option, '-cipher', 'AES256-SHA:@SECLEVEL=0'], 'QUIT\r\n')
    expect(output).toContain('hello')
    expect(output).toMatch(/Extended master secret: yes/)
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ version, cipher: 'TLS_RSA_WITH_AES_256_CBC_SHA' })
  })

  it.skipIf(!needs('gnutls-cli')).each([
    ['VERS-TLS1.2', '3DES-CBC', 'TLSv1.2', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'],
    ['VERS-TLS1.2', 'ARCFOUR-128', 'TLSv1.2', 'TLS_RSA_WITH_RC4_128_SHA'],
    ['VERS-TLS1.1', '3DES-CBC', 'TLSv1.1', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'],
    ['VERS-TLS1.0', 'ARCFOUR-128', 'TLSv1', 'TLS_RSA_WITH_RC4_128_SHA'],
  ])('gnutls-cli with %s and %s', async (offered, algorithm, version, cipher) => {
    await using echo = await startOldEcho()
    const priority = `NONE:+${offered}:+RSA:+${algorithm}:+SHA1:+COMP-NULL:+SIGN-ALL`
    const args = [`--x509cafile=${rootFile}`, '--verify-hostname=localhost', `--priority=${priority}`]
    const result = await runDialog(
      'gnutls-cli',
      [...args, '-p', String(echo.server.tlsPort), '127.0.0.1'],
      ['Ehello', 'SQUIT\r\n'],
    )
    expect(result).toBe('ok')
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ version, cipher })
  })

  it.skipIf(!needs(PYTHON))('Python with TLS 1.2', async () => {
    await using echo = await startOldEcho()
    expect(await python(echo.server.tlsPort as number, 'AES256-SHA', 'TLSv1_2')).toBe('TLSv1.2 AES256-SHA')
  })
})

/** Returns the version and the suite that Python negotiates, or its error. */
async function python(port: number, ciphers: string, maximum = 'TLSv1_3'): Promise<string> {
  const script = `
import socket, ssl, sys
port, ciphers, maximum, root = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
context.set_ciphers(ciphers)
context.maximum_version = ssl.TLSVersion[maximum]
try:
    with context.wrap_socket(socket.create_connection(('127.0.0.1', int(port)), 20), server_hostname='localhost') as tls:
        print(tls.version(), tls.cipher()[0])
except ssl.SSLError as error:
    print(error.reason)
`
  return (
    await run(PYTHON, ['-c', script, String(port), ciphers, maximum, rootFile], { timeout: 60_000 })
  ).stdout.trim()
}

/** Starts a server and, before it, a relay that hides TLS 1.3: it renames the extension supported_versions. */
async function startAttacked() {
  const echo = await startOldEcho()
  const relay = createServer((client) => {
    const server = connect(echo.server.tlsPort as number, '127.0.0.1')
    let hello = Buffer.alloc(0)
    client.on('data', function take(octets: Buffer) {
      hello = Buffer.concat([hello, octets])
      if (hello.length < 5 || hello.length < 5 + hello.readUInt16BE(3)) return
      client.off('data', take).on('data', (more) => server.write(more))
      server.write(withoutTls13(hello))
    })
    server.pipe(client)
    client.on('end', () => server.end())
    for (const socket of [client, server]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => {
    relay.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: portOf(relay),
    /** The client ends the handshake at the ServerHello: at a Finished message the alert would be another one. */
    expectAlert: () =>
      expect.poll(() => echo.sessions.list()[0]?.refusals[0]).toMatch(/refuses a handshake parameter \(alert 47\)/),
    async [Symbol.asyncDispose]() {
      relay.close()
      await echo[Symbol.asyncDispose]()
    },
  }
}

const portOf = (server: Server): number => (server.address() as { port: number }).port

/** Renames supported_versions (43) to a value that no server knows. */
function withoutTls13(hello: Buffer): Buffer {
  const changed = Buffer.from(hello)
  // RFC 8446 section 4.1.2: record and handshake headers, version and random, then the session ID, suites and compression.
  let at = 5 + 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  at += 2
  while (hello.readUInt16BE(at) !== 43) at += 4 + hello.readUInt16BE(at + 2)
  changed.writeUInt16BE(0xfe2b, at)
  return changed
}
