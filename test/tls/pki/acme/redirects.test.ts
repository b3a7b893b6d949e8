import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import acme from 'acme-client'
import { expect, it } from 'vitest'
import { addressOf } from '../../../../src/tls/pki/acme/validation/address.ts'
import { freePort } from '../../../support/free-ports.ts'
import { acmeAccount, orderByHttp, startAcme } from './support.ts'

type Lab = Awaited<ReturnType<typeof startAcme>>
/** Returns where a request is redirected; undefined if it gets the key authorization. */
type Redirect = (request: IncomingMessage) => string | undefined

async function listening(server: Server, port: number) {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => closed(server) }
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** Proves the control of mail.lab.test by servers that redirect. Returns the error of the challenge, if it has one. */
async function prove(lab: Lab, redirect: Redirect, listen: (answer: RequestListener) => Server = createServer) {
  const client = await acmeAccount(lab.directory)
  const { challenge, answer } = await orderByHttp(client, 'mail.lab.test')
  const hosts: (string | undefined)[] = []
  const serve: RequestListener = (request, response) => {
    hosts.push(request.headers.host)
    const location = redirect(request)
    if (location === undefined) response.end(answer)
    else response.writeHead(301 + (hosts.length % 2), { location }).end('moved')
  }
  await using _served = await listening(listen(serve), lab.httpPort)
  await client.completeChallenge(challenge)
  const error = await client.waitForValidStatus(challenge).then(
    () => undefined,
    (failed: Error) => failed.message,
  )
  return { hosts, error }
}

const step = ({ url = '' }: IncomingMessage): number => Number(/\d+$/.exec(url.replace(/^.*challenge\/.*/, '0'))?.[0])

it('follows ten redirects of http-01, relative ones and to other names, and not eleven', async () => {
  await using lab = await startAcme()
  const chain =
    (count: number): Redirect =>
    (request) =>
      step(request) < count ? `//www.lab.test:${lab.httpPort}/step/${step(request) + 1}` : undefined
  const followed = await prove(lab, chain(10))
  expect(followed.error).toBeUndefined()
  const other = `www.lab.test:${lab.httpPort}`
  expect(followed.hosts).toEqual([`mail.lab.test:${lab.httpPort}`, ...Array<string>(10).fill(other)])
  expect((await prove(lab, chain(11))).error).toMatch(/redirects more than 10 times/)
  expect((await prove(lab, (request) => (step(request) < 1 ? '/step/1?a=b' : undefined))).error).toBeUndefined()
})

it('follows redirects to https, whose certificate need not be good', async () => {
  const tlsAlpnPort = await freePort()
  await using lab = await startAcme({}, [], { tlsAlpnPort })
  const authorization = { identifier: { type: 'dns', value: 'other.test' } } as acme.Authorization
  const [key, cert] = await acme.crypto.createAlpnCertificate(authorization, 'self-signed')
  const names: (string | false | undefined)[] = []
  let secure: Server | undefined
  const both = (answer: RequestListener): Server => {
    secure = createHttpsServer({ key, cert }, answer).listen(tlsAlpnPort, '127.0.0.1')
    secure.on('secureConnection', ({ servername }) => names.push(servername))
    return createServer(answer)
  }
  const toHttps: Redirect = ({ socket, url = '' }) =>
    'encrypted' in socket ? undefined : `https://mail.lab.test:${tlsAlpnPort}${url}`
  const { error } = await prove(lab, toHttps, both)
  if (secure) await closed(secure)
  expect(error).toBeUndefined()
  expect(names).toEqual(['mail.lab.test'])
})

it('checks the address, the port and the protocol again at each redirect', async () => {
  await using lab = await startAcme()
  const cases: readonly (readonly [location: string, why: RegExp])[] = [
    [`http://169.254.169.254:${lab.httpPort}/latest`, /certificates\.service\.acme\.from/],
    [`http://[::ffff:10.1.2.3]:${lab.httpPort}/`, /certificates\.service\.acme\.from/],
    ['http://0xa9fea9fe/', /169\.254\.169\.254.*certificates\.service\.acme\.from/],
    [`http://127.0.0.1:${lab.port}/`, /redirects only to the ports 80, 443, /],
    ['ftp://mail.lab.test/', /neither http nor https/],
    ['http://mail.lab.test:99999/', /not a URL/],
  ]
  for (const [location, why] of cases) {
    const { error, hosts } = await prove(lab, () => location)
    expect([location, error]).toEqual([location, expect.stringMatching(why)])
    expect(hosts).toHaveLength(1)
  }
  await using permitted = await startAcme({}, ['127.0.0.1'])
  const { error } = await prove(permitted, (request) =>
    request.headers.host?.startsWith('mail') ? `http://localhost:${permitted.httpPort}/` : undefined,
  )
  expect(error).toBeUndefined()
})

it('ends when the server switches to another protocol', async () => {
  await using lab = await startAcme()
  const upgrade = (): Server =>
    createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      )
    })
  expect((await prove(lab, () => undefined, upgrade)).error).toMatch(/status 101/)
})

it('lets a server on another machine redirect to a listed loopback address only', async () => {
  const to = (listed: readonly string[], earlier: readonly string[]): Promise<string> =>
    addressOf({ type: 'ip', value: '127.0.0.1' }, '127.0.0.1', listed, earlier)
  expect(await to([], ['127.0.0.2'])).toBe('127.0.0.1')
  await expect(to(['192.0.2.0/24'], ['192.0.2.1'])).rejects.toThrow(/127\.0\.0\.1, to which the lab does not connect/)
  expect(await to(['127.0.0.1'], ['192.0.2.1', '127.0.0.1'])).toBe('127.0.0.1')
})
