import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { needs } from '../../support/programs.ts'
import { basic, bearer, HttpLab } from './client.ts'

const [admin, reader, tenant] = ['admin-admin-admin', 'reader-reader-reader', 'tenant-tenant-tenant'] as const
const http = HttpLab.ofTests({
  certificates: { store: 'memory', key: 'p256' },
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  news: { groups: [{ name: 'lab.general' }] },
  access: {
    tokens: [
      { name: 'ci', token: admin },
      { name: 'watcher', role: 'reader', token: reader },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    { protocol: 'smtp', tlsPort: 0, name: 'A "quoted" \\ name' },
    { protocol: 'http', authentication: ['basic'] },
    { protocol: 'http', name: 'Open' },
  ],
})

const text = async (headers: Record<string, string> = {}): Promise<string> =>
  (await http.request('/metrics', { headers: { ...bearer(admin), ...headers } })).body

/** The label as it is in the text, escaped. */
const SMTP = 'protocol="smtp",virtual_server="A \\"quoted\\" \\\\ name"'

/** Returns the value of a sample, named with its labels. */
function valueOf(metrics: string, sample: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? Number.NaN : Number(line.slice(sample.length + 1))
}

/** Resolves once a sample has a value. */
async function untilValue(sample: string, value: number): Promise<void> {
  while (valueOf(await text(), sample) !== value);
}

describe('metrics', () => {
  it('count connections, handshakes and refusals of each virtual server', async () => {
    const { port, tlsPort } = http.lab.server('smtp')
    const socket = createConnection(port, '127.0.0.1')
    await once(socket, 'data')
    expect(valueOf(await text(), `sealpost_open_connections{${SMTP}}`)).toBe(1)
    socket.end('QUIT\r\n').resume()
    await untilValue(`sealpost_open_connections{${SMTP}}`, 0)
    expect(valueOf(await text(), `sealpost_connections_total{${SMTP}}`)).toBe(1)

    const options = { port: tlsPort, host: '127.0.0.1', servername: 'localhost', maxVersion: 'TLSv1.2' } as const
    const secure = connectTls({ ...options, ca: http.lab.ca, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })
    await once(secure, 'data')
    const suite = 'version="TLSv1.2",suite="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"'
    expect(valueOf(await text(), `sealpost_tls_handshakes_total{${SMTP},outcome="completed",${suite}}`)).toBe(1)
    secure.destroy()

    // The certificate has an elliptic key.
    const unable = connectTls({ ...options, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })
    await once(unable, 'error')
    await untilValue(`sealpost_sessions_refused_total{${SMTP}}`, 1)
    await untilValue(`sealpost_tls_handshakes_total{${SMTP},outcome="failed",version="",suite=""}`, 1)
  })

  it('count messages, their size, and the time that SMTP took for them', async () => {
    const before = await text()
    const { port } = http.lab.server('smtp')
    const socket = createConnection(port, '127.0.0.1')
    const lines = ['EHLO x', 'MAIL FROM:<a@lab.test>', 'RCPT TO:<alice@lab.test>', 'DATA', 'Subject: x\r\n\r\nx\r\n.']
    await once(socket, 'data')
    for (const line of lines) {
      socket.write(`${line}\r\n`)
      await once(socket, 'data')
    }
    socket.destroy()
    await http.lab.deliver({ subject: 'An article' }, { to: 'lab.general' }).catch(() => {})
    const after = await text()
    expect(valueOf(after, 'sealpost_messages_stored_total{kind="mail"}')).toBe(1)
    expect(valueOf(after, 'sealpost_store_messages{kind="mail"}')).toBe(1)
    expect(valueOf(before, 'sealpost_store_bytes{kind="mail"}')).toBe(0)
    expect(valueOf(after, 'sealpost_store_bytes{kind="mail"}')).toBe((await http.lab.messages())[0]?.raw.length)
    expect(valueOf(after, 'sealpost_smtp_transaction_seconds_count')).toBe(1)
    expect(valueOf(after, 'sealpost_smtp_transaction_seconds_bucket{le="+Inf"}')).toBe(1)
  })

  it('tell when each certificate expires, by the clock of the lab', async () => {
    const { name, certificate } = http.lab.server('Open')
    const sample = `sealpost_certificate_expiry_seconds{virtual_server="${name}",friendly_name="${certificate?.friendlyName}",thumbprint="${certificate?.thumbprint}"}`
    const left = valueOf(await text(), sample)
    expect(left).toBeGreaterThan(0)
    const { items } = (await http.request('certificates', { headers: bearer(admin) })).body
    const known = items.find(({ thumbprint }: { thumbprint: string }) => thumbprint === certificate?.thumbprint)
    expect(left).toBeCloseTo((Date.parse(known.notAfter) - http.lab.clock.now()) / 1000, -2)
  })

  it('are seen by administrators and readers, and without credentials only where everything is', async () => {
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (await http.request('/metrics', { headers })).status
    expect(await statusOf(bearer(reader))).toBe(200)
    expect(await statusOf(bearer(tenant))).toBe(403)
    expect(await statusOf(basic('alice', 'secret'))).toBe(403)
    expect(await statusOf({})).toBe(401)
    const open = await fetch(`http://127.0.0.1:${http.lab.server('Open').port}/metrics`)
    expect(open.status).toBe(200)
    expect(await open.text()).toContain('nodejs_eventloop_lag_p99_seconds')
  })

  it('are in the form of OpenMetrics if the client asks for it', async () => {
    const { headers, body } = await http.request('/metrics', {
      headers: { ...bearer(admin), accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    })
    expect(headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body).toMatch(/^# TYPE sealpost_connections counter$/m)
    expect(body).toMatch(/^sealpost_connections_total\{/m)
    expect(body).toMatch(/\n# EOF\n$/)
  })

  it('have the names that the Grafana dashboard asks for', async () => {
    const metrics = await text()
    const known = new Set(
      [...metrics.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? [`${name}_bucket`] : [name],
      ),
    )
    const dashboard = JSON.parse(
      readFileSync(new URL('../../../examples/grafana/sealpost.json', import.meta.url), 'utf8'),
    )
    const used = JSON.stringify(dashboard.panels).match(/(?:sealpost|process|nodejs)_[a-z0-9_]+(?=\{)/g) ?? []
    expect(used.length).toBeGreaterThan(dashboard.panels.length)
    expect(used.filter((name) => !known.has(name))).toEqual([])
  })

  it.runIf(needs('promtool'))('satisfy promtool', async () => {
    const program = spawn('promtool', ['check', 'metrics'])
    let output = ''
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk) => (output += chunk))
    program.stdin.end(await text())
    const [status] = await once(program, 'close')
    expect([status, output]).toEqual([0, ''])
  })
})
