import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, LookupFunction, Socket } from 'node:net'
import { expect, it } from 'vitest'
import { timesOf } from '../../../src/transport/daily-results.ts'
import { postTlsReport } from '../../../src/transport/tls-reports/post.ts'
import type { TlsReport } from '../../../src/transport/tls-reports/types.ts'
import { TestAuthority } from '../../checks/verify/authority.ts'

const authority = await TestAuthority.create()
const identity = await authority.issue()
const times = timesOf('2026-01-01')
const report: TlsReport = {
  organizationName: 'Lab',
  contactInfo: 'tls@lab.test',
  reportId: '1',
  ...times,
  policies: [],
}
const lookup: LookupFunction = (_host, { all }, done) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
const options = { lookup, roots: [authority.rootPem], signal: new AbortController().signal }

/** Starts a server, and returns its URL and its first connection. */
async function startServer(listener: RequestListener) {
  const server = createServer({ key: identity.key, cert: identity.cert }, listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/`,
    connection: once(server, 'secureConnection') as Promise<[Socket]>,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

it('does not read the text of the answer', async () => {
  await using server = await startServer((request, response) => {
    request.resume()
    const write = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', write)
    write()
  })
  const closed = server.connection.then(
    ([socket]) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve)),
  )
  await postTlsReport(report, server.url, options)
  await closed
})

it('ends an answer that goes on and on', async () => {
  await using server = await startServer((_request, { socket }) => {
    socket?.write('HTTP/1.1 200 OK\r\nX: ')
    const timer = setInterval(() => socket?.write('x'), 20)
    socket?.on('close', () => clearInterval(timer))
  })
  await expect(postTlsReport(report, server.url, { ...options, timeoutMs: 200 })).rejects.toThrow(
    `${server.url} does not answer within 0.2 s`,
  )
})

it('ends when the server switches to another protocol', async () => {
  await using server = await startServer((_request, { socket }) => {
    socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  })
  await expect(postTlsReport(report, server.url, options)).rejects.toThrow('answers with HTTP status 101')
})
