import { expect, it } from 'vitest'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { RawClient } from '../servers/http/raw-client.ts'
import { LineClient } from '../support/line-client.ts'
import { binaryHeader, startAnnouncer } from '../support/proxy-header.ts'
import { LegacyClient } from '../tls/legacy/client.ts'

const proxyProtocol = { from: ['127.0.0.1'] }
const HEADERS = { 'version 1': 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 993\r\n', 'version 2': binaryHeader() }

/** Returns the only session of a lab, once it has ended. */
async function onlySession(lab: TestLab) {
  await expect.poll(() => lab.sessions().map(({ endedAt }) => endedAt !== undefined)).toEqual([true])
  return lab.sessions()[0]
}

const behindProxy = { remoteAddress: '203.0.113.7', remotePort: 4711, proxy: { address: '127.0.0.1' }, refusals: [] }

for (const [version, header] of Object.entries(HEADERS)) {
  it(`leaves a ClientHello in the same segment to implicit TLS: ${version}`, async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'imap4', proxyProtocol }] })
    await using proxy = await startAnnouncer(lab.server('imap4').tlsPort as number, header, 'client')
    const client = await LineClient.openTls(proxy.port, lab.ca)
    expect(await client.line()).toMatch(/^\* OK /)
    client.send('a LOGOUT\r\n')
    expect((await client.rest()).at(-1)).toMatch(/^a OK /)
    expect(await onlySession(lab)).toMatchObject({
      ...behindProxy,
      tls: { version: 'TLSv1.3', serverName: 'localhost' },
    })
  })

  it(`leaves a ClientHello in the same segment to the engine for old clients: ${version}`, async () => {
    await using lab = await startLab({
      certificates: { store: 'memory', key: 'rsa-2048' },
      virtualServers: [{ protocol: 'pop3', proxyProtocol, tls: { legacy: true } }],
    })
    await using proxy = await startAnnouncer(lab.server('pop3').tlsPort as number, header, 'client')
    const client = LegacyClient.connect(proxy.port)
    expect((await client.handshake()).suite.name).toMatch(/^TLS_RSA_/)
    client.destroy()
    await expect.poll(() => lab.sessions()[0]?.tls?.version).toBe('TLSv1')
    expect(lab.sessions()[0]).toMatchObject(behindProxy)
  })

  it(`is followed by STARTTLS: ${version}`, async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'nntp', proxyProtocol }] })
    await using proxy = await startAnnouncer(lab.server('nntp').port as number, header, 'server')
    const client = await LineClient.open(proxy.port)
    expect(await client.line()).toMatch(/^200 /)
    client.send('STARTTLS\r\n')
    expect(await client.line()).toMatch(/^382 /)
    await client.startTls(lab.ca)
    client.send('DATE\r\nQUIT\r\n')
    expect((await client.rest()).map((line) => line.slice(0, 3))).toEqual(['111', '205'])
    expect(await onlySession(lab)).toMatchObject({ ...behindProxy, tls: { version: 'TLSv1.3' } })
  })

  it(`comes once for all requests of an HTTP connection: ${version}`, async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'http', proxyProtocol }] })
    await using proxy = await startAnnouncer(lab.server('http').port as number, header, 'client')
    using client = new RawClient(proxy.port)
    for (let request = 0; request < 3; request++) {
      client.send('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'ok' })
    }
    client.socket.end()
    expect(await onlySession(lab)).toMatchObject(behindProxy)
  })
}

it('leaves no session behind if the proxy only checks the TLS port', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'imap4', proxyProtocol }] })
  const port = lab.server('imap4').tlsPort as number
  for (const header of ['PROXY UNKNOWN\r\n', binaryHeader({ command: 0 })]) {
    const check = await LineClient.open(port)
    check.send(header)
    check.end()
    expect(await check.rest()).toEqual([])
  }
  expect(lab.sessions()).toEqual([])
  // The first octets of TLS follow in a segment of their own.
  await using proxy = await startAnnouncer(port, 'PROXY UNKNOWN\r\n', 'server')
  const client = await LineClient.openTls(proxy.port, lab.ca)
  expect(await client.line()).toMatch(/^\* OK /)
  client.destroy()
  expect(await onlySession(lab)).toMatchObject({ remoteAddress: '127.0.0.1', tls: { version: 'TLSv1.3' } })
})

it('takes a second header for a request that is not HTTP', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'http', proxyProtocol }] })
  await using proxy = await startAnnouncer(lab.server('http').port as number, HEADERS['version 1'], 'client')
  using client = new RawClient(proxy.port)
  client.send('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await client.answer()).toMatchObject({ status: 200 })
  client.send('PROXY TCP4 192.0.2.99 192.0.2.1 1 80\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await client.answer()).toMatchObject({ status: 400 })
  expect((await onlySession(lab))?.remoteAddress).toBe('203.0.113.7')
})

it('is not in captures, which show the client', async () => {
  await using lab = await startLab({
    testing: { packets: 'memory' },
    virtualServers: [{ protocol: 'pop3', proxyProtocol, certificate: 'none' }, { protocol: 'http' }],
  })
  await using proxy = await startAnnouncer(lab.server('pop3').port as number, HEADERS['version 1'], 'server')
  const client = await LineClient.open(proxy.port)
  client.send('QUIT\r\n')
  await client.rest()
  const session = await onlySession(lab)
  const answer = await fetch(`http://127.0.0.1:${lab.server('http').port}/api/v1/sessions/${session?.id}/capture`)
  const octets = Buffer.from(await answer.arrayBuffer())
  expect(octets.includes('QUIT\r\n')).toBe(true)
  expect(octets.includes('PROXY')).toBe(false)
  // 203.0.113.7 to 192.0.2.1, as in the header of an IPv4 packet.
  expect(octets.includes(Buffer.from('cb007107c0000201', 'hex'))).toBe(true)
})

it('can be switched on and off by a reload', async () => {
  const servers = (on: boolean) => ({
    virtualServers: [{ protocol: 'pop3' as const, port: 0, ...(on ? { proxyProtocol } : {}) }],
  })
  await using lab = await startLab(servers(false))
  const greeting = async (first: string): Promise<string | undefined> => {
    const client = await LineClient.open(lab.server('pop3').port as number)
    client.send(first)
    const line = await client.line()
    client.destroy()
    return line
  }
  expect(await greeting('')).toMatch(/^\+OK/)
  await lab.reload(servers(true))
  expect(await greeting('QUIT\r\n')).toBeUndefined()
  expect(await greeting(HEADERS['version 1'])).toMatch(/^\+OK/)
  await lab.reload(servers(false))
  expect(await greeting('')).toMatch(/^\+OK/)
})
