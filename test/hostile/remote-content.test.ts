import dns from 'node:dns'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { basic, HttpLab } from '../servers/http/client.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'

type Answer = (response: ServerResponse, request: IncomingMessage) => void
const png: Answer = (response) => response.writeHead(200, { 'Content-Type': 'image/png' }).end(PNG)
const answers: Record<string, Answer> = {
  '/a.png': png,
  '/x.svg': (response) => response.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(SVG),
  '/type': (response) => response.writeHead(200, { 'Content-Type': 'image/png"><script>alert(1)</script>' }).end(PNG),
  '/html': (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<script>alert(1)</script>'),
  '/huge': (response) => response.writeHead(200, { 'Content-Type': 'image/png' }).end(Buffer.alloc(3 * 1024 * 1024)),
  '/large': (response) => response.writeHead(200, { 'Content-Type': 'image/png' }).end(Buffer.alloc(1_900_000)),
  '/gzip': (response) =>
    response
      .writeHead(200, { 'Content-Type': 'image/png', 'Content-Encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(10 * 1024 * 1024))),
  '/endless': (response) => {
    response.writeHead(200, { 'Content-Type': 'image/png' })
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    }
    response.on('drain', write)
    write()
  },
  '/slow': (response) => {
    response.writeHead(200, { 'Content-Type': 'image/png' })
    const timer = setInterval(() => response.write('x'), 50)
    response.once('close', () => clearInterval(timer))
  },
  '/cut': (response) => {
    response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': 1_000 }).write(PNG)
    setTimeout(() => response.destroy(), 20)
  },
  '/loop': (response) => response.writeHead(302, { Location: '/loop' }).end(),
  '/file': (response) => response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
  '/inside': (response) => response.writeHead(302, { Location: `http://127.0.0.1:${other}/secret` }).end(),
  '/user': (response) => response.writeHead(302, { Location: `http://a:b@localhost:${port}/a.png` }).end(),
  '/moved': (response) => response.writeHead(301, { Location: '/a.png' }).end(),
}
const seen: IncomingMessage[] = []
const serve = (request: IncomingMessage, response: ServerResponse): void => {
  seen.push(request)
  const answer = answers[request.url ?? '']
  if (answer) answer(response, request)
  else response.writeHead(404).end()
}
const [server, forbidden] = [createServer(serve), createServer(serve)]
for (const one of [server, forbidden]) await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
const [port, other] = [server, forbidden].map((one) => (one.address() as AddressInfo).port)
afterAll(() => [server, forbidden].map((one) => one.close()))

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'root', 'boss', 'one-eve'].map((user) => ({ user, password: 'secret' })) },
  access: { administrators: ['root', 'boss'] },
  mail: { remoteContent: [`localhost:${port}`, 'named.test', '*'] },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', authentication: ['basic'] }],
})
const root = basic('root', 'secret')

beforeEach(async () => {
  seen.length = 0
  await http.lab.reset()
})
afterEach(() => void vi.restoreAllMocks())

async function deliver(html: string): Promise<string> {
  const raw = `From: shop@app.test\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n${html}\r\n`
  await http.lab.deliver(raw, 'alice')
  return (await http.request('messages', { headers: root })).body.items[0].id
}
const fetched = async (id: string, headers = root) =>
  http.request(`messages/${id}/remote-content`, { json: {}, headers })

interface Resource {
  readonly url: string
  readonly status: number | null
  readonly reason: string | null
}
/** Returns why each image is not shown. */
async function reasons(...urls: readonly string[]): Promise<(string | null)[]> {
  const id = await deliver(urls.map((url) => `<img src="${url}">`).join('\r\n'))
  const { status, body } = await fetched(id)
  expect([status, body.resources?.map(({ url }: Resource) => url)]).toEqual([200, [...urls]])
  return body.resources.map(({ reason }: Resource) => reason)
}
const local = (path: string): string => `http://localhost:${port}${path}`

