import { X509Certificate } from 'node:crypto'
import { request } from 'node:http'
import { expect, it } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'

const [ci, reader] = ['token-of-an-administrator', 'token-of-a-reader-of-all']
const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: `${user}-secret` })) },
  access: {
    tokens: [
      { name: 'ci', token: ci },
      { name: 'watcher', role: 'reader', token: reader },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4', requireSecureChannel: true },
    { protocol: 'nntp' },
    { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
  ],
})

const get = (path: string, headers = bearer(ci)) => http.request(path, { headers })

it('names the real ports, the policy and the root', async () => {
  const { body } = await get('client-settings?account=bob')
  expect(body).toMatchObject({ user: 'bob', address: 'bob@lab.test', password: null })
  const { port, tlsPort } = http.lab.server('imap4')
  expect(body.servers).toContainEqual({
    protocol: 'imap4',
    virtualServer: 'Default IMAP4 Virtual Server',
    host: 'localhost',
    port: tlsPort,
    security: 'tls',
    ports: [
      { port: tlsPort, security: 'tls' },
      { port, security: 'starttls' },
    ],
    logonNeedsTls: true,
    authentication: ['password', 'cram-md5', 'scram', 'oauth2'],
    onlyThisMachine: true,
    legacyTls: false,
  })
  const smtp = body.servers.find(({ protocol }: { protocol: string }) => protocol === 'smtp')
  expect(smtp.ports.map(({ security }: { security: string }) => security)).toEqual(['tls', 'starttls', 'none'])
  expect(new X509Certificate(body.rootPem).ca).toBe(true)
  const ids = body.programs.map(({ id }: { id: string }) => id)
  for (const id of [
    'outlook-express',
    'outlook',
    'thunderbird',
    'apple-mail',
    'k-9',
    'mutt',
    'mbsync',
    'tin',
    'news',
  ]) {
    expect(ids).toContain(id)
  }
  for (const { id, text } of body.programs) if (id === 'mbsync') expect(text).toContain(`Port ${tlsPort}\n`)
  expect(JSON.stringify(body)).not.toContain('-secret')
})

it('names the ports that each program uses, of the protocols that it speaks', async () => {
  const { programs } = (await get('client-settings')).body
  const of = (wanted: string) => programs.find(({ id }: { id: string }) => id === wanted)
  const news = http.lab.server('nntp')
  expect(of('tin')).toMatchObject({
    needsLegacyTls: false,
    servers: [{ protocol: 'nntp', port: news.tlsPort, security: 'tls' }],
  })
  expect(of('outlook').servers.map(({ protocol }: { protocol: string }) => protocol)).toEqual(['imap4', 'smtp'])
  expect(of('outlook').text).not.toContain('NNTP')
  expect(of('outlook-express')).toMatchObject({
    needsLegacyTls: true,
    servers: [{ protocol: 'imap4' }, { protocol: 'smtp', security: 'tls' }, { protocol: 'nntp' }],
  })
})

it('shows passwords to administrators and the account itself only', async () => {
  const path = 'client-settings?account=alice&password=true'
  expect((await get(path)).body.password).toBe('alice-secret')
  expect((await get(path, basic('alice', 'alice-secret'))).body.password).toBe('alice-secret')
  expect((await get('client-settings', basic('bob', 'bob-secret'))).body.user).toBe('bob')
  expect((await get(path, basic('bob', 'bob-secret'))).status).toBe(404)
  expect((await get(path, bearer(reader))).status).toBe(403)
  expect((await get('client-settings?account=alice', bearer(reader))).status).toBe(200)
  expect((await get('client-settings?account=zoe')).status).toBe(404)
  expect((await get('client-settings/mobileconfig?account=alice')).body).not.toContain('-secret')
  expect((await get('client-settings/mobileconfig?account=alice&password=true')).body).toContain('alice-secret')
})

it('answers mail programs that look for settings, without credentials and passwords, for any address', async () => {
  for (const path of ['/.well-known/autoconfig/mail/config-v1.1.xml', '/mail/config-v1.1.xml']) {
    const { status, headers, body } = await http.request(`${path}?emailaddress=a%26b@lab.test`)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/xml'])
    expect(body).toContain('<username>a&amp;b@lab.test</username>')
    expect(body).toContain(`<port>${http.lab.server('imap4').tlsPort}</port>`)
  }
  expect((await http.request('/mail/config-v1.1.xml')).body).toContain('<username>%EMAILADDRESS%</username>')
  const headers = { 'content-type': 'text/xml' }
  const asked = '<Autodiscover><Request><EMailAddress>bob@lab.test</EMailAddress></Request></Autodiscover>'
  const found = await http.request('/autodiscover/autodiscover.xml', { body: asked, headers })
  expect([found.status, found.body]).toEqual([200, expect.stringContaining('<LoginName>bob@lab.test</LoginName>')])
  const none = await http.request('/Autodiscover/Autodiscover.xml', { body: '<Autodiscover/>', headers })
  expect(none.body).toContain('<ErrorCode>600</ErrorCode>')
  const json = await http.request('/autodiscover/autodiscover.json?Email=bob@lab.test&Protocol=AutodiscoverV1')
  expect(json.body).toEqual({ Protocol: 'AutodiscoverV1', Url: `${http.base}/autodiscover/autodiscover.xml` })
  expect((await http.request('/autodiscover/autodiscover.json/v1.0/bob@lab.test?Protocol=EWS')).status).toBe(400)
})

it('knows the names of the mail domain there, and only there', async () => {
  await using other = await HttpLab.start({ domain: 'shop.example' })
  const status = (path: string, host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(`${other.base}${path}`, { headers: { host } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      asked.on('error', reject).end()
    })
  expect(await status('/mail/config-v1.1.xml', 'autoconfig.shop.example')).toBe(200)
  expect(await status('/mail/config-v1.1.xml', 'evil.example')).toBe(421)
  expect(await status('/api/v1/status', 'autoconfig.shop.example')).toBe(421)
})

it('people log on by the address that autoconfig names', async () => {
  expect((await get('status', basic('bob@lab.test', 'bob-secret'))).status).toBe(200)
})
