import { constants } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { TestAuthority } from './authority.ts'
import { startDouble } from './double.ts'
import { inspect } from './inspect.ts'

const authority = await TestAuthority.create()
const good = await authority.issue()

/** Starts a server of Node.js on a free port. */
async function listen(server: Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const answer: RequestListener = (_, response) => void response.end('hello')

const startHttps = (options: ServerOptions = {}, { key, cert } = good) =>
  listen(createHttpsServer({ key, cert, secureOptions: constants.SSL_OP_NO_RENEGOTIATION, ...options }, answer))

/** Examines a port with TLS. */
const look = (port: number, only?: string[]) =>
  inspect('http', port, { ca: [authority.rootPem], implicitTls: true, ...(only ? { only } : {}) })

/** Examines a port without TLS. */
const lookInClear = (port: number, requireSecureChannel = false) => inspect('http', port, { requireSecureChannel })

describe('JMAP', () => {
  it('fails for a server of HTTP that has no session object', async () => {
    let status = 404
    const paths = new Set<string | undefined>()
    await using server = await listen(
      createServer(({ url }, response) => {
        paths.add(url)
        response.writeHead(status).end()
      }),
    )
    expect((await inspect('jmap', server.port, { only: ['greeting'] })).failed).toEqual(['greeting'])
    status = 401
    expect((await inspect('jmap', server.port, { only: ['greeting'] })).failed).toEqual([])
    expect([...paths]).toEqual(['/.well-known/jmap'])
  })
})

describe('HTTPS', () => {
  it('of a server that answers only GET, one connection each, passes', async () => {
    const { key, cert } = good
    const simple = createSecureServer({ key, cert, secureOptions: constants.SSL_OP_NO_RENEGOTIATION }, (socket) => {
      socket.on('error', () => {})
      socket.once('data', (octets) => {
        if (octets.toString('latin1').startsWith('GET ')) socket.end('HTTP/1.0 200 ok\r\n\r\nhello\r\n')
      })
    })
    simple.on('tlsClientError', () => {})
    simple.listen(0, '127.0.0.1')
    await once(simple, 'listening')
    const { port } = simple.address() as AddressInfo
    const options = { ca: [authority.rootPem], implicitTls: true, timeoutMs: 500 }
    const seen = await inspect('http', port, { ...options, only: ['greeting', 'mechanisms', 'log-on', 'alpn'] })
    simple.close()
    expect(seen.failed).toEqual([])
    expect(seen.words('greeting')).toBe('pass: HTTP/1.0 200 ok')
  })

  it('of Node.js passes every check', async () => {
    await using server = await startHttps()
    const { failed, verdict, words } = await look(server.port)
    expect([failed, verdict]).toEqual([[], expect.stringMatching(/^no check failed: 31 checks passed$/)])
    expect(words('greeting')).toBe('pass: HTTP/1.1 200 OK')
    expect(words('alpn')).toMatch(/^pass: the server chooses http\/1.1; .* are refused$/)
  })

  it('with an old version and a certificate for another host fails', async () => {
    const options = { minVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
    await using server = await startHttps(options, await authority.issue({ names: ['other.test'] }))
    expect((await look(server.port, ['names', 'versions'])).failed).toEqual(['names', 'versions'])
  })

  it('that speaks only HTTP/2 fails', async () => {
    await using server = await startHttps({ ALPNProtocols: ['h2'] })
    expect((await look(server.port, ['tls'])).words('tls')).toBe(
      'fail: the server supports none of the protocols offered (alert 120)',
    )
  })

  it('without HTTP behind it fails', async () => {
    await using double = await startDouble('smtp', good, { implicitTls: true })
    const { failed, words } = await look(double.port, ['tls', 'greeting'])
    expect([failed, words('greeting')]).toEqual([['greeting'], 'fail: “220 double ESMTP” is not a valid HTTP greeting'])
  })
})

describe('HTTP in clear text', () => {
  const serve = (listener: RequestListener) => listen(createServer(listener))

  it('is allowed unless a secure channel is required', async () => {
    await using server = await serve(answer)
    expect((await lookInClear(server.port)).failed).toEqual([])
    expect((await lookInClear(server.port, true)).words('secure-channel')).toBe(
      'fail: HEAD in clear text is answered with HTTP/1.1 200 OK, not 403 or a redirection to https',
    )
  })

  it.each([
    [403, undefined, 'pass'],
    [301, 'https://localhost/', 'pass'],
    [308, 'https://localhost/', 'pass'],
    [301, 'http://localhost/', 'fail'],
    [302, '/elsewhere', 'fail'],
    [404, undefined, 'fail'],
  ])('that is answered with %i %s: %s', async (status, location, outcome) => {
    await using server = await serve((_, response) => {
      response.writeHead(status, location === undefined ? {} : { location }).end()
    })
    const { findings } = await lookInClear(server.port, true)
    expect(findings.find(({ check }) => check === 'secure-channel')?.outcome).toBe(outcome)
  })

  it.each([
    ['asks for a password', 401, ['log-on', 'mechanisms']],
    ['takes any password', 200, ['log-on', 'mechanisms']],
    ['refuses passwords, but asks for one', 403, ['mechanisms']],
  ])('fails if it %s', async (_, withPassword, failed) => {
    const challenge = { 'www-authenticate': 'Bearer realm="a, Basic b", Basic realm="c", charset="UTF-8"' }
    await using server = await serve(({ headers }, response) => {
      const status = headers.authorization === undefined ? 401 : withPassword
      response.writeHead(status, status === 401 ? challenge : {}).end()
    })
    const seen = await lookInClear(server.port)
    expect(seen.failed).toEqual(failed)
    expect(seen.words('mechanisms')).toBe('fail: the server announces BASIC in clear text (before TLS: BEARER, BASIC)')
  })

  it('is not asked for TLS', async () => {
    await using server = await serve(answer)
    const { words } = await lookInClear(server.port)
    expect(words('tls')).toBe('not-applicable: this port has no TLS, because HTTP has no STARTTLS')
    expect(words('injection')).toBe('not-applicable: HTTP has no STARTTLS')
  })
})
