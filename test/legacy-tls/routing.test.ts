import { once } from 'node:events'
import { connect } from 'node:net'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import { legacySuites } from '../../src/legacy-tls/suites.ts'
import { nodeCanServe, nodeCapabilities } from '../../src/tls/node-suites.ts'
import { suiteName } from '../../src/tls/suites.ts'
import { echoTlsSettings, modernPolicy, startEcho } from '../support/echo-server.ts'
import { opensslCertificate } from '../support/openssl.ts'

const rsa = opensslCertificate(['localhost'], 'rsa')
const p256 = opensslCertificate(['localhost'])
const legacy = { suites: legacySuites, strength: 'nominal', certificates: [rsa] } as const

const hello = (version: string, ...suites: number[]) => ({ versions: [version], suites, alpn: [] })

describe('which clients node:tls can serve', () => {
  it.each([
    ['TLS 1.3', 'TLSv1.3', 0x1301, true],
    ['TLS 1.2 with GCM', 'TLSv1.2', 0xc02f, true],
    ['TLS 1.2 with a suite for another key type', 'TLSv1.2', 0xc02b, false],
    ['TLS 1.2 with only 3DES', 'TLSv1.2', 0x000a, false],
    ['TLS 1.0', 'TLSv1', 0xc013, false],
    ['SSL 3.0', 'SSLv3', 0x002f, false],
  ])('%s, under the default policy with an RSA certificate', async (_, version, suite, expected) => {
    const capabilities = await nodeCapabilities(modernPolicy, [rsa])
    expect(nodeCanServe(hello(version, suite), capabilities)).toBe(expected)
  })

  it('follows the policy', async () => {
    const old = await nodeCapabilities({ ...modernPolicy, minVersion: 'TLSv1', ciphers: 'AES128-SHA' }, [rsa])
    expect([...old.suites].map(suiteName)).toContain('TLS_RSA_WITH_AES_128_CBC_SHA')
    expect(nodeCanServe(hello('TLSv1', 0x002f), old)).toBe(true)
    expect(nodeCanServe(hello('TLSv1', 0x003c), old)).toBe(false)
    const ec = await nodeCapabilities(modernPolicy, [p256])
    expect(nodeCanServe(hello('TLSv1.2', 0xc02b), ec)).toBe(true)
    expect(nodeCanServe(hello('TLSv1.2', 0xc02f), ec)).toBe(false)
  })
})

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
