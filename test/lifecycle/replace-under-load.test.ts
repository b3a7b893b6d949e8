import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { type Protocol, protocols } from '../../src/config/schema.ts'
import { thumbprintOf } from '../../src/pki/certificate/certificate.ts'
import { openCertificateStore } from '../../src/pki/certificate-store/store.ts'
import { certificatesOf } from '../../src/pki/lifecycle/certificates.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import { storeOptions, temporaryFolder } from '../pki/support.ts'
import { LineClient } from '../support/line-client.ts'
import { isLong } from '../support/long.ts'

/** Each protocol has its turn with an old key and with a new one. */
const rounds = isLong ? 100 : 2 * protocols.length

/** Commands and the beginning of their replies: those of the log-on, and one that a session repeats. */
const dialogs: Record<
  Protocol,
  { readonly logOn: readonly (readonly [string, string])[]; readonly command: string; readonly reply: string }
> = {
  smtp: { logOn: [['EHLO load.test', '250 ']], command: 'NOOP', reply: '250' },
  pop3: {
    logOn: [
      ['USER pop3', '+OK'],
      ['PASS secret', '+OK'],
    ],
    command: 'NOOP',
    reply: '+OK',
  },
  imap4: { logOn: [['a LOGIN imap4 secret', 'a OK']], command: 'n NOOP', reply: 'n OK' },
  nntp: { logOn: [['MODE READER', '20']], command: 'DATE', reply: '111' },
}

async function exchange(client: LineClient, command: string, reply: string): Promise<void> {
  client.send(`${command}\r\n`)
  const lines = await client.lines((one) => one.startsWith(reply) || /^(\S+ (NO|BAD)|-ERR|[45]\d\d)/.test(one))
  expect(lines.at(-1)).toMatch(new RegExp(`^${reply.replace('+', '\\+')}`))
}

/** Returns the thumbprint of the certificate that a new client sees. */
async function servedOn(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
  // The greeting shows that the handshake is complete on the server's side too.
  await once(socket, 'data')
  const certificate = socket.getPeerX509Certificate() as X509Certificate
  socket.on('error', () => {})
  socket.destroy()
  return thumbprintOf(new X509Certificate(certificate.raw))
}

it('certificates that are replaced under load break no session, and every new handshake is right', {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'certs')
  await using lab = await startLab({
    certificates: { store: path, key: 'p256' },
    directory: {
      accounts: protocols.map((name) => ({ user: name, password: 'secret' })),
    },
    virtualServers: protocols.map((protocol) => ({ protocol, port: 0, tlsPort: 0 })),
  })
  const ports = new Map(protocols.map((protocol) => [protocol, lab.server(protocol).tlsPort]))
  let running = true
  let exchanges = 0

  async function session(protocol: Protocol): Promise<void> {
    const { logOn, command, reply } = dialogs[protocol]
    const client = await LineClient.openTls(ports.get(protocol) ?? 0, lab.ca)
    await client.line()
    for (const [line, expected] of logOn) await exchange(client, line, expected)
    while (running) {
      await exchange(client, command, reply)
      exchanges++
    }
    client.destroy()
  }
  const sessions = protocols.map(session)

  // A second store on the same folder changes it as another process would.
  await using other = await openCertificateStore(storeOptions(path))
  const certificates = certificatesOf(other, () => ({
    hostname: 'localhost',
    names: ['localhost'],
    virtualServers: protocols.map((protocol) => ({
      name: lab.server(protocol).name,
      protocol,
      address: '127.0.0.1',
      certificate: { kind: 'auto' },
    })),
  }))
  for (const protocol of protocols) {
    await certificates.issue({ for: protocol, names: ['127.0.0.1'], resolver: async () => ['127.0.0.1'] })
  }
  // Until the lab has read these changes, clients see the automatic certificate.
  for (const protocol of protocols) {
    const first = await certificates.wornBy(protocol)
    await expect.poll(() => servedOn(ports.get(protocol) ?? 0, lab.ca), { timeout: 60_000 }).toBe(first)
  }
  for (let round = 0; round < rounds; round++) {
    const protocol = protocols[round % protocols.length] as Protocol
    const before = await certificates.wornBy(protocol)
    const renewal = await certificates.renew(before, { newKey: round % 2 === 0 })
    if (renewal.state !== 'renewed') throw new Error(renewal.state)
    const next = renewal.record.thumbprint
    const exchangesBefore = exchanges
    const seen = new Set<string>()
    while (!seen.has(next)) seen.add(await servedOn(ports.get(protocol) ?? 0, lab.ca))
    // Clients see the old certificate or the new one, never another.
    expect([...seen].filter((one) => one !== before && one !== next)).toEqual([])
    expect(exchanges).toBeGreaterThan(exchangesBefore)
  }
  running = false
  await Promise.all(sessions)
  expect(lab.sessions().flatMap(({ refusals }) => refusals)).toEqual([])
})
