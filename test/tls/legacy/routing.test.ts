import { once } from 'node:events'
import { connect } from 'node:net'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import { legacySuites } from '../../../src/tls/legacy/suites.ts'
import type { TlsPolicy } from '../../../src/tls/negotiation/policy.ts'
import { keyShares, signatureAlgorithms, supportedGroups, supportedVersions } from '../../support/client-hello.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { opensslCertificate, sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { type ClientOptions, LegacyClient } from './client.ts'

const rsa = opensslCertificate(['localhost'], 'rsa')
const p256 = opensslCertificate(['localhost'])
const legacy = { suites: legacySuites, strength: 'nominal', certificates: [rsa] } as const

describe('a virtual server with the engine for old clients', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('serves %s with node:tls', async (version) => {
    await using echo = await startEcho({ tls: { ...echoTlsSettings([p256]), legacy } })
    const client = tls.connect({
      port: echo.server.tlsPort as number,
      ca: p256.certificatePem,
      minVersion: version,
      maxVersion: version,
    })
    expect(String((await once(client, 'data'))[0])).toBe('hello\r\n')
    expect(client.getProtocol()).toBe(version)
    expect(client.getPeerX509Certificate()?.fingerprint.replaceAll(':', '')).toBe(p256.thumbprint)
    client.destroy()
  })

  it('refuses a client that neither can serve with an alert, and records its offer', async () => {
    await using echo = await startEcho({ tls: { ...echoTlsSettings([p256]), legacy } })
    const client = tls.connect({
      port: echo.server.tlsPort as number,
      ca: p256.certificatePem,
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    })
    await expect(once(client, 'secureConnect')).rejects.toThrow(/alert/)
    await expect.poll(() => echo.sessions.list()[0]?.refusals[0]).toMatch(/no cipher suite in common.*ECDHE_RSA/)
  })

  it('closes when it receives clear text', async () => {
    await using echo = await startEcho({ tls: { ...echoTlsSettings([p256]), legacy } })
    const client = connect({ port: echo.server.tlsPort as number, host: '127.0.0.1' })
    client.end('EHLO there\r\n')
    client.resume()
    await once(client, 'close')
    await expect.poll(() => echo.sessions.list()[0]?.refusals[0]).toMatch(/not TLS/)
  })
})

