import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

interface ReadyForTests {
  readonly url: string
  readonly administratorToken: string
}

test('starts a lab with the defaults of startLab(), an API and a token, until standard input ends', async () => {
  const env = { SEALPOST_PORT_OFFSET: '7', SEALPOST_CONFIG_FILE: 'none.yaml', SEALPOST_LIKE: 'mailpit' }
  const running = await place.start(['--for-tests'], { env })
  expect(running.endpoints.map(({ protocol }) => protocol)).toEqual(['smtp', 'pop3', 'imap4', 'nntp', 'http'])
  expect(running.endpoint('imap4')).toMatchObject({ port: expect.any(Number), tlsPort: expect.any(Number) })
  const { url, administratorToken: token } = running.event as unknown as ReadyForTests
  expect(url).toBe(`http://localhost:${running.endpoint('http').port}`)
  const health = await fetch(`${url}/api/v1/configuration`, { headers: { authorization: `Bearer ${token}` } })
  const { configuration } = (await health.json()) as { configuration: Record<string, unknown> }
  expect(configuration).toMatchObject({ directory: { mode: 'open' }, certificates: { store: 'memory' } })
  const exited = once(running.process, 'exit')
  running.process.stdin?.end()
  expect(await exited).toEqual([0, null])
  expect(running.stderr.join('')).toBe('')
})

test('completes a configuration and does not change its file', async () => {
  const text = `virtualServers: [{ protocol: smtp, certificate: none }, { protocol: http, port: off, tlsPort: 0 }]
directory: { accounts: [{ user: alice, password: secret }] }
access: { tokens: [{ name: mine, token: a-token-of-my-own }] }
`
  place.write('lab.yaml', text)
  await using running = await place.start(['--config', 'lab.yaml', '--for-tests'])
  const { url, administratorToken: token } = running.event as unknown as ReadyForTests
  const request = (path: string, bearer: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    })
  expect(running.endpoints.map(({ protocol, tlsPort }) => [protocol, tlsPort !== undefined])).toEqual([
    ['smtp', false],
    ['http', true],
    ['http', false],
  ])
  expect((await request('/accounts', 'a-token-of-my-own')).status).toBe(200)
  const server = '/virtual-servers/default-smtp-virtual-server'
  const change = { method: 'PATCH', body: JSON.stringify({ requireSecureChannel: true, certificate: 'auto' }) }
  expect((await request(server, token, change)).status).toBe(200)
  expect(await (await request(server, token)).json()).toMatchObject({ requireSecureChannel: true })
  expect(readFileSync(`${place.folder}/lab.yaml`, 'utf8')).toBe(text)
  // SIGTERM works, too.
  expect(await running.end()).toBe(0)
})

test.each([
  ['{ virtualServers: [{ protocol: smtp, prot: 0 }] }', 'SEALPOST_CONFIG:1:38: virtualServers[0].prot: unknown key'],
  ['{ virtualServers: 5 }', 'SEALPOST_CONFIG:1:19: virtualServers: '],
  ['{ virtualServers: [null], directory: 5 }', 'directory: '],
  ['- 1', 'SEALPOST_CONFIG:1:1: '],
  ['{ access: { tokens: 5 } }', 'access.tokens: '],
])('says what is wrong with %s', async (text, message) => {
  const { status, stderr } = await place.runHere(['start', '--for-tests'], { env: { SEALPOST_CONFIG: text } })
  expect(stderr).toContain(message)
  expect(status).toBe(2)
})

test('is no replacement of another tool', async () => {
  const { status, stderr } = await place.runHere(['start', '--for-tests', '--like', 'mailpit'])
  // Also while a lab has the ports of the tool.
  expect([status, stderr]).toEqual([2, 'sealpost: give --for-tests or --like, not both\n'])
})
