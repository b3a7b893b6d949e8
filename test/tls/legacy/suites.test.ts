import { describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { type LegacySuite, legacySuites, legacyVersions } from '../../../src/tls/legacy/suites.ts'
import { suiteBits, suiteName } from '../../../src/tls/negotiation/suites.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { some } from '../../support/thorough.ts'
import { LegacyClient } from './client.ts'
import { startOldEcho } from './server.ts'

const named = (name: string): LegacySuite => legacySuites.find((suite) => suite.name === name) as LegacySuite
const DHE_AES = named('TLS_DHE_RSA_WITH_AES_128_CBC_SHA')
const ANONYMOUS_AES = named('TLS_DH_anon_WITH_AES_256_CBC_SHA')

describe('the tables', () => {
  it.each(
    some(
      legacySuites.map((suite) => [suite.name, suite] as const),
      12,
    ),
  )('agree about %s', (name, { id, keyBits }) => {
    expect(suiteName(id)).toBe(name)
    expect(suiteBits(name)).toBe(keyBits)
  })
})

/** The suites that `legacy: true` allows, as docs/old-clients.md lists them. */
const DEFAULT_SUITES = 11

describe('tls.legacy', () => {
  it('true leaves out Diffie-Hellman and the EXPORT1024 suites with MD5', async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'pop3', tls: { legacy: true } }] })
    const served: string[] = []
    for (const suite of legacySuites) {
      using client = LegacyClient.connect(lab.server('pop3').tlsPort, { suites: [suite.id] })
      await client.handshake().then(
        () => served.push(suite.name),
        () => {},
      )
    }
    expect(served).toEqual(legacySuites.slice(0, DEFAULT_SUITES).map(({ name }) => name))
    expect(served.filter((name) => /DH|EXPORT1024.*MD5/.test(name))).toEqual([])
  })

  it('shows an anonymous session without a certificate', async () => {
    await using lab = await startLab({
      virtualServers: [{ protocol: 'pop3', tls: { legacy: [ANONYMOUS_AES.name] } }],
    })
    const client = LegacyClient.connect(lab.server('pop3').tlsPort, { suites: [ANONYMOUS_AES.id] })
    await client.handshake()
    await client.expectText('+OK')
    client.destroy()
    const { tls } = lab.sessions()[0] ?? {}
    expect(tls).toMatchObject({ cipher: ANONYMOUS_AES.name, bits: 256, keyExchange: 'DH_anon' })
    expect(tls?.certificate).toBeUndefined()
  })
})

describe('the 128-bit minimum by effective strength', () => {
  it.each([
    [DHE_AES.name, '80 bits'],
    [ANONYMOUS_AES.name, '0 bits'],
    ['TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5', '56 bits'],
    ['TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA', '40 bits'],
  ])('refuses %s: %s', async (name, bits) => {
    await using echo = await startOldEcho({ require128BitEncryption: true, strength: 'effective' })
    const client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [named(name).id] })
    await expect(client.handshake()).rejects.toThrow('insufficient_security')
    client.destroy()
    await expect.poll(() => echo.sessions.list()[0]?.refusals[0]).toContain(`${name} (${bits})`)
  })
})

describe('Diffie-Hellman', () => {
  const one = Buffer.of(1)
  const huge = Buffer.alloc(129, 0xff)
  it.each([
    ['0', Buffer.of(0)],
    ['1', one],
    ['nothing', Buffer.alloc(0), 'decode_error'],
    ['a number above the prime', Buffer.alloc(128, 0xff)],
    ['a longer number', huge],
  ])('%s as the client’s value is refused', async (_, dhValue, alert = 'illegal_parameter') => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [DHE_AES.id], dhValue })
    await expect(client.handshake()).rejects.toThrow(alert)
  })

  it('p - 1 as the client’s value is refused', async () => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [DHE_AES.id] })
    client.sendHello()
    const flight = await client.serverFlight()
    if (!('dh' in flight.key)) throw new Error('no Diffie-Hellman')
    const { prime } = flight.key.dh
    const dhValue = Buffer.concat([prime.subarray(0, -1), Buffer.of((prime.at(-1) as number) - 1)])
    Object.assign(client.options, { dhValue })
    client.sendFinished(client.sendKeyExchange(flight))
    await expect(client.serverFinished(flight as never)).rejects.toThrow('illegal_parameter')
  })

  it('uses a new key for each handshake', async () => {
    await using echo = await startOldEcho()
    const values: string[] = []
    for (let i = 0; i < 2; i++) {
      using client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [DHE_AES.id] })
      client.sendHello()
      const { key } = await client.serverFlight()
      values.push('dh' in key ? key.dh.value.toString('hex') : '')
    }
    expect(new Set(values).size).toBe(2)
  })
})

describe('the signature of the parameters in TLS 1.2 (RFC 5246 section 7.4.1.4.1)', () => {
  const offering = (...ids: number[]): Buffer => {
    const list = Buffer.concat(ids.map((id) => Buffer.of(id >> 8, id & 0xff)))
    return Buffer.concat([Buffer.of(0, 13, 0, list.length + 2, 0, list.length), list])
  }
  it.each([
    ['without the extension', undefined, 0x0201],
    ['with SHA-1 only', offering(0x0203, 0x0201), 0x0201],
    ['with SHA-256 and SHA-1', offering(0x0201, 0x0804, 0x0401), 0x0401],
  ])('%s', async (_, extensions, expected) => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number, {
      version: legacyVersions['TLSv1.2'],
      suites: [DHE_AES.id],
      ...(extensions ? { extensions } : {}),
    })
    await client.handshake()
    expect(client.signatureAlgorithm).toBe(expected)
  })

  it('with elliptic curves only: refused', async () => {
    await using echo = await startOldEcho()
    const client = LegacyClient.connect(echo.server.tlsPort as number, {
      version: legacyVersions['TLSv1.2'],
      suites: [DHE_AES.id],
      extensions: offering(0x0403),
    })
    await expect(client.handshake()).rejects.toThrow('handshake_failure')
    client.destroy()
    await expect.poll(() => echo.sessions.list()[0]?.refusals[0]).toMatch(/accepts no RSA signature/)
  })
})

describe.skipIf(!needs('openssl'))('openssl s_client', () => {
  it.each([
    ['-tls1_2', 'DHE-RSA-AES256-SHA', 'TLSv1.2'],
    ['-tls1_1', 'DHE-RSA-AES128-SHA', 'TLSv1.1'],
    ['-tls1', 'DHE-RSA-AES128-SHA', 'TLSv1'],
    ['-tls1_2', 'ADH-AES256-SHA', 'TLSv1.2'],
    ['-tls1_1', 'ADH-AES128-SHA', 'TLSv1.1'],
    ['-tls1', 'ADH-AES128-SHA', 'TLSv1'],
  ])('%s negotiates %s', async (option, opensslName, version) => {
    await using echo = await startOldEcho()
    const args = ['-connect', `127.0.0.1:${echo.server.tlsPort}`, option, '-cipher', `${opensslName}:@SECLEVEL=0`]
    const output = await sClient(args, 'QUIT\r\n')
    expect(output).toContain('hello')
    expect(output).toMatch(/Temp Key: DH, 1024 bits/)
    expect(output.includes('no peer certificate available')).toBe(opensslName.startsWith('ADH'))
    const suite = legacySuites.find((one) => one.opensslName === opensslName)
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ version, cipher: suite?.name })
  })
})
