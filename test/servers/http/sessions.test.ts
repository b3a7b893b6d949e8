import { type ConnectionOptions, connect } from 'node:tls'
import { expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { basic, bearer, HttpLab } from './client.ts'
import { RawClient } from './raw-client.ts'

/** Connects with options that the lab refuses, and waits until the connection is closed. */
const refused = (options: ConnectionOptions): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ ...options, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })

it('compares what a client offered with what the virtual server can negotiate', async () => {
  await using http = await HttpLab.start({
    virtualServers: [
      { protocol: 'imap4', tls: { minVersion: 'TLSv1.3', groups: ['X25519'] } },
      { protocol: 'pop3', tls: { minVersion: 'TLSv1', legacy: ['TLS_RSA_WITH_RC4_128_SHA'] } },
      { protocol: 'http' },
    ],
  })
  const modern = { port: http.lab.server('imap4').tlsPort as number }
  await refused({ ...modern, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })
  await refused({ port: http.lab.server('pop3').tlsPort as number, minVersion: 'TLSv1.3', ecdhCurve: 'P-521' })

  const comparisonOf = async (protocol: string) => {
    const { body } = await http.request(`sessions?protocol=${protocol}&limit=1`)
    return (await http.request(`sessions/${body.items[0].id}/handshake`)).body.comparison
  }
  const imap = await comparisonOf('imap4')
  expect(imap.offered.versions).toEqual(['TLSv1.2'])
  expect(imap.offered.suites).toContainEqual({ name: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', bits: 128 })
  expect(imap.served).toEqual({
    versions: ['TLSv1.3'],
    suites: expect.arrayContaining([{ name: 'TLS_AES_128_GCM_SHA256', bits: 128 }]),
    groups: ['X25519'],
  })

  const pop3 = await comparisonOf('pop3')
  expect(pop3.offered.groups).toEqual(['P-521'])
  expect(pop3.served.versions).toEqual(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
  expect(pop3.served.suites).toContainEqual({ name: 'TLS_RSA_WITH_RC4_128_SHA', bits: 128 })
})

it('lists the sessions of a virtual server, of an address and of protocols', async () => {
  await using http = await HttpLab.start({ virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }] })
  await refused({
    port: http.lab.server('imap4').tlsPort as number,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL:@SECLEVEL=0',
  })
  const total = async (query: string): Promise<number> => (await http.request(`sessions?${query}`)).body.total
  const name = encodeURIComponent(http.lab.server('imap4').name)
  expect(await total(`virtualServer=${name}`)).toBe(1)
  expect(await total(`virtualServer=${name}&address=127.0.`)).toBe(1)
  expect(await total(`virtualServer=${name}&address=10.`)).toBe(0)
  expect(await total('virtualServer=unknown')).toBe(0)
  expect(await total('protocol=smtp,imap4')).toBe(1)
  expect(await total('protocol=smtp,pop3')).toBe(0)
  const unknown = await http.request('sessions?protocol=smtp,imap')
  expect([unknown.status, unknown.body.detail]).toEqual([
    400,
    expect.stringMatching(/protocol.*smtp, pop3, imap4, nntp/),
  ])
})

it('counts the connections and handshakes of each virtual server', async () => {
  await using http = await HttpLab.start({ virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }] })
  const port = http.lab.server('imap4').tlsPort as number
  await refused({ port, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' })
  await new Promise<void>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca: http.lab.ca, servername: 'localhost' })
    socket.on('data', () => socket.end()).on('close', () => resolve())
  })
  const imap = async () => (await http.request('virtual-servers/default-imap4-virtual-server')).body
  await expect
    .poll(async () => (await imap()).traffic)
    .toEqual({
      connections: 2,
      openConnections: 0,
      refusedSessions: 1,
      failedHandshakes: 1,
      handshakes: { 'TLSv1.3': 1 },
    })
  expect(Date.parse((await imap()).certificate.expiresAt)).toBeGreaterThan(Date.now())
})

