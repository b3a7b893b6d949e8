import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transcript } from '../../src/core/sessions/describe.ts'
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
    const text = transcript(pop3).join('\n')
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
