import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Protocol, protocols } from '../../src/config/schema.ts'
import { authoritiesOf } from '../../src/pki/authority/authorities.ts'
import type { UserOptions } from '../../src/pki/authority/sign.ts'
import { thumbprintOf } from '../../src/pki/certificate/certificate.ts'
import { openCertificateStore } from '../../src/pki/certificate-store/store.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { storeOptions, temporaryFolder } from '../pki/support.ts'
import { run, sClient } from '../support/openssl.ts'

let lab: TestLab

beforeAll(async () => {
  lab = await startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret' },
      ],
    },
    virtualServers: protocols.map((protocol) => ({
      protocol,
      port: 0,
      tlsPort: 0,
      clientCertificates: 'require' as const,
    })),
  })
})
afterAll(() => lab.stop())

async function user(options: UserOptions): Promise<ConnectionOptions & { thumbprint: string }> {
  const { chain, pkcs12 } = await lab.authorities.issueUser(options)
  return { pfx: pkcs12('secret'), passphrase: 'secret', thumbprint: thumbprintOf(chain[0]) }
}

const empty = Buffer.from('').toString('base64') || '='
const logOns: Record<Protocol, { readonly lines: readonly string[]; readonly done: RegExp }> = {
  smtp: { lines: ['EHLO client.test', `AUTH EXTERNAL ${empty}`], done: /^235 /m },
  pop3: { lines: [`AUTH EXTERNAL ${empty}`], done: /^\+OK(?!.*ready)/m },
  imap4: { lines: [`a AUTHENTICATE EXTERNAL ${empty}`], done: /^a OK/m },
  nntp: { lines: [`AUTHINFO SASL EXTERNAL ${empty}`], done: /^281 /m },
}

/** Sends the lines of a log-on, one after each reply. Returns everything that the server sent. */
async function talk(protocol: Protocol, options: ConnectionOptions): Promise<string> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: lab.server(protocol).tlsPort,
    ca: lab.ca,
    servername: 'localhost',
    ...options,
  })
  let received = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  const ended = once(socket, 'close').catch((error: Error) => {
    received += error.message
  })
  const nextData = (): Promise<unknown> => Promise.race([once(socket, 'data').catch(() => {}), ended])
  await nextData()
  for (const line of logOns[protocol].lines) {
    if (socket.destroyed) break
    const answered = nextData()
    socket.write(`${line}\r\n`)
    await answered
  }
  socket.destroy()
  await ended
  return received
}

describe.each(protocols)('a client certificate on %s', (protocol) => {
  it.each([
    { by: 'email address', options: { commonName: 'Alice', emails: ['alice@lab.test'] } },
    { by: 'principal name', options: { commonName: 'Alice', principalName: 'alice@lab.test' } },
  ])('logs on by $by with SASL EXTERNAL', async ({ options }) => {
    expect(await talk(protocol, await user(options))).toMatch(logOns[protocol].done)
    const records = lab
      .sessions()
      .filter(({ user: name, virtualServer }) => name === 'alice' && virtualServer === lab.server(protocol).name)
    expect(records.length).toBeGreaterThan(0)
  })

  it('is refused if it names no account, is revoked or is missing', async () => {
    expect(await talk(protocol, await user({ commonName: 'X', emails: ['x@other.test'] }))).not.toMatch(
      logOns[protocol].done,
    )
    const revoked = await user({ commonName: 'Bob', emails: ['bob@lab.test'] })
    await lab.authorities.revoke(revoked.thumbprint, 'keyCompromise')
    expect(await talk(protocol, revoked)).not.toMatch(logOns[protocol].done)
    expect(lab.sessions().at(-1)?.refusals.join()).toMatch(/revoked \(keyCompromise\)/)
    expect(await talk(protocol, {})).not.toMatch(logOns[protocol].done)
  })
})

describe('a revoked client certificate', () => {
  /** Connects with a revoked certificate by `openssl s_client`. Returns its output. */
  async function refused(...args: readonly string[]): Promise<string> {
    await using folder = await temporaryFolder()
    const { pfx, thumbprint } = await user({ commonName: 'Bob', emails: ['bob@lab.test'] })
    await lab.authorities.revoke(thumbprint, 'keyCompromise')
    const [p12, pem, root] = ['bob.p12', 'bob.pem', 'root.pem'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(p12, pfx as Buffer)
    writeFileSync(root, lab.ca)
    await run('openssl', ['pkcs12', '-in', p12, '-passin', 'pass:secret', '-nodes', '-out', pem])
    return await sClient([...args, '-cert', pem, '-key', pem, '-CAfile', root], 'QUIT\r\n')
  }

  it.each(['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'])(
    'is refused with the alert certificate_revoked in TLS 1.3, %s',
    async (suite) => {
      const tls = ['-tls1_3', '-ciphersuites', suite]
      const implicit = await refused(...tls, '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`)
      expect(implicit).toContain('SSL alert number 44')
      const starttls = ['-starttls', 'smtp', '-connect', `127.0.0.1:${lab.server('smtp').port}`]
      expect(await refused(...tls, ...starttls)).toContain('SSL alert number 44')
    },
  )

  it('is refused with the alert close_notify in TLS 1.2', async () => {
    const output = await refused('-tls1_2', '-msg', '-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`)
    expect(output).toMatch(/<<< TLS 1\.2, Alert .*close_notify/)
    expect(output).not.toContain('unexpected eof')
    expect(lab.sessions().at(-1)?.refusals.join()).toMatch(/revoked \(keyCompromise\)/)
  })
})

it('a thumbprint in the configuration names an account; another lab does not trust the authority', async () => {
  await using folder = await temporaryFolder()
  const certificates = { store: folder.path, key: 'p256' as const }
  const issued = await (async () => {
    await using store = await openCertificateStore(storeOptions(folder.path))
    return authoritiesOf(store).issueUser({ commonName: 'Carol', emails: ['carol@other.test'] })
  })()
  const thumbprint = thumbprintOf(issued.chain[0]).toLowerCase()
  const carol = { pfx: issued.pkcs12('secret'), passphrase: 'secret' }
  const accounts = [{ user: 'carol', password: 'x', certificates: [thumbprint] }]
  const virtualServers = [{ protocol: 'imap4', port: 0, tlsPort: 0, clientCertificates: 'accept' }] as const
  const greeting = async (where: TestLab): Promise<string> => {
    const { tlsPort } = where.server('imap4')
    const socket = connect({ host: '127.0.0.1', port: tlsPort, ca: where.ca, servername: 'localhost', ...carol })
    const [line] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return line.toString()
  }
  await using knowing = await startLab({ certificates, directory: { accounts }, virtualServers: [...virtualServers] })
  expect(await greeting(knowing)).toContain('AUTH=EXTERNAL')
  await using foreign = await startLab({ directory: { accounts }, virtualServers: [...virtualServers] })
  expect(await greeting(foreign)).not.toContain('AUTH=EXTERNAL')
})
