import { afterEach, describe, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import { bearer, HttpLab } from './client.ts'
import { RawClient } from './raw-client.ts'

type Server = NonNullable<LabInput['virtualServers']>[number]

const token = 'admin-admin-admin'
let http: HttpLab
afterEach(() => http[Symbol.asyncDispose]())

/** Starts a lab that takes this machine for its proxy. */
async function start(server: Partial<Server> = {}, more: LabInput = {}): Promise<void> {
  http = await HttpLab.start({
    access: { tokens: [{ name: 'ci', token }] },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'http', forwarded: { from: ['127.0.0.1', '10.0.0.0/8'] }, ...server } as Server],
    ...more,
  })
}

const port = (): number => http.lab.server('http').port as number

/** Sends a request on a connection of its own, and returns its status and its session. */
async function ask(fields: Readonly<Record<string, string>>, path = '/livez', method = 'GET') {
  const known = http.lab.sessions().length
  using client = new RawClient(port())
  const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...fields }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  client.send(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const answer = await client.answer()
  await client.closed()
  await expect.poll(() => http.lab.sessions()[known]?.endedAt).toBeDefined()
  return {
    status: answer?.status,
    headers: answer?.headers,
    body: answer?.body ?? '',
    session: http.lab.sessions()[known],
  }
}

const asAdmin = { Authorization: `Bearer ${token}` }

