import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import { describeSession } from '../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../src/core/sessions/types.ts'
import { echoTlsSettings, startEcho } from '../support/echo-server.ts'
import { newFolder } from '../support/folder.ts'
import { opensslCertificate, sClient } from '../support/openssl.ts'
import { some } from '../support/thorough.ts'

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
const localhost = opensslCertificate(['localhost', '127.0.0.1'])
const rsa = opensslCertificate(['localhost'], 'rsa')
const other = opensslCertificate(['other.test', '*.wild.test'])

/** Connects with TLS and verifies the certificate. */
async function secure(port: number | undefined, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: port as number,
    servername: 'localhost',
    ca: localhost.certificatePem,
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

async function firstLine(socket: tls.TLSSocket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

describe('a virtual server under TLS', () => {
  it('serves implicit TLS, and records what was agreed on', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const socket = await secure(echo.server.tlsPort)
    expect(await firstLine(socket)).toBe('hello\r\n')
    expect(echo.sessions.list()[0]?.tls).toMatchObject({
      version: 'TLSv1.3',
      cipher: socket.getCipher().standardName,
      bits: 256,
      serverName: 'localhost',
      resumed: false,
      certificate: { thumbprint: localhost.thumbprint },
    })
    socket.destroy()
  })

  it('limits handshakes in progress to the connection limit, and accepts clients again afterwards', async () => {
    await using echo = await startEcho({ maxConnections: 2, tls: echoTlsSettings([localhost]) })
    const open = () => connect({ host: '127.0.0.1', port: echo.server.tlsPort as number })
    const silent = [open(), open()]
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    await expect.poll(() => echo.sessions.list().length).toBe(2)
    await once(open().resume(), 'close')
    expect(echo.sessions.list().at(-1)?.refusals.join()).toMatch(/^2 TLS handshakes are in progress/)
    for (const socket of silent) socket.destroy()
    await expect.poll(() => echo.sessions.list().every(({ endedAt }) => endedAt !== undefined)).toBe(true)
    const socket = await secure(echo.server.tlsPort)
    expect(await firstLine(socket)).toBe('hello\r\n')
    socket.destroy()
  })

  it('uses a new certificate for the next handshake, and keeps open connections', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const before = await secure(echo.server.tlsPort)
    await firstLine(before)
    const next = opensslCertificate(['localhost'])
    await echo.server.setTls(echoTlsSettings([next]))
    const after = await secure(echo.server.tlsPort, { ca: next.certificatePem })
    expect(after.getPeerCertificate().fingerprint.replaceAll(':', '')).toBe(next.thumbprint)
    before.write('alive\r\n')
    expect(await firstLine(before)).toBe('alive\r\n')
    for (const socket of [before, after]) socket.destroy()
  })

  it('closes the TLS port and does not offer STARTTLS while no certificate is assigned', async () => {
    await using echo = await startEcho({})
    expect(echo.server.tlsPort).toBeUndefined()
    await echo.server.setTls(echoTlsSettings([localhost]))
    const socket = await secure(echo.server.tlsPort)
    expect(await firstLine(socket)).toBe('hello\r\n')
    socket.destroy()
    await echo.server.setTls(undefined)
    expect(echo.server.tlsPort).toBeUndefined()
  })

  it('selects the certificate by SNI', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost, other]) })
    for (const [servername, certificate] of [
      ['localhost', localhost],
      ['other.test', other],
      ['a.wild.test', other],
      ['unknown.test', localhost],
    ] as const) {
      const options = { servername, ca: certificate.certificatePem, checkServerIdentity: () => undefined }
      const socket = await secure(echo.server.tlsPort, options)
      expect(socket.getPeerCertificate().fingerprint.replaceAll(':', '')).toBe(certificate.thumbprint)
      await firstLine(socket)
      expect(echo.sessions.list().at(-1)?.tls?.certificate?.thumbprint).toBe(certificate.thumbprint)
      socket.destroy()
    }
  })

  it('negotiates ALPN if the client offers its protocol, and ignores unknown offers', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const known = await secure(echo.server.tlsPort, { ALPNProtocols: ['h2', 'echo'] })
    expect(known.alpnProtocol).toBe('echo')
    const unknown = await secure(echo.server.tlsPort, { ALPNProtocols: ['h2'] })
    expect(unknown.alpnProtocol).toBe(false)
    await firstLine(unknown)
    expect(echo.sessions.list().at(-1)?.hello?.alpn).toEqual(['h2'])
    for (const socket of [known, unknown]) socket.destroy()
  })

  it('resumes sessions', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const first = await secure(echo.server.tlsPort)
    const [session] = (await once(first, 'session')) as [Buffer]
    first.destroy()
    const second = await secure(echo.server.tlsPort, { session })
    expect(second.isSessionReused()).toBe(true)
    await firstLine(second)
    expect(echo.sessions.list().at(-1)?.tls?.resumed).toBe(true)
    second.destroy()
  })

  it.each(some(['-tls1_2', '-tls1_3'], 1))('resumes no session with another certificate, %s', async (version) => {
    const folder = newFolder()
    const file = join(folder, 'session')
    await using echo = await startEcho({ tls: echoTlsSettings([localhost, other]) })
    const connection = [version, '-connect', `127.0.0.1:${echo.server.tlsPort}`]
    const names = ['localhost', 'other.test', 'a.wild.test', 'unknown.test']
    for (const first of names) {
      await sClient([...connection, '-servername', first, '-sess_out', file], 'QUIT\n')
      for (const second of names) {
        const sameCertificate = /other|wild/.test(first) === /other|wild/.test(second)
        const output = await sClient([...connection, '-servername', second, '-sess_in', file], 'QUIT\n')
        const how = /^(New|Reused), /m.exec(output)?.[1]
        expect([first, second, how]).toEqual([first, second, sameCertificate ? 'Reused' : 'New'])
      }
    }
  })

  it('serves each certificate by its own needs, and not by those of the first', async () => {
    const weak = {
      ...opensslCertificate(['weak.test'], 'rsa'),
      needs: { securityLevel: 0, maxVersion: 'TLSv1.2' } as const,
    }
    await using echo = await startEcho({ tls: echoTlsSettings([localhost, weak]) })
    const versions: (string | null)[] = []
    for (const [servername, { certificatePem: ca }] of [
      ['localhost', localhost],
      ['weak.test', weak],
    ] as const) {
      const socket = await secure(echo.server.tlsPort, { servername, ca })
      versions.push(socket.getProtocol())
      socket.destroy()
    }
    expect(versions).toEqual(['TLSv1.3', 'TLSv1.2'])
  })

  it('resumes a session when the client offers another ALPN name than before', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const first = await secure(echo.server.tlsPort, { maxVersion: 'TLSv1.2', ALPNProtocols: ['echo'] })
    await firstLine(first)
    const session = first.getSession() as Buffer
    first.destroy()
    const second = await secure(echo.server.tlsPort, { maxVersion: 'TLSv1.2', ALPNProtocols: ['other'], session })
    await firstLine(second)
    expect(second.isSessionReused()).toBe(true)
    expect(echo.sessions.list().map(({ tls }) => tls?.resumed)).toEqual([false, true])
    second.destroy()
  })

  it('records the address that the client connected to, also when it listens on all addresses', async () => {
    for (const address of ['127.0.0.1', '0.0.0.0']) {
      await using echo = await startEcho({ address, tls: echoTlsSettings([localhost]) })
      const socket = await secure(echo.server.tlsPort)
      await firstLine(socket)
      expect(echo.sessions.list()[0]).toMatchObject({ localAddress: '127.0.0.1', localPort: echo.server.tlsPort })
      socket.destroy()
    }
  })

  it.skipIf(!hasIpv6)('records IPv6 addresses in their short form', async () => {
    await using echo = await startEcho({ address: '0:0:0:0:0:0:0:1' })
    const socket = connect({ host: '::1', port: echo.server.port as number })
    await once(socket, 'data')
    expect(echo.sessions.list()[0]).toMatchObject({ localAddress: '::1', remoteAddress: '::1' })
    expect(describeSession(echo.sessions.list()[0] as SessionRecord)).toContain(' from ::1 port ')
    socket.destroy()
  })

  it('lists a client whose handshake failed neither as clear text nor as secure', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const onTlsPort = connect({ host: '127.0.0.1', port: echo.server.tlsPort as number })
    onTlsPort.end('EHLO me\r\n')
    await once(onTlsPort.resume(), 'close')
    const afterStartTls = connect({ host: '127.0.0.1', port: echo.server.port as number })
    await once(afterStartTls, 'data')
    afterStartTls.write('STARTTLS\r\n')
    await once(afterStartTls, 'data')
    afterStartTls.end('EHLO me\r\n')
    await once(afterStartTls.resume(), 'close')
    await expect.poll(() => echo.sessions.list().every(({ endedAt }) => endedAt !== undefined)).toBe(true)
    for (const record of echo.sessions.list()) {
      expect(describeSession(record)).toMatch(
        /, TLS not established, no log-on, handshake failed; refused: TLS handshake: /,
      )
    }
    expect(echo.sessions.list()).toHaveLength(2)
  })
})