type Done = (error: Error | null, found: unknown, family?: number) => void
/** Lets the resolver of the system answer for a name. */
function resolve(wanted: string, ...addresses: readonly string[]): void {
  const { lookup } = dns
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: { all?: boolean }, done: Done) => {
    if (name !== wanted) return lookup(name, options, done)
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    if (options.all) done(null, found)
    else done(null, found[0]?.address, found[0]?.family)
  }) as typeof dns.lookup)
}

describe('remote images', () => {
  test('are shown once to the caller who asked, with nothing of the reader in the requests', async () => {
    const html = [
      `<img alt="a" src=${local('/a.png')} srcset="${local('/b.png')} 2x"><body background='${local('/moved')}'>`,
      `<p style="background: url(${local('/a.png?x=1&amp;y=2')})">`,
      `<a href="${local('/a.png')}">link</a> <script src="${local('/script')}"></script><video src="${local('/film')}">`,
    ].join('\r\n')
    answers['/a.png?x=1&y=2'] = png
    const id = await deliver(html)
    const { body } = await fetched(id)
    expect(body.resources).toMatchObject([
      { url: local('/a.png'), status: 200, type: 'image/png', sizeOctets: PNG.length, reason: null },
      { url: local('/moved'), status: 200, reason: null },
      { url: local('/a.png?x=1&y=2'), status: 200, reason: null },
    ])
    for (const { headers } of seen) {
      expect([headers.cookie, headers.referer, headers.authorization]).toEqual([undefined, undefined, undefined])
      expect([headers['user-agent'], headers['accept-encoding']]).toEqual(['Sealpost', 'identity'])
    }
    expect(new Set(seen.map(({ url }) => url))).toEqual(new Set(['/a.png', '/moved', '/a.png?x=1&y=2']))
    const document = (by: string) =>
      http.request(`messages/${id}/html?remote=${body.id}`, { headers: basic(by, 'secret') })
    const shown = await document('root')
    const data = `data:image/png;base64,${PNG.toString('base64')}`
    expect(shown.body.split(data)).toHaveLength(4)
    expect(shown.body).toContain(`<a href="${local('/a.png')}">`)
    expect(shown.body).not.toMatch(/[^-]srcset/)
    expect(shown.headers.get('content-security-policy')).toMatch(/sandbox .*default-src 'none'.*img-src data:;/)
    expect((await document('boss')).status).toBe(404)
    expect((await document('alice')).status).toBe(404)
    const plain = await http.request(`messages/${id}/html`, { headers: root })
    expect(plain.body).not.toContain('data:')
    const another = await deliver('<img src="x">')
    expect((await http.request(`messages/${another}/html?remote=${body.id}`, { headers: root })).status).toBe(404)
    await http.lab.reset()
  })

  test('are fetched for administrators only, and not without the key of the configuration', async () => {
    const id = await deliver(`<img src="${local('/a.png')}">`)
    expect((await fetched(id, basic('alice', 'secret'))).status).toBe(403)
    await using off = await HttpLab.start()
    await off.lab.deliver({ subject: 'x', html: `<img src="${local('/a.png')}">` }, 'alice')
    const [{ id: found }] = (await off.request('messages')).body.items
    const { status, body } = await off.request(`messages/${found}/remote-content`, { json: {} })
    expect([status, body.detail]).toEqual([409, expect.stringContaining('remoteContent: [')])
    expect(seen).toEqual([])
  })

  test('of hosts and ports that are not listed are not asked for', async () => {
    const found = await reasons(
      `http://127.0.0.1:${port}/a.png`,
      `http://localhost:${other}/a.png`,
      `http://2130706433:${port}/a.png`,
      `http://0177.0.0.1:${port}/a.png`,
      `http://[::ffff:127.0.0.1]:${port}/a.png`,
      `http://u:p@localhost:${port}/a.png`,
      'https://cdn.example.com:8443/a.png',
      'ftp://localhost/a.png',
      'file:///etc/passwd',
      'gopher://localhost/x',
      'http://',
    )
    expect(found.every((one) => one !== null)).toBe(true)
    expect(seen).toEqual([])
  })

  test.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://172.16.0.1/',
    'http://255.255.255.255/',
  ])('at %s are not asked for with *', async (url) => {
    expect(await reasons(url)).toEqual([expect.stringContaining('to which the lab does not connect')])
  })

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '169.254.169.254', '10.0.0.1'])(
    'are not asked for if a name is at %s when the lab connects',
    async (address) => {
      resolve('rebound.example.com', '198.41.0.4', address)
      expect(await reasons('http://rebound.example.com/a.png')).toEqual([expect.stringContaining(`is at ${address}`)])
      expect(dns.lookup).toHaveBeenCalledTimes(1)
    },
  )

  test.each(['127.0.0.1', '169.254.169.254'])('of a listed name are not asked for at %s', async (address) => {
    resolve('named.test', address)
    expect(await reasons('http://named.test/a.png')).toEqual([expect.stringContaining(`is at ${address}`)])
  })

  test('do not follow redirects to what is not allowed', async () => {
    expect(await reasons(local('/inside'), local('/file'), local('/user'), local('/loop'))).toEqual([
      `127.0.0.1:${other} is not in mail.remoteContent`,
      expect.stringContaining('file:'),
      expect.stringContaining('user name'),
      expect.stringContaining('redirects'),
    ])
    expect(seen.filter(({ url }) => url === '/secret')).toEqual([])
  })

  test('are images of a limited size, which are not compressed', async () => {
    const paths = ['/html', '/type', '/huge', '/endless', '/gzip', '/cut', '/none']
    expect(await reasons(...paths.map(local))).toEqual([
      expect.stringContaining('"text/html"'),
      expect.stringContaining('is not a type'),
      expect.stringContaining('more than 2097152 octets'),
      expect.stringContaining('more than 2097152 octets'),
      expect.stringContaining('compressed'),
      expect.any(String),
      'the server answers 404',
    ])
  })

  test('of one message have a limited size, number and time', async () => {
    for (let n = 0; n < 6; n++) answers[`/large?${n}`] = answers['/large'] as Answer
    const large = await reasons(...Array.from({ length: 6 }, (_, n) => local(`/large?${n}`)))
    expect(large.filter((one) => one?.includes('together')).length).toBeGreaterThan(0)
    const many = await reasons(...Array.from({ length: 1_000 }, (_, n) => local(`/n${n}`)))
    expect(many.filter((one) => one?.includes('at most 100'))).toHaveLength(900)
    expect(await reasons(local('/slow'))).toEqual([expect.stringContaining('15 s')])
  })

  test('that are shown thousands of times do not make a document without end', async () => {
    const id = await deliver(`<img src="${local('/large')}">\r\n`.repeat(5_000))
    const { body } = await fetched(id)
    expect(body.resources).toMatchObject([{ reason: null }])
    const shown = await http.request(`messages/${id}/html?remote=${body.id}`, { headers: root })
    expect([shown.status, shown.body.length < 20 * 1024 * 1024]).toEqual([200, true])
    expect(shown.body.split('data:image/png').length - 1).toBeGreaterThan(1)
  })

  test('cannot add HTML by their URLs or contents', async () => {
    const url = `${local('/x.svg')}?"><script>`
    answers['/x.svg?%22%3E%3Cscript%3E'] = answers['/x.svg'] as Answer
    const id = await deliver(`<img src='${url}'><img src="${local('/x.svg')}">`)
    const { body } = await fetched(id)
    const shown = await http.request(`messages/${id}/html?remote=${body.id}`, { headers: root })
    const added = shown.body.replaceAll(/data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+/g, 'IMAGE')
    expect(added).toContain('<img src="IMAGE">')
    expect(added).not.toContain('onload')
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('are found in linear time', async () => {
    const pieces = ['<img ', 'src="', "src='", 'url(', `url(${' '.repeat(40)}`, 'background=', '<img src=x ', 'srcset ']
    for (const piece of pieces) {
      const id = await deliver(piece.repeat(Math.floor(1_000_000 / piece.length)).replaceAll(/(.{900})/g, '$1\r\n'))
      expect((await fetched(id)).status).toBe(200)
    }
  }, 60_000)
})
