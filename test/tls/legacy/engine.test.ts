import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { handshakeMessage, handshakeTypes } from '../../../src/tls/legacy/messages.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import { type LegacyVersion, legacySuites, legacyVersions } from '../../../src/tls/legacy/suites.ts'
import { uint16, vector } from '../../../src/tls/negotiation/octets.ts'
import { some } from '../../support/thorough.ts'
import { type ClientOptions, LegacyClient, paddedBlock } from './client.ts'
import { type OldServerOptions, startOldEcho } from './server.ts'

const RC4_40 = 0x0003
const DES = 0x0009
const TRIPLE_DES = 0x000a
const AES_128 = 0x002f

/** Returns the alert that ends the handshake of a client; `none` if it succeeds. */
async function alertFor(client: ClientOptions, server: OldServerOptions = {}): Promise<string> {
  await using echo = await startOldEcho(server)
  const legacy = LegacyClient.connect(echo.server.tlsPort as number, client)
  try {
    await legacy.handshake()
    return 'none'
  } catch (error) {
    return (error as Error).message.replace(/^.*alert /, '')
  } finally {
    legacy.destroy()
  }
}

/** Index of the highest version of a suite: TLS 1.1 has no export suites (RFC 4346 A.5), TLS 1.2 no DES (RFC 5246 1.2). */
function highestFor(name: string): number {
  if (name.includes('EXPORT')) return 1
  return name.includes('_DES_CBC_') ? 2 : 3
}

describe('a handshake', () => {
  const versions = Object.keys(legacyVersions) as LegacyVersion[]
  const each = versions.flatMap((version) => legacySuites.map((suite) => [version, suite] as const))
  it.each(
    some(
      each.map(([version, suite]) => [version, suite.name, suite] as const),
      30,
    ),
  )('negotiates %s and %s, or the highest version that the suite may be used with', async (version, _, suite) => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number, {
      version: legacyVersions[version],
      suites: [suite.id],
    })
    const expected = { version: versions.at(Math.min(versions.indexOf(version), highestFor(suite.name))) }
    expect(await client.handshake()).toMatchObject({ ...expected, suite })
    await client.expectText('hello\r\n')
    client.send('a line\r\n')
    await client.expectText('a line\r\n')
    expect(echo.sessions.list()[0]?.tls).toMatchObject({ ...expected, cipher: suite.name, bits: suite.keyBits })
  })

  it.each(['TLSv1', 'SSLv3'] as const)('may start with an SSL 2.0 ClientHello that offers %s', async (version) => {
    await using echo = await startOldEcho()
    const random = Buffer.concat([Buffer.alloc(16), randomBytes(16)])
    using client = LegacyClient.connect(echo.server.tlsPort as number, { version: legacyVersions[version], random })
    client.sslv2Hello = true
    expect(await client.handshake()).toMatchObject({ version })
  })

  it('chooses the strongest suite offered and ignores the client’s order', async () => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [RC4_40, DES, AES_128] })
    expect((await client.handshake()).suite.id).toBe(AES_128)
  })

  it('works over STARTTLS', async () => {
    await using echo = await startOldEcho()
    const raw = connect({ host: '127.0.0.1', port: echo.server.port as number })
    await once(raw, 'data')
    raw.write('STARTTLS\r\n')
    expect(String((await once(raw, 'data'))[0])).toBe('go\r\n')
    using client = new LegacyClient(raw, { suites: [DES] })
    await client.handshake()
    client.send('a line\r\n')
    await client.expectText('a line\r\n')
  })

  it('can be resumed by its session id, unless a fatal alert ended the session', async () => {
    await using echo = await startOldEcho()
    const port = echo.server.tlsPort as number
    const first = LegacyClient.connect(port)
    const { sessionId, parameters } = await first.handshake()
    first.destroy()
    const second = LegacyClient.connect(port, { sessionId })
    second.sendHello()
    const hello = await second.serverHello()
    expect(hello.sessionId).toEqual(sessionId)
    const resumed = { ...parameters, randoms: { client: second.random, server: hello.random } }
    await second.serverFinished(resumed)
    second.sendFinished(resumed)
    await second.expectText('hello\r\n')
    expect(
      echo.sessions
        .list()
        .map(({ tls }) => tls?.resumed)
        .sort(),
    ).toEqual([false, true])
    second.transport.write(contentTypes.handshake, Buffer.from('nonsense'))
    await expect(second.expectText('never')).rejects.toThrow('unexpected_message')
    using third = LegacyClient.connect(port, { sessionId })
    expect((await third.handshake()).sessionId).not.toEqual(sessionId)
  })

  it('signals secure renegotiation if the client does, by SCSV or by extension (RFC 5746)', async () => {
    await using echo = await startOldEcho()
    const renegotiationInfo = Buffer.concat([uint16(0xff01), vector(2, Buffer.of(0))])
    for (const options of [{ suites: [AES_128, 0x00ff] }, { extensions: renegotiationInfo }, {}]) {
      using client = LegacyClient.connect(echo.server.tlsPort as number, options)
      const { extensions } = await client.handshake()
      expect(extensions).toEqual('suites' in options || 'extensions' in options ? renegotiationInfo : Buffer.alloc(0))
    }
  })
})