describe('the 128-bit minimum', () => {
  const nullClient = (port: number | undefined) =>
    sClient(['-connect', `127.0.0.1:${port}`, '-tls1_2', '-cipher', 'NULL-SHA256:@SECLEVEL=0'], 'QUIT\n')
  const ciphers = 'NULL-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0'

  it('accepts a NULL suite while it is off and the policy allows the suite', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([rsa], { ciphers }) })
    expect(await nullClient(echo.server.tlsPort)).toMatch(/Cipher is NULL-SHA256[\s\S]*hello/)
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ bits: 0, cipher: 'TLS_RSA_WITH_NULL_SHA256' })
  })

  it('refuses the suite with an alert while it is on, and records what was offered', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([rsa], { ciphers, require128BitEncryption: true }) })
    const output = await nullClient(echo.server.tlsPort)
    expect(output).toContain('handshake failure')
    expect(output).not.toContain('hello')
    expect(echo.sessions.list()[0]?.refusals).toEqual([
      'TLS handshake: no cipher suite in common: the client offers TLS_RSA_WITH_NULL_SHA256 (0 bits); this virtual server requires 128-bit encryption: offer such a suite in the client, or set require128BitEncryption: false',
    ])
    const strong = await secure(echo.server.tlsPort, { ca: rsa.certificatePem, maxVersion: 'TLSv1.2' })
    expect(await firstLine(strong)).toBe('hello\r\n')
    strong.destroy()
  })
})

