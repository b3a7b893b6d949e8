import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeTranscript } from '../../src/core/sessions/describe.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { newFolder } from '../support/folder.ts'
import { freePorts } from '../support/free-ports.ts'
import { opensslCertificate } from '../support/openssl.ts'
import { needs } from '../support/programs.ts'
import { HAPROXY, NGINX, startHaproxy, startNginx } from '../support/proxies.ts'
import { runProgram } from '../support/run-program.ts'

const [hasHaproxy, hasNginx] = [needs(HAPROXY, 'curl'), needs(NGINX, 'curl')]
/** Programs connect from this address, so that it differs from the proxy's address. */
const CLIENT = '127.0.0.7'
const token = 'admin-admin-admin'

const folder = newFolder()
const front = opensslCertificate(['localhost'])
let lab: TestLab
beforeAll(async () => {
  const proxyProtocol = { from: ['127.0.0.1'] }
  lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    access: { tokens: [{ name: 'ci', token }] },
    virtualServers: [
      { protocol: 'smtp', proxyProtocol },
      { protocol: 'imap4', proxyProtocol },
      { protocol: 'pop3', proxyProtocol, requireSecureChannel: true },
      { protocol: 'http', name: 'announced', proxyProtocol },
      { protocol: 'http', name: 'forwarded', forwarded: { from: ['127.0.0.1'] }, requireSecureChannel: true },
    ],
  })
  writeFileSync(join(folder, 'lab-ca.pem'), lab.ca)
  writeFileSync(join(folder, 'front.pem'), front.privateKeyPem + front.certificatePem)
})
afterAll(() => lab.stop())

const curl = (ca: string, ...args: readonly string[]) =>
  runProgram('curl', ['-sS', '--max-time', '60', '--interface', CLIENT, '--cacert', join(folder, ca), ...args])

/** Returns the only session of the client with a virtual server, once it has ended. Other connections test the proxy. */
async function session(server: string) {
  const found = () => lab.sessions().filter((one) => one.virtualServer === server && one.remoteAddress === CLIENT)
  await expect.poll(() => found().map(({ endedAt }) => endedAt !== undefined)).toEqual([true])
  return found()[0] as NonNullable<ReturnType<typeof found>[number]>
}