const clients: Readonly<Record<string, readonly [Readonly<Record<string, string>>, string]>> = {
  'X-Forwarded-For': [{ 'X-Forwarded-For': '203.0.113.7' }, '203.0.113.7'],
  'an IPv6 address': [{ 'X-Forwarded-For': '2001:db8::7' }, '2001:db8::7'],
  'an address with a port': [{ 'X-Forwarded-For': '203.0.113.7:4711' }, '203.0.113.7'],
  'what the client has invented before': [{ 'X-Forwarded-For': '192.0.2.1, 127.0.0.1, 203.0.113.7' }, '203.0.113.7'],
  'further listed proxies': [{ 'X-Forwarded-For': '203.0.113.7, 10.0.0.1,10.0.0.2' }, '203.0.113.7'],
  'listed proxies only': [{ 'X-Forwarded-For': '10.0.0.1, 10.0.0.2' }, '10.0.0.1'],
  'a hop that is unknown': [{ 'X-Forwarded-For': '203.0.113.7, unknown, 10.0.0.2' }, '10.0.0.2'],
  'nothing but an unknown hop': [{ 'X-Forwarded-For': 'unknown' }, '127.0.0.1'],
  Forwarded: [{ Forwarded: 'for=203.0.113.7;proto=https;by=10.0.0.1' }, '203.0.113.7'],
  'Forwarded with an IPv6 address': [{ Forwarded: 'For="[2001:db8::7]:4711"' }, '2001:db8::7'],
  'Forwarded with several hops': [
    { Forwarded: 'for=192.0.2.1, for="203.0.113.7"; host=a , for=10.0.0.2' },
    '203.0.113.7',
  ],
  'Forwarded with a hidden hop': [{ Forwarded: 'for=203.0.113.7, for=_hidden, for=10.0.0.2' }, '10.0.0.2'],
  'both, which agree': [{ 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=203.0.113.7' }, '203.0.113.7'],
}

describe('the client of a request that a listed proxy forwards', () => {
  for (const [what, [fields, address]] of Object.entries(clients)) {
    it(`is in the session: ${what}`, async () => {
      await start()
      const { status, session } = await ask(fields)
      expect([status, session?.remoteAddress]).toEqual([200, address])
      expect(session?.proxy?.address).toBe(address === '127.0.0.1' ? undefined : '127.0.0.1')
    })
  }

  it('is not believed from other addresses', async () => {
    await start({ forwarded: { from: ['10.0.0.1'] } })
    const { session } = await ask({ 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=192.0.2.1' })
    expect([session?.remoteAddress, session?.proxy]).toEqual(['127.0.0.1', undefined])
  })

  it('changes from request to request on one connection', async () => {
    await start()
    using client = new RawClient(port())
    for (const address of ['203.0.113.7', '203.0.113.7', '203.0.113.8', '']) {
      const field = address === '' ? '' : `X-Forwarded-For: ${address}\r\n`
      client.send(`GET /livez HTTP/1.1\r\nHost: localhost\r\n${field}\r\n`)
      expect(await client.answer()).toMatchObject({ status: 200 })
    }
    const [session] = http.lab.sessions()
    expect(session?.remoteAddress).toBe('127.0.0.1')
    expect(
      describeTranscript(session as NonNullable<typeof session>).filter((line) => line.includes('(requests')),
    ).toEqual([
      expect.stringContaining('requests of 203.0.113.7, forwarded by the proxy'),
      expect.stringContaining('requests of 203.0.113.8, forwarded by the proxy'),
      expect.stringContaining('requests of the proxy itself'),
    ])
  })

  it('is announced by the PROXY protocol to a proxy before it', async () => {
    await start({ proxyProtocol: { from: ['127.0.0.1'] }, forwarded: { from: ['10.0.0.1'] } })
    using client = new RawClient(port())
    client.send('PROXY TCP4 10.0.0.1 192.0.2.1 4711 80\r\n')
    client.send('GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n')
    expect(await client.answer()).toMatchObject({ status: 200 })
    expect(http.lab.sessions()[0]).toMatchObject({ remoteAddress: '203.0.113.7', proxy: { address: '10.0.0.1' } })
  })

  it('cannot be contradictory, or hidden by what is not valid', async () => {
    await start()
    const wrong = [
      { 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=192.0.2.1' },
      { Forwarded: 'for="203.0.113.7' },
      { Forwarded: 'for=a, for=b c' },
      { Forwarded: 'for=203.0.113.7,' },
      { Forwarded: 'for=203.0.113.7;for=192.0.2.1' },
      { Forwarded: 'for=[2001:db8::7]' },
    ]
    const answers = []
    for (const fields of wrong) answers.push(await ask({ ...fields, ...asAdmin }, '/api/v1/session'))
    expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 400))
    expect(answers[0]?.body).toContain('X-Forwarded-For and Forwarded name different clients')
    expect(answers[1]?.body).toContain('the field Forwarded does not have the form of RFC 7239')
  })
})

describe('a proxy that ends TLS', () => {
  const https = {
    'X-Forwarded-For': '203.0.113.7',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'lab.example.test',
  }

  it('makes the channel secure if it says https', async () => {
    await start({ requireSecureChannel: true, hosts: ['lab.example.test'], authentication: ['basic-over-tls'] })
    const basic = { Authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` }
    const path = '/api/v1/session'
    expect(await ask({ ...https, ...basic }, path)).toMatchObject({ status: 200 })
    expect(await ask({ Forwarded: 'for=203.0.113.7;proto=https', ...basic }, path)).toMatchObject({ status: 200 })
    expect(await ask({ ...https, ...basic, 'X-Forwarded-Proto': 'http' }, path)).toMatchObject({ status: 403 })
    // The last value is from the nearest proxy.
    expect(await ask({ ...https, ...basic, 'X-Forwarded-Proto': 'https, http' }, path)).toMatchObject({ status: 403 })
    expect(await ask({ 'X-Forwarded-For': '203.0.113.7', ...basic }, path)).toMatchObject({ status: 403 })
    expect(await ask({ 'X-Forwarded-Proto': 'https', ...basic }, path)).toMatchObject({ status: 403 })
  })

  it('is not believed from other addresses', async () => {
    await start({ requireSecureChannel: true, hosts: ['lab.example.test'], forwarded: { from: ['10.0.0.1'] } })
    expect(await ask({ ...https, ...asAdmin }, '/api/v1/session')).toMatchObject({ status: 403 })
  })

  it('forwards WebSocket', async () => {
    await start({ requireSecureChannel: true, hosts: ['lab.example.test'] })
    const open = async (scheme: string): Promise<number | undefined> => {
      using client = new RawClient(port())
      const fields = { ...https, ...asAdmin, 'X-Forwarded-Proto': scheme, Upgrade: 'websocket', Connection: 'Upgrade' }
      const key = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' }
      const lines = Object.entries({ Host: 'lab', ...fields, ...key }).map(([name, value]) => `${name}: ${value}\r\n`)
      client.send(`GET /mailpit/api/events HTTP/1.1\r\n${lines.join('')}\r\n`)
      return (await client.answer())?.status
    }
    expect(await open('wss')).toBe(101)
    expect(http.lab.sessions()[0]?.remoteAddress).toBe('203.0.113.7')
    expect(await open('http')).toBe(403)
  })

  it('gets cookies that browsers send over https only', async () => {
    await start({ hosts: ['lab.example.test'] })
    const logOn = (fields: Readonly<Record<string, string>>) =>
      ask({ ...fields, ...asAdmin, 'Content-Length': '0' }, '/api/v1/session', 'POST')
    expect((await logOn(https)).headers?.get('set-cookie')).toMatch(/^__Host-sealpost-default=.*; Secure;/)
    const clear = (await logOn({ ...https, 'X-Forwarded-Proto': 'http' })).headers?.get('set-cookie') ?? ''
    expect(clear).toMatch(/^sealpost-default=/)
    expect(clear).not.toContain('Secure')
  })

  it('is compared with the page that sends a request', async () => {
    await start({ hosts: ['lab.example.test'] })
    const change = (origin: string) =>
      ask({ ...https, Origin: origin, 'Content-Length': '0' }, '/api/v1/session', 'DELETE')
    expect(await change('http://lab.example.test')).toMatchObject({ status: 403 })
    expect(await change('https://other.example.test')).toMatchObject({ status: 403 })
    // The page may change the lab; its caller is not logged on.
    expect(await change('https://lab.example.test')).toMatchObject({ status: 401 })
  })

  it('names the host that must be one of the lab', async () => {
    await start({ hosts: ['lab.example.test'] })
    const path = '/api/v1/session'
    expect(await ask({ ...https, ...asAdmin }, path)).toMatchObject({ status: 200 })
    const other = await ask({ ...https, ...asAdmin, 'X-Forwarded-Host': 'evil.example' }, path)
    expect([other.status, other.body]).toEqual([421, expect.stringContaining('evil.example is not a name of this lab')])
    const element = 'for=203.0.113.7;host="evil.example:443"'
    expect(await ask({ Forwarded: element, ...asAdmin }, path)).toMatchObject({ status: 421 })
  })

  it('is in the URLs that the lab builds', async () => {
    await start({ hosts: ['lab.example.test'] })
    const { body } = await ask(https, '/autodiscover/autodiscover.json?Protocol=AutodiscoverV1')
    expect(JSON.parse(body)).toEqual({
      Protocol: 'AutodiscoverV1',
      Url: 'https://lab.example.test/autodiscover/autodiscover.xml',
    })
  })
})

describe('anonymous callers behind a proxy', () => {
  it('are those of this machine only', async () => {
    await start()
    const path = '/api/v1/session'
    expect(await ask({}, path)).toMatchObject({ status: 200 })
    expect(await ask({ 'X-Forwarded-For': '127.0.0.1' }, path)).toMatchObject({ status: 200 })
    expect(await ask({ 'X-Forwarded-For': '203.0.113.7' }, path)).toMatchObject({ status: 401 })
    expect(await ask({ 'X-Forwarded-For': '203.0.113.7', ...asAdmin }, path)).toMatchObject({ status: 200 })
  })

  it('are none of those whom a listed proxy hides', async () => {
    await start()
    for (const fields of [
      { 'X-Forwarded-For': 'unknown' },
      { Forwarded: 'for=_hidden' },
      { Forwarded: 'proto=http' },
      { Via: '1.1 proxy' },
      { 'X-Real-IP': '203.0.113.7' },
    ]) {
      expect(await ask(fields, '/api/v1/session')).toMatchObject({ status: 401 })
      expect(await ask({ ...fields, ...asAdmin }, '/api/v1/session')).toMatchObject({ status: 200 })
    }
  })

  it('are none of those whom a proxy that is not listed forwards', async () => {
    await start({ forwarded: { from: [] } })
    const path = '/api/v1/session'
    expect(await ask({}, path)).toMatchObject({ status: 200 })
    for (const fields of [
      { 'X-Forwarded-For': '203.0.113.7' },
      { Forwarded: 'for=203.0.113.7' },
      { Via: '1.1 proxy' },
      { 'X-Real-IP': '203.0.113.7' },
      { 'X-Forwarded-Host': 'localhost' },
      { 'X-Forwarded-Proto': 'http' },
    ]) {
      expect(await ask(fields, path), Object.keys(fields)[0]).toMatchObject({ status: 401 })
      expect(await ask({ ...fields, ...asAdmin }, path)).toMatchObject({ status: 200 })
    }
  })

  it('are no pages that point their own name at this machine', async () => {
    await start()
    const path = '/api/v1/session'
    const page = { Host: 'evil.example', 'X-Forwarded-Host': 'localhost' }
    for (const fields of [{ 'X-Forwarded-For': '127.0.0.1' }, { Forwarded: 'for=127.0.0.1;host=localhost' }]) {
      expect(await ask({ ...page, ...fields }, path)).toMatchObject({ status: 421 })
      // A proxy may use another name for the lab; its callers log on.
      expect(await ask({ ...page, ...fields, ...asAdmin }, path)).toMatchObject({ status: 200 })
    }
  })

  it('are those of this machine only, with the PROXY protocol', async () => {
    await start({ proxyProtocol: { from: ['127.0.0.1'] } })
    for (const [address, status] of [
      ['203.0.113.7', 401],
      ['127.0.0.1', 200],
    ]) {
      using client = new RawClient(port())
      client.send(`PROXY TCP4 ${address} 127.0.0.1 4711 80\r\n`)
      client.send('GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect(await client.answer()).toMatchObject({ status })
    }
  })
})

describe('limits behind a proxy', () => {
  it('count connections for the client whose requests they carry', async () => {
    await start({ limits: { connectionsPerAddress: 1 } })
    const as = (address: string): string =>
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n\r\n`
    using first = new RawClient(port())
    using second = new RawClient(port())
    const statuses = []
    for (const [client, address] of [
      [first, '203.0.113.7'],
      [second, '203.0.113.7'],
      [second, '203.0.113.7'],
      [second, '203.0.113.8'],
      [first, '203.0.113.9'],
      [second, '203.0.113.7'],
    ] as const) {
      client.send(as(address))
      statuses.push((await client.answer())?.status)
    }
    expect(statuses).toEqual([200, 503, 503, 200, 200, 200])
    expect(http.lab.sessions()[1]?.refusals).toEqual([
      'the limit of 1 connections per address is reached',
      'the limit of 1 connections per address is reached',
    ])
  })

  it('count the rate of connections for the client', async () => {
    await start({ limits: { rate: { connections: 1, per: '1h' } } })
    const answers = []
    for (const address of ['203.0.113.7', '203.0.113.7', '203.0.113.8'])
      answers.push(await ask({ 'X-Forwarded-For': address }))
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200])
    expect(answers.map(({ headers }) => headers?.get('retry-after') ?? '')).toEqual(['', '5', ''])
  })

  it('delay failed log-ons of the client, not of others behind the same proxy', async () => {
    await start({ limits: { failedLogonDelay: '10ms' } })
    const delays = []
    for (const address of ['203.0.113.7', '203.0.113.7', '203.0.113.8']) {
      const { status, session } = await ask(
        { 'X-Forwarded-For': address, ...bearer('wrong-wrong-wrong') },
        '/api/v1/session',
      )
      delays.push([status, /delayed by (\d+) ms/.exec(describeTranscript(session as never).join())?.[1]])
    }
    expect(delays).toEqual([
      [401, '10'],
      [401, '20'],
      [401, '10'],
    ])
  })
})
