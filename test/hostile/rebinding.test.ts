import dns from 'node:dns'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, isIP, type Server } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connector } from '../../src/core/config/schema/connector.ts'
import { startLab } from '../../src/testing/index.ts'
import { dnsRouter } from '../../src/transport/outgoing/route/dns.ts'
import { inspect } from '../checks/verify/inspect.ts'
import { HttpLab } from '../servers/http/client.ts'
import { acmeAccount, orderByHttp, serveAnswers, startAcme } from '../tls/pki/acme/support.ts'

// A name that has one address when the lab checks it, and another when the lab connects.

const FORBIDDEN = '169.254.169.254'
const ALLOWED = '127.0.0.1'

/** How often the resolver of the system was asked for the name. */
let asked = 0

/** Lets the resolver of the system answer the next lookups of a name with these addresses, and the last one for ever. */
function resolve(wanted: string, ...addresses: readonly string[]): void {
  const left = [...addresses]
  asked = 0
  const next = () => {
    asked++
    const address = (left.length > 1 ? left.shift() : left[0]) ?? ALLOWED
    return { address, family: isIP(address) }
  }
  const { lookup } = dns
  const promised = dns.promises.lookup
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: { all?: boolean }, done: Done) => {
    if (name !== wanted) return lookup(name, options, done)
    const found = next()
    if (options.all) done(null, [found])
    else done(null, found.address, found.family)
  }) as typeof dns.lookup)
  vi.spyOn(dns.promises, 'lookup').mockImplementation((async (name: string, options: { all?: boolean } = {}) => {
    if (name !== wanted) return promised(name, options)
    return options.all ? [next()] : next()
  }) as typeof dns.promises.lookup)
}

type Done = (error: Error | null, found: unknown, family?: number) => void

afterEach(() => void vi.restoreAllMocks())