describe.skipIf(!hasHaproxy)('HAProxy in front', () => {
  it('finds the lab healthy with a plain httpchk, which sends HTTP/1.0 without Host', async () => {
    const [front, status] = (await freePorts(2)) as [number, number]
    await using _ = await startHaproxy(
      `defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend status
  bind 127.0.0.1:${status}
  stats enable
  stats uri /stats
listen lab
  bind 127.0.0.1:${front}
  option httpchk GET /readyz
  server node 127.0.0.1:${lab.server('announced').port} check inter 200ms send-proxy check-send-proxy
`,
      [status],
    )
    const states = async () => (await fetch(`http://127.0.0.1:${status}/stats;csv`)).text()
    await expect.poll(states, { timeout: 30_000 }).toMatch(/^lab,node,.*,L7OK,200,/m)
  })

  const modes = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,authority,unique-id'] as const
  it.each(modes)('forwards SMTP, IMAP under TLS and HTTP with %s', async (mode) => {
    const [smtp = 0, imaps = 0, http = 0] = await freePorts(3)
    const behind = {
      [smtp]: lab.server('smtp').port,
      [imaps]: lab.server('imap4').tlsPort,
      [http]: lab.server('announced').port,
    }
    const parts = Object.entries(behind).map(
      ([port, to]) => `
listen l${port}
  bind 127.0.0.1:${port}
  server lab 127.0.0.1:${to} check inter 200ms ${mode}`,
    )
    await using _ = await startHaproxy(
      `defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n${parts.join('\n')}\n`,
      [smtp, imaps, http],
    )
    await lab.reset()

    const mail = join(folder, 'mail')
    writeFileSync(mail, 'Subject: by HAProxy\r\n\r\nHello\r\n')
    const from = ['--mail-from', 'a@x.test', '--mail-rcpt', 'alice@lab.test', '--upload-file', mail]
    expect((await curl('lab-ca.pem', '--ssl-reqd', ...from, `smtp://localhost:${smtp}`)).stderr).toBe('')
    const [received] = await lab.messages()
    expect(String(received?.raw)).toMatch(/^Received: from \S+ \(\[127\.0\.0\.7\]\)$/m)
    expect(received?.session).toMatchObject({ remoteAddress: CLIENT, proxy: { address: '127.0.0.1' } })

    const read = await curl('lab-ca.pem', '--user', 'alice:secret', `imaps://localhost:${imaps}/INBOX;MAILINDEX=1`)
    expect(read.stdout).toContain('Subject: by HAProxy')
    expect(await session('Default IMAP4 Virtual Server')).toMatchObject({
      user: 'alice',
      refusals: [],
      tls: { serverName: 'localhost' },
    })

    // Two requests on one connection.
    const url = `http://localhost:${http}/livez`
    expect((await curl('lab-ca.pem', url, url)).stdout).toBe('okok')
    expect((await session('announced')).transcript).toHaveLength(4)
    // The health checks, of which there were many meanwhile, have left nothing.
    await expect.poll(() => lab.sessions().filter(({ proxy }) => proxy === undefined)).toEqual([])
  })

  it('keeps the clients of an address, and of a server name, on one node, as docs/cluster-operation.md has it', async () => {
    const docs = readFileSync(new URL('../../docs/cluster-operation.md', import.meta.url), 'utf8')
    const sections = /^backend addresses\n[\s\S]*?(?=^```)/m.exec(docs)?.[0] as string
    const proxyProtocol = { from: ['127.0.0.1'] }
    const startNode = (hostname: string) =>
      startLab({
        hostname,
        virtualServers: [
          { protocol: 'smtp', proxyProtocol },
          { protocol: 'imap4', proxyProtocol },
        ],
      })
    await using node1 = await startNode('node1.lab.test')
    let node2: TestLab | undefined = await startNode('node2.lab.test')
    const nodes = [node1, node2]
    const [smtp = 0, imaps = 0] = await freePorts(2)
    await using _ = await startHaproxy(
      `defaults
  mode tcp
  option redispatch 1
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  default-server check inter 200ms fall 2 rise 1 send-proxy-v2
${sections
  .replace('bind :25', `bind 127.0.0.1:${smtp}`)
  .replace('bind :993', `bind 127.0.0.1:${imaps}`)
  .replace(/10\.0\.0\.(\d):(\d+)/g, (_, at, port) => {
    const { port: plain, tlsPort } = (nodes[at - 1] as TestLab).server(port === '25' ? 'smtp' : 'imap4')
    return `127.0.0.1:${port === '25' ? plain : tlsPort}`
  })}`,
      [smtp, imaps],
    )
    const greeting = async (localAddress: string) => {
      const socket = connect({ port: smtp, host: '127.0.0.1', localAddress })
      const [line] = await once(socket, 'data')
      socket.destroy()
      return /node\d/.exec(String(line))?.[0]
    }
    const greetingOver = async (servername: string, localAddress: string) => {
      const socket = connect({ port: imaps, host: '127.0.0.1', localAddress })
      // Each lab has an authority of its own.
      const secure = connectTls({ socket, servername, ca: node1.ca, checkServerIdentity: () => undefined })
      const verified = once(secure, 'secureConnect').then(
        () => 'node1',
        (error) => (error.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' ? 'node2' : error.code),
      )
      return verified.finally(() => socket.destroy())
    }
    const addresses = Array.from({ length: 6 }, (_, at) => `127.0.0.${20 + at}`)
    const each = () => Promise.all(addresses.map(greeting))
    const first = await each()
    expect(new Set(first)).toEqual(new Set(['node1', 'node2']))
    for (let round = 0; round < 5; round++) expect(await each()).toEqual(first)
    // IMAP without a server name follows the address.
    expect(await Promise.all(addresses.map((address) => greetingOver('', address)))).toEqual(first)

    const teams = ['a.test', 'b.test', 'c.test', 'd.test']
    const ofTeams = (from: number) =>
      Promise.all(teams.map((team, at) => greetingOver(team, addresses[(at + from) % addresses.length] as string)))
    const home = await ofTeams(0)
    for (let from = 1; from < 6; from++) expect(await ofTeams(from)).toEqual(home)

    await node2.stop()
    node2 = undefined
    for (const address of addresses) await expect.poll(() => greeting(address), { timeout: 30_000 }).toBe('node1')
  })

  it('ends TLS, and says so', async () => {
    const [port = 0] = await freePorts(1)
    const to = lab.server('pop3').port
    await using _ = await startHaproxy(
      `listen pop3s
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  bind 127.0.0.1:${port} ssl crt ${folder}/front.pem
  server lab 127.0.0.1:${to} send-proxy-v2-ssl proxy-v2-options ssl-cipher,authority
`,
      [port],
    )
    await lab.reset()
    const { status, stderr } = await curl('front.pem', '--user', 'alice:secret', `pop3s://localhost:${port}/`)
    expect([status, stderr]).toEqual([0, ''])
    const pop3 = await session('Default POP3 Virtual Server')
    expect(pop3).toMatchObject({ user: 'alice', refusals: [] })
    const text = describeTranscript(pop3).join('\n')
    expect(text).toMatch(/\(the client and the proxy use TLS \(TLSv1\.3, TLS_AES_\w+\)\)/)
    expect(text).toContain('the client asked the proxy for the server name localhost')
  })

  it('is explained if its address is not listed', async () => {
    await using direct = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
    const [port = 0] = await freePorts(1)
    const to = direct.server('smtp').port
    await using _ = await startHaproxy(
      `listen smtp\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n  bind 127.0.0.1:${port}\n  server lab 127.0.0.1:${to} send-proxy-v2\n`,
      [port],
    )
    expect((await curl('lab-ca.pem', `smtp://localhost:${port}`)).status).not.toBe(0)
    await expect
      .poll(() => direct.sessions().at(-1)?.refusals.join())
      .toContain('its address is not in proxyProtocol.from of this virtual server')
  })
})

describe.skipIf(!hasNginx)('nginx in front', () => {
  it('forwards HTTP with X-Forwarded-For, -Proto and -Host, over connections that it keeps', async () => {
    const [https = 0, http = 0] = await freePorts(2)
    const settings = `
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Connection "";
      proxy_buffering off;`
    await using _ = await startNginx(
      `upstream lab { server 127.0.0.1:${lab.server('forwarded').port}; keepalive 4; }
      server {
        listen 127.0.0.1:${https} ssl;
        ssl_certificate ${folder}/front.pem;
        ssl_certificate_key ${folder}/front.pem;
        location / { proxy_pass http://lab; ${settings} }
      }
      server {
        listen 127.0.0.1:${http};
        location / { proxy_pass http://lab; ${settings} }
      }`,
      [https, http],
    )
    await lab.reset()
    const url = (path: string): string => `https://localhost:${https}${path}`
    const spoof = ['-H', 'X-Forwarded-For: 192.0.2.1']
    const asAdmin = ['-H', `Authorization: Bearer ${token}`]
    const sessions = JSON.parse((await curl('front.pem', ...asAdmin, ...spoof, url('/api/v1/sessions'))).stdout)
    expect(sessions.items[0]).toMatchObject({ remoteAddress: CLIENT, proxy: { address: '127.0.0.1' } })

    const status = async (...args: readonly string[]): Promise<string> =>
      (await curl('front.pem', '-o', '/dev/null', '-w', '%{http_code}', ...args)).stdout
    expect(await status(...asAdmin, url('/api/v1/session'))).toBe('200')
    expect(await status(url('/api/v1/session'))).toBe('200')
    expect(await status(...asAdmin, `http://localhost:${http}/api/v1/session`)).toBe('403')
    expect(await status('-H', 'Host: evil.example.com', url('/api/v1/session'))).toBe('421')

    const cookie = await curl('front.pem', '-i', '-X', 'POST', ...asAdmin, url('/api/v1/session'))
    expect(cookie.stdout).toMatch(new RegExp(`^set-cookie: __Host-sealpost-${https}=.*; Secure;`, 'im'))
    const found = await curl('front.pem', url('/autodiscover/autodiscover.json?Protocol=AutodiscoverV1'))
    expect(JSON.parse(found.stdout).Url).toBe(`https://localhost:${https}/autodiscover/autodiscover.xml`)
    // nginx has sent several of these seven requests over one connection.
    expect(lab.sessions().filter(({ virtualServer }) => virtualServer === 'forwarded').length).toBeLessThan(7)
  })
})
