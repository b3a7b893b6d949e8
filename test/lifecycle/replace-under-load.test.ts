import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { type Protocol, protocols } from '../../src/config/schema.ts'
import { thumbprintOf } from '../../src/pki/certificate/certificate.ts'
import { openCertificateStore } from '../../src/pki/certificate-store/store.ts'
import { certificatesOf } from '../../src/pki/lifecycle/certificates.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import { storeOptions, temporaryFolder } from '../pki/support.ts'
import { LineClient } from '../support/line-client.ts'

/** What a session says over and over, and how the answer begins; `login` first. */
const talks: Record<
  Protocol,
  { readonly login: readonly (readonly [string, string])[]; readonly say: string; readonly answer: string }
> = {
  smtp: { login: [['EHLO load.test', '250 ']], say: 'NOOP', answer: '250' },
  pop3: {
    login: [
      ['USER alice', '+OK'],
      ['PASS secret', '+OK'],
    ],
    say: 'NOOP',
    answer: '+OK',
  },
  imap4: { login: [['a LOGIN alice secret', 'a OK']], say: 'n NOOP', answer: 'n OK' },
  nntp: { login: [['MODE READER', '20']], say: 'DATE', answer: '111' },
}

async function ask(client: LineClient, line: string, answer: string): Promise<void> {
  client.send(`${line}\r\n`)
  const lines = await client.lines((one) => one.startsWith(answer) || /^(\S+ (NO|BAD)|-ERR|[45]\d\d)/.test(one))
  expect(lines.at(-1)).toMatch(new RegExp(`^${answer.replace('+', '\\+')}`))
}

/** Who a new client sees on a port. */
async function shown(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
  // The greeting, so that the handshake is over for the server too.
  await once(socket, 'data')
  const certificate = socket.getPeerX509Certificate() as X509Certificate
  socket.on('error', () => {})
  socket.destroy()
  return thumbprintOf(new X509Certificate(certificate.raw))
}

it('a hundred certificates replaced under load break no session, and every new handshake is right', async () => {
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
    const { login, say, answer } = talks[protocol]
    const client = await LineClient.openTls(ports.get(protocol) ?? 0, lab.ca)
    await client.line()
    for (const [line, expected] of login) await ask(client, line.replace('alice', protocol), expected)
    while (running) {
      await ask(client, say, answer)
      exchanges++
      await delay(5)
    }
    client.destroy()
  }
  const sessions = protocols.map(session)

  // As another process would: a store of its own on the same folder.
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
  for (let round = 0; round < 100; round++) {
    const protocol = protocols[round % protocols.length] as Protocol
    const before = await certificates.wornBy(protocol)
    const renewal = await certificates.renew(before, { newKey: round % 2 === 0 })
    if (renewal.state !== 'renewed') throw new Error(renewal.state)
    const seen = new Set<string>()
    const port = ports.get(protocol) ?? 0
    for (let now = ''; now !== renewal.record.thumbprint; await delay(10)) {
      now = await shown(port, lab.ca)
      seen.add(now)
    }
    // Never another than the old one and the new one.
    expect([...seen].filter((one) => one !== before && one !== renewal.record.thumbprint)).toEqual([])
  }
  running = false
  await Promise.all(sessions)
  expect(exchanges).toBeGreaterThan(400)
  expect(lab.sessions().flatMap(({ refusals }) => refusals)).toEqual([])
})