async function listening(server: Server, host = ALLOWED): Promise<number> {
  await new Promise<void>((done) => server.listen(0, host, done))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('ACME http-01', () => {
  /** Proves the control of a public name. Returns the error, if there is one. */
  async function prove(name: string, ...addresses: readonly string[]): Promise<string | undefined> {
    await using lab = await startAcme()
    const client = await acmeAccount(lab.directory)
    const { challenge, answer } = await orderByHttp(client, name)
    await using served = await serveAnswers(lab.httpPort)
    served.answers.set(challenge.token, answer)
    resolve(name, ...addresses)
    await client.completeChallenge(challenge)
    return await client.waitForValidStatus(challenge).then(
      () => undefined,
      (error: Error) => error.message,
    )
  }

  test('connects to the address that was checked', async () => {
    expect(await prove('rebound.example.com', ALLOWED, FORBIDDEN)).toBeUndefined()
    expect(asked).toBe(1)
  })

  test('does not connect after a forbidden address', async () => {
    expect(await prove('rebound.example.com', FORBIDDEN, ALLOWED)).toMatch(/certificates\.service\.acme\.from/)
    expect(asked).toBe(1)
  })
})

describe('a message that names localhost', () => {
  const http = HttpLab.ofTests({ webhooks: [{ url: 'https://hooks.test/', secret: `whsec_${'A'.repeat(32)}` }] })

  async function deliver(html: string, headers: Record<string, string> = {}): Promise<string> {
    await http.lab.reset()
    await http.lab.deliver({ subject: 'x', html, headers }, 'alice')
    const { body } = await http.request('messages')
    return body.items[0].id
  }

  const linksOf = async (html: string): Promise<{ StatusCode: number; Status: string }[]> => {
    await deliver(html)
    const { body } = await http.request('/mailpit/api/v1/message/latest/link-check?follow=true')
    return body.Links
  }

  test('unsubscribe asks this machine, whatever DNS says', async () => {
    const [one] = await http.lab.certificates.list()
    const pem = (await http.lab.certificates.export(one?.thumbprint ?? '', { format: 'pem' })).toString()
    const server = createHttpsServer({ key: pem, cert: pem }, (_, response) => response.end('unsubscribed'))
    const url = `https://localhost:${await listening(server)}/u`
    const post = { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
    const id = await deliver('x', post)
    resolve('localhost', FORBIDDEN)
    const { body } = await http.request(`messages/${id}/unsubscribe`, { method: 'POST' })
    expect([body, asked]).toEqual([{ url, status: 200, body: 'unsubscribed' }, 0])
  })

  test('link-check asks this machine, whatever DNS says', async () => {
    const port = await listening(createServer((_, response) => response.end()))
    resolve('localhost', FORBIDDEN)
    expect(await linksOf(`<a href="http://localhost:${port}/">x</a>`)).toMatchObject([{ StatusCode: 200 }])
    expect(asked).toBe(0)
  })

  test('a host of the configuration cannot redirect link-check to this machine', async () => {
    const requests: IncomingMessage[] = []
    const server = createServer((request, response) => {
      requests.push(request)
      const { port } = server.address() as AddressInfo
      response.writeHead(302, { Location: `http://${ALLOWED}:${port}/secret` }).end()
    })
    const port = await listening(server)
    resolve('hooks.test', ALLOWED)
    const [link] = await linksOf(`<a href="http://hooks.test:${port}/">x</a>`)
    expect(link).toMatchObject({ StatusCode: 0, Status: 'hooks.test redirects to this machine' })
    expect(requests.map(({ url }) => url)).toEqual(['/'])
  })

  test('verify asks this machine, whatever DNS says', async () => {
    let connections = 0
    const server = createServer()
    server.on('connection', (socket) => {
      connections++
      socket.destroy()
    })
    const port = await listening(server)
    resolve('localhost', FORBIDDEN)
    const json = { host: 'localhost', protocols: ['smtp'], port, only: ['greeting'] }
    const { body } = await http.request('verify', { method: 'POST', json })
    expect(body).toMatchObject({ id: expect.any(String) })
    await expect
      .poll(async () => (await http.request(`jobs/${body.id}`)).body.state, { timeout: 60_000 })
      .not.toMatch(/running|queued/)
    expect([connections > 0, asked]).toEqual([true, 0])
  })
})

test('verify reads a revocation list at localhost from this machine, whatever DNS says', async () => {
  await using lab = await startLab({
    hostname: 'localhost',
    certificates: { service: { port: 0 } },
    virtualServers: [{ protocol: 'pop3', port: 0, tlsPort: 0, tls: { ocspStapling: false } }],
  })
  await lab.useCertificate({ defect: 'revoked' })
  resolve('localhost', FORBIDDEN)
  const options = { ca: [lab.ca], serverName: 'localhost', implicitTls: true, only: ['revocation'] }
  const seen = await inspect('pop3', lab.server('pop3').tlsPort, options)
  expect([seen.words('revocation'), asked]).toEqual([
    expect.stringMatching(/^fail: revoked, according to the list at http:\/\/localhost:/),
    0,
  ])
})

describe('route: dns', () => {
  /** Returns the addresses to which the lab connects, or why it does not. */
  async function addresses(...answers: readonly string[]): Promise<unknown> {
    const left = [...answers]
    const found = <T>(records: readonly T[]) => ({ records, authenticated: false, ttlSeconds: 60, canonicalName: '' })
    const unused = async () => found([])
    const router = dnsRouter({
      resolverOf: () => ({
        mx: async () => found([{ preference: 10, exchange: 'mx.rebound.test' }]),
        addresses: async () => found([left.shift() ?? '']),
        txt: unused,
        tlsa: unused,
        srv: unused,
        lookup: unused,
      }),
      policyOf: async () => ({}),
      isOwn: (address) => address === ALLOWED,
    })
    const { smartHost: _, ...resolved } = connector.parse({ name: 'dns', route: 'dns' })
    const hops = await router(resolved, 'rebound.test', new AbortController().signal).catch(String)
    return typeof hops === 'string' ? hops : hops.map((hop) => hop.addresses)
  }

  test('connects to the addresses that are known not to be its own', async () => {
    expect(await addresses('192.0.2.1', ALLOWED)).toEqual([['192.0.2.1']])
    expect(await addresses(ALLOWED, '192.0.2.1')).toMatch(/loop|itself/)
  })
})