describe('a client is refused', () => {
  const renegotiation = Buffer.concat([uint16(0xff01), vector(2, vector(1, Buffer.alloc(12)))])
  it.each([
    ['without the null compression method', { compressions: [1] }, {}, 'illegal_parameter'],
    ['with another handshake’s renegotiation_info', { extensions: renegotiation }, {}, 'handshake_failure'],
    ['that falls back (RFC 7507)', { version: 0x0300, suites: [AES_128, 0x5600] }, {}, 'inappropriate_fallback'],
    ['that falls back from TLS 1.2 (RFC 7507)', { suites: [AES_128, 0x5600] }, {}, 'inappropriate_fallback'],
    [
      'of 56 bits where 128 are required',
      { suites: [DES] },
      { require128BitEncryption: true },
      'insufficient_security',
    ],
    [
      'of 40 bits where 128 are required',
      { suites: [RC4_40] },
      { require128BitEncryption: true },
      'insufficient_security',
    ],
    ['of 168 bits by key length: never', { suites: [TRIPLE_DES] }, { require128BitEncryption: true }, 'none'],
    [
      'of 112 bits by strength, if that counts',
      { suites: [TRIPLE_DES] },
      { require128BitEncryption: true, strength: 'effective' },
      'insufficient_security',
    ],
  ] as const)('%s', async (_, client, server, alert) => {
    expect(await alertFor(client, server)).toBe(alert)
  })

  it('and the record names the suites with their bits', async () => {
    await using echo = await startOldEcho({ require128BitEncryption: true })
    const client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [DES, RC4_40] })
    await expect(client.handshake()).rejects.toThrow('insufficient_security')
    await expect
      .poll(() => echo.sessions.list()[0]?.refusals[0])
      .toMatch(/requires 128-bit.*TLS_RSA_WITH_DES_CBC_SHA \(56 bits\), TLS_RSA_EXPORT_WITH_RC4_40_MD5 \(40 bits\)/)
  })
})

describe('an attacker learns nothing but the failure', () => {
  const wrongVersion = (secret: Buffer): Buffer => Buffer.concat([uint16(0x0300), secret.subarray(2)])
  it.each<[string, NonNullable<ClientOptions['encryptedBlock']>]>([
    ['the block type is wrong', (secret, octets) => overwrite(paddedBlock(secret, octets), 1, 1)],
    ['the first octet is not zero', (secret, octets) => overwrite(paddedBlock(secret, octets), 0, 1)],
    ['there is no zero before the secret', (secret, octets) => overwrite(paddedBlock(secret, octets), octets - 49, 7)],
    ['there is a zero in the padding', (secret, octets) => overwrite(paddedBlock(secret, octets), 20, 0)],
    ['the secret is too short', (secret, octets) => paddedBlock(secret.subarray(0, 40), octets)],
    ['the secret is too long', (secret, octets) => paddedBlock(Buffer.concat([secret, secret]), octets)],
    ['the version is not the one offered', (secret, octets) => paddedBlock(wrongVersion(secret), octets)],
  ])('about the RSA encryption: %s', async (_, encryptedBlock) => {
    expect(await alertFor({ suites: [AES_128], encryptedBlock })).toBe('bad_record_mac')
  })

  it.each(['TLSv1', 'SSLv3'] as const)('about padding and MAC, in %s', async (version) => {
    await using echo = await startOldEcho()
    for (let octet = 0; octet < 32; octet++) {
      const client = LegacyClient.connect(echo.server.tlsPort as number, {
        suites: [AES_128],
        version: legacyVersions[version],
      })
      await client.handshake()
      await client.expectText('hello\r\n')
      const sealed = client.transport.output.seal(contentTypes.applicationData, Buffer.from('eleven oct.'))
      sealed[octet] = (sealed[octet] as number) ^ 0x01
      client.transport.output = { splitsFirstOctet: false, seal: () => sealed, open: () => undefined }
      client.send('x')
      await expect(client.expectText('never')).rejects.toThrow('bad_record_mac')
    }
  })
})