describe('clients that only one of Node.js and the engine can serve', () => {
  const TRIPLE_DES = 0x000a
  const DHE_RSA_AES_128 = 0x0033
  const RC4_MD5 = 0x0004

  /** Starts a server of the given versions and suites, with the engine for old clients. */
  const start = (certificates: (typeof rsa)[], policy: Partial<TlsPolicy>) =>
    startEcho({ tls: { ...echoTlsSettings(certificates, policy), legacy } })

  /** Returns what a client negotiates, or the alert that it receives. */
  async function outcome(port: number | undefined, options: ClientOptions): Promise<string> {
    const client = LegacyClient.connect(port as number, options)
    try {
      const { suite, version } = await client.handshake()
      return `${version} ${suite.opensslName}`
    } catch (error) {
      return (error as Error).message.replace(/^.*alert /, '')
    } finally {
      client.destroy()
    }
  }

  it('DHE-RSA, 3DES and RC4 with TLS 1.0: the engine, where the certificate for Node.js is not RSA', async () => {
    const suites = [DHE_RSA_AES_128, TRIPLE_DES, RC4_MD5]
    await using echo = await start([p256], { minVersion: 'TLSv1' })
    expect(await outcome(echo.server.tlsPort, { suites })).toMatch(/^TLSv1 /)
  })

  it.skipIf(!needs('openssl'))('DHE-RSA with TLS 1.0: Node.js', async () => {
    await using echo = await start([rsa], { minVersion: 'TLSv1' })
    const args = ['-tls1', '-cipher', 'DHE-RSA-AES128-SHA:@SECLEVEL=0', '-connect', `127.0.0.1:${echo.server.tlsPort}`]
    expect(await sClient(args, 'QUIT\r\n')).toMatch(/Cipher is DHE-RSA-AES128-SHA[\s\S]*hello/)
    expect(echo.sessions.list()[0]?.tls?.cipher).toBe('TLS_DHE_RSA_WITH_AES_128_CBC_SHA')
  })

  it.skipIf(!needs('openssl'))('a virtual server with one DHE suite, without the engine: Node.js', async () => {
    await using echo = await startEcho({ tls: echoTlsSettings([rsa], { ciphers: 'DHE-RSA-AES256-GCM-SHA384' }) })
    const output = await sClient(['-tls1_2', '-connect', `127.0.0.1:${echo.server.tlsPort}`], 'QUIT\r\n')
    expect(output).toMatch(/Cipher is DHE-RSA-AES256-GCM-SHA384[\s\S]*hello/)
  })

  it.skipIf(!needs('openssl'))('TLS 1.2 with SHA-1 signatures only: the engine', async () => {
    await using echo = await start([rsa], {})
    const args = ['-tls1_2', '-sigalgs', 'RSA+SHA1', '-cipher', 'AES128-SHA:@SECLEVEL=0']
    const output = await sClient([...args, '-connect', `127.0.0.1:${echo.server.tlsPort}`], 'QUIT\r\n')
    expect(output).toMatch(/Cipher is AES128-SHA[\s\S]*hello/)
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ version: 'TLSv1.2', cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA' })
  })

  it('TLS 1.2 where the policy begins with TLS 1.3: neither, but old clients are served', async () => {
    await using echo = await start([rsa], { minVersion: 'TLSv1.3' })
    for (const suites of [[RC4_MD5], [0x002f, RC4_MD5]]) {
      expect(await outcome(echo.server.tlsPort, { suites, version: 0x0303 })).toBe('protocol_version')
    }
    expect(echo.sessions.list()[0]?.refusals[0]).toMatch(
      /the client offers TLSv1\.2, this virtual server allows TLSv1\.3/,
    )
    expect(await outcome(echo.server.tlsPort, { suites: [RC4_MD5] })).toBe('TLSv1 RC4-MD5')
  })

  it('supported_versions without an old version: never the engine', async () => {
    await using echo = await start([rsa], {})
    const extensions = supportedVersions(0x0304)
    expect(await outcome(echo.server.tlsPort, { suites: [RC4_MD5], version: 0x0303, extensions })).toBe(
      'handshake_failure',
    )
  })

  const suites13 = [0x1301, 0x002f, RC4_MD5]
  const signatures = signatureAlgorithms(0x0403, 0x0804, 0x0401)
  const groups = supportedGroups(0x001d)
  const versions13 = supportedVersions(0x0304, 0x0303)
  it.each([
    ['without supported_groups', [versions13, signatures, keyShares(0x001d)], suites13, '109'],
    ['without key_share', [versions13, signatures, groups], suites13, '109'],
    ['without signature_algorithms', [versions13, groups, keyShares(0x001d)], suites13, '109'],
    ['with no extension but supported_versions', [versions13], suites13, '109'],
    ['without a suite of TLS 1.3', [versions13, signatures, groups, keyShares(0x001d)], [0x002f], 'handshake_failure'],
    [
      'without a common group',
      [versions13, signatures, supportedGroups(0x0013), keyShares()],
      suites13,
      'handshake_failure',
    ],
  ])('TLS 1.3 %s: refused in TLS 1.3, because the client would refuse TLS 1.2', async (_, list, suites, alert) => {
    await using echo = await start([rsa], {})
    // Without TLS 1.3, the engine serves this client.
    const options = { suites, version: 0x0303, extensions: Buffer.concat(list) }
    expect(await outcome(echo.server.tlsPort, options)).toBe(alert)
    expect(await outcome(echo.server.tlsPort, { ...options, extensions: signatures })).toMatch(/^TLSv1.2 /)
  })

  it('an old version with suites that the engine does not have: the suites are named, not only the version', async () => {
    await using echo = await start([rsa], {})
    expect(await outcome(echo.server.tlsPort, { suites: [0x0007] })).toBe('protocol_version')
    await expect
      .poll(() => echo.sessions.list()[0]?.refusals[0])
      .toBe(
        'TLS handshake: no cipher suite in common: the client offers TLSv1 with TLS_RSA_WITH_IDEA_CBC_SHA (128 bits); ' +
          'for this version, this virtual server has only the suites of tls.legacy',
      )
  })

  it('a certificate that SNI selects decides with its own key', async () => {
    const named = opensslCertificate(['rsa.test'], 'rsa')
    await using echo = await startEcho({ tls: echoTlsSettings([p256, named]) })
    const args = ['-tls1_2', '-cipher', 'AES128-GCM-SHA256', '-connect', `127.0.0.1:${echo.server.tlsPort}`]
    expect(await sClient([...args, '-servername', 'rsa.test'], 'QUIT\r\n')).toContain('hello')
    await sClient([...args, '-servername', 'localhost'], 'QUIT\r\n')
    await expect
      .poll(() => echo.sessions.list()[1]?.refusals[0])
      .toMatch(
        /no cipher suite in common for the certificate’s key \(ECDSA\): the client offers TLS_RSA_WITH_AES_128_GCM/,
      )
  })
})