describe('versions', () => {
  it.each([
    ['TLSv1', 'TLSv1', '-tls1', true],
    ['TLSv1.1', 'TLSv1.1', '-tls1_1', true],
    ['TLSv1.2', 'TLSv1.2', '-tls1_2', true],
    ['TLSv1.3', 'TLSv1.3', '-tls1_3', true],
    ['TLSv1.3', 'TLSv1.3', '-tls1_2', false],
    ['TLSv1.2', 'TLSv1.3', '-tls1', false],
    ['TLSv1', 'TLSv1.2', '-tls1_3', false],
  ] as const)('%s to %s with a client of %s: %s', async (minVersion, maxVersion, client, accepted) => {
    await using echo = await startEcho({ tls: echoTlsSettings([rsa], { minVersion, maxVersion }) })
    const args = ['-connect', `127.0.0.1:${echo.server.tlsPort}`, client, '-cipher', 'DEFAULT:@SECLEVEL=0']
    const output = await sClient(args, 'QUIT\n')
    expect(output.includes('hello')).toBe(accepted)
    if (!accepted)
      expect(echo.sessions.list()[0]?.refusals[0]).toMatch(
        /the client offers .*TLSv1.*, this virtual server allows TLSv1/,
      )
  })
})

describe('failed handshakes', () => {
  it.each([
    ['clear text on the TLS port', 'EHLO me\r\n', /not TLS/],
    [
      'an incomplete record',
      Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x3f]),
      /closed the connection in the middle of its ClientHello/,
    ],
    ['an empty connection', '', /closed the connection before the handshake/],
    ['a ClientHello with a wrong length', Buffer.from([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3]), /./],
  ])('%s ends only that connection', async (_, octets, why) => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const socket = connect({ host: '127.0.0.1', port: echo.server.tlsPort as number })
    socket.on('error', () => {})
    socket.end(octets)
    socket.resume()
    await expect.poll(() => echo.sessions.list()[0]?.endCause).toBe('handshake failed')
    expect(echo.sessions.list()[0]?.refusals[0]).toMatch(why)
    const good = await secure(echo.server.tlsPort)
    expect(await firstLine(good)).toBe('hello\r\n')
    good.destroy()
  })

  it('are explained: the client does not trust the issuer', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    await sClient(['-connect', `127.0.0.1:${echo.server.tlsPort}`, '-verify_return_error', '-verify', '1'], 'QUIT\n')
    expect(echo.sessions.list()[0]?.refusals[0]).toMatch(/does not trust the issuer \(alert 48\)|certificate/)
  })
})