const oneConnection = async (http: HttpLab, requests: readonly (readonly [path: string, fields: object])[]) => {
  using client = new RawClient(http.lab.server('http').port as number)
  for (const [path, fields] of requests) {
    const lines = Object.entries({ Host: 'localhost', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
    client.send(`GET /api/v1/${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    await client.answer()
  }
}

it('shows a connection that several callers have used to none of them', async () => {
  const token = 'watcher-watcher-watcher'
  await using http = await HttpLab.start({
    directory: { accounts: ['carol', 'bob', 't1-eve', 't1-adam'].map((user) => ({ user, password: 'secret' })) },
    access: {
      tokens: [
        { name: 'watcher', role: 'reader', token },
        { name: 't1', role: 'tenant', token: token.toUpperCase() },
      ],
    },
    virtualServers: [
      { protocol: 'imap4' },
      { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
    ],
  })
  const [bob, eve, tenant] = [basic('bob', 'secret'), basic('t1-eve', 'secret'), bearer(token.toUpperCase())]
  const secret = 'messages?query=salary'
  const first = [
    [secret, basic('carol', 'secret')],
    [secret, bearer(token)],
    [secret, basic('carol', 'wrong')],
    [secret, tenant],
  ] as const
  for (const one of first) await oneConnection(http, [one, ['status', bob]])
  await oneConnection(http, [
    ['status', bob],
    ['status', bob],
  ])
  await oneConnection(http, [
    [secret, eve],
    ['status', basic('t1-adam', 'secret')],
    ['status', tenant],
  ])
  const imap = await LineClient.open(http.lab.server('imap4').port)
  const commands = ['LOGIN carol secret', 'STATUS "salary" (MESSAGES)', 'UNAUTHENTICATE', 'LOGIN bob secret']
  await imap.line()
  for (const [at, command] of commands.entries()) {
    imap.send(`a${at} ${command}\r\n`)
    while (!(await imap.line())?.startsWith(`a${at} `));
  }
  const seen = async (headers: Record<string, string>): Promise<string[]> => {
    const { items } = (await http.request('sessions?limit=100', { headers })).body
    const texts = items.map(
      async ({ id }: { id: string }) => (await http.request(`sessions/${id}?format=text`, { headers })).body,
    )
    return Promise.all(texts)
  }
  const [all, ofBob, ofEve, ofTenant] = [
    await seen(bearer(token)),
    await seen(bob),
    await seen(eve),
    await seen(tenant),
  ]
  imap.destroy()
  expect(all.filter((text) => text.includes('salary'))).toHaveLength(6)
  expect(ofBob.length).toBeGreaterThan(0)
  expect(ofBob.join()).not.toContain('salary')
  expect(ofEve.join()).not.toContain('salary')
  expect(ofTenant.filter((text) => text.includes('salary'))).toHaveLength(1)
})

it('names a cure for each cause of a refusal', async () => {
  await using http = await HttpLab.start({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret', state: 'locked' },
      ],
    },
    virtualServers: [{ protocol: 'imap4' }, { protocol: 'pop3', requireSecureChannel: true }, { protocol: 'http' }],
  })
  const tlsPort = http.lab.server('imap4').tlsPort as number
  const causeOf = async (protocol = 'imap4') => {
    const [{ id, cures }] = (await http.request(`sessions?protocol=${protocol}&limit=1`)).body.items
    const text = (await http.request(`sessions/${id}?format=text`)).body
    for (const one of cures) expect(text).toContain(`cure: ${one.account ? `${one.account}: ` : ''}${one.text}`)
    return cures.map(({ cause, account }: { cause: string; account?: string }) =>
      [cause, account].filter(Boolean).join(' '),
    )
  }
  await refused({ port: tlsPort, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })
  expect(await causeOf()).toEqual(['version'])
  await refused({ port: tlsPort, maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256:@SECLEVEL=0' })
  expect(await causeOf()).toEqual(['suite'])
  // Node.js closes the connection only after the handshake.
  await refused({ port: tlsPort })
  await expect.poll(() => causeOf()).toEqual(['certificate-refused'])
  await refused({ port: tlsPort, ca: http.lab.ca, servername: 'other.test' })
  await expect.poll(() => causeOf()).toEqual(['wrong-name'])
  for (const [line, cause] of [
    ['a LOGIN alice wrong', 'wrong-password alice'],
    [`a AUTHENTICATE PLAIN ${Buffer.from('\0alice\0wrong').toString('base64')}`, 'wrong-password alice'],
    ['a LOGIN alcie secret', 'unknown-account'],
    ['a LOGIN bob secret', 'account-state bob'],
  ] as const) {
    const client = await LineClient.openTls(tlsPort, http.lab.ca)
    client.send(`${line}\r\nb LOGOUT\r\n`)
    await client.rest()
    expect(await causeOf()).toEqual([cause])
  }
  const client = await LineClient.open(http.lab.server('pop3').port as number)
  client.send('USER alice\r\nQUIT\r\n')
  await client.rest()
  expect(await causeOf('pop3')).toEqual(['needs-tls'])
})

it('waits for further entries of a transcript', async () => {
  await using http = await HttpLab.start({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'imap4' }, { protocol: 'http' }],
  })
  const client = await LineClient.openTls(http.lab.server('imap4').tlsPort as number, http.lab.ca)
  client.send('a LOGIN alice secret\r\n')
  await client.lines((line) => line.startsWith('a OK'))
  const [{ id }] = (await http.request('sessions?protocol=imap4')).body.items
  const before = (await http.request(`sessions/${id}`)).body
  expect(before.from).toBe(0)
  const count = before.transcript.length
  const waiting = http.request(`sessions/${id}?from=${count}&wait=8s`)
  client.send('b SELECT INBOX\r\n')
  const { from, transcript } = (await waiting).body
  expect(from).toBe(count)
  expect(transcript[0]).toMatchObject({ direction: 'in', text: 'b SELECT INBOX' })
  client.send('c LOGOUT\r\n')
  await client.rest()
  await expect
    .poll(async () => (await http.request(`sessions/${id}?from=${count}&wait=8s`)).body.endCause)
    .toBe('server closed')
  expect((await http.request(`sessions/${id}?from=9999`)).body.from).toBe(0)
  for (const wait of ['9s', '9000']) expect((await http.request(`sessions/${id}?wait=${wait}`)).status).toBe(400)
  expect((await http.request(`sessions/${id}?wait=5`)).status).toBe(200)
})