describe('after the handshake', () => {
  it('renegotiation is refused: by a warning in TLS 1.0, by closing in SSL 3.0', async () => {
    await using echo = await startOldEcho()
    const port = echo.server.tlsPort as number
    const tls10 = LegacyClient.connect(port)
    await tls10.handshake()
    tls10.sendHello()
    tls10.send('a line\r\n')
    await tls10.expectText('a line\r\n')
    for (let i = 0; i < 3; i++) tls10.sendHello()
    await expect(tls10.expectText('never')).rejects.toThrow('handshake_failure')
    const ssl3 = LegacyClient.connect(port, { version: legacyVersions.SSLv3 })
    await ssl3.handshake()
    ssl3.sendHello()
    await expect(ssl3.expectText('never')).rejects.toThrow('handshake_failure')
  })

  it('block ciphers send the first octet in its own record (BEAST), stream ciphers do not', async () => {
    await using echo = await startOldEcho()
    for (const [suite, sizes] of [
      [AES_128, [1, 'hello\r\n'.length - 1]],
      [RC4_40, ['hello\r\n'.length]],
    ] as const) {
      using client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [suite] })
      await client.handshake()
      const seen: number[] = []
      while (seen.reduce((sum, octets) => sum + octets, 0) < 7) {
        const record = client.transport.take()
        if (record && record !== 'closed') seen.push(record.content.length)
        else await client.moreInput()
      }
      expect(seen).toEqual(sizes)
    }
  })

  it.each([
    [
      'an empty record of another type',
      (client: LegacyClient) => client.transport.write(contentTypes.handshake, Buffer.alloc(0)),
    ],
    [
      'endless empty records',
      (client: LegacyClient) => {
        for (let i = 0; i < 40; i++) client.transport.write(contentTypes.applicationData, Buffer.alloc(0))
      },
    ],
    [
      'endless warnings',
      (client: LegacyClient) => {
        for (let i = 0; i < 10; i++) client.transport.writeAlert('warning', 'no_renegotiation')
      },
    ],
    [
      'a message that only a server sends',
      (client: LegacyClient) =>
        client.transport.write(
          contentTypes.handshake,
          handshakeMessage(handshakeTypes.serverHelloDone, Buffer.alloc(0)),
        ),
    ],
    [
      'a second ChangeCipherSpec',
      (client: LegacyClient) => client.transport.write(contentTypes.changeCipherSpec, Buffer.of(1)),
    ],
  ])('%s ends the connection with unexpected_message', async (_, misbehave) => {
    await using echo = await startOldEcho()
    const client = LegacyClient.connect(echo.server.tlsPort as number)
    await client.handshake()
    misbehave(client)
    await expect(client.expectText('never')).rejects.toThrow('unexpected_message')
  })

  it('large data arrives completely in both directions', async () => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number)
    await client.handshake()
    await client.expectText('hello\r\n')
    const data = randomBytes(3_000_000).toString('hex')
    client.send(`OCTETS ${data.length}\r\n${data}`)
    let got = 0
    while (got < data.length) {
      const record = client.transport.take()
      if (record && record !== 'closed') {
        expect(record.content.toString()).toBe(data.slice(got, got + record.content.length))
        got += record.content.length
      } else await client.moreInput()
    }
  })
})

function overwrite(block: Buffer, at: number, octet: number): Buffer {
  block[at] = octet
  return block
}
