import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerProtocol, serverProtocols } from '../../../../src/core/config/schema.ts'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { authoritiesOf } from '../../../../src/tls/pki/authority/authorities.ts'
import type { UserOptions } from '../../../../src/tls/pki/authority/sign.ts'
import { thumbprintOf } from '../../../../src/tls/pki/certificate/certificate.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { newFolder } from '../../../support/folder.ts'
import { run, sClient } from '../../../support/openssl.ts'
import { needs } from '../../../support/programs.ts'
import { some } from '../../../support/thorough.ts'
import { run as runProgram, storeOptions } from '../support.ts'

let lab: TestLab

beforeAll(async () => {
  lab = await startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret' },
      ],
    },
    virtualServers: serverProtocols.map((protocol) => ({
      protocol,
      port: 0,
      tlsPort: 0,
      clientCertificates: 'require' as const,
      // Where anonymous callers may use HTTP, they are administrators.
      authentication: ['basic' as const],
    })),
  })
})
afterAll(() => lab.stop())

async function user(options: UserOptions): Promise<ConnectionOptions & { thumbprint: string }> {
  const { chain, pkcs12 } = await lab.authorities.issueUser(options)
  return { pfx: pkcs12('secret'), passphrase: 'secret', thumbprint: thumbprintOf(chain[0]) }
}

const empty = Buffer.from('').toString('base64') || '='
interface LogOn {
  /** The server is silent until the first line. */
  readonly isAskedFirst?: true
  readonly lines: readonly string[]
  readonly done: RegExp
}

const logOns: Record<ServerProtocol, LogOn> = {
  smtp: { lines: ['EHLO client.test', `AUTH EXTERNAL ${empty}`], done: /^235 /m },
  pop3: { lines: [`AUTH EXTERNAL ${empty}`], done: /^\+OK(?!.*ready)/m },
  imap4: { lines: [`a AUTHENTICATE EXTERNAL ${empty}`], done: /^a OK/m },
  nntp: { lines: [`AUTHINFO SASL EXTERNAL ${empty}`], done: /^281 /m },
  lmtp: { lines: ['LHLO client.test', `AUTH EXTERNAL ${empty}`], done: /^235 /m },
  managesieve: { lines: ['AUTHENTICATE "EXTERNAL" ""'], done: /^OK "Logged on/m },
  http: {
    isAskedFirst: true,
    lines: ['GET /api/v1/messages HTTP/1.1\r\nHost: localhost\r\n'],
    done: /^HTTP\/1.1 200/m,
  },
}

/** Sends the lines of a log-on, one after each reply. Returns everything that the server sent. */
async function talk(protocol: ServerProtocol, options: ConnectionOptions): Promise<string> {
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
  const { isAskedFirst, lines } = logOns[protocol]
  await (isAskedFirst ? Promise.race([once(socket, 'secureConnect').catch(() => {}), ended]) : nextData())
  for (const line of lines) {
    if (socket.destroyed) break
    const answered = nextData()
    socket.write(`${line}\r\n`)
    await answered
  }
  socket.destroy()
  await ended
  return received
}

describe.each(serverProtocols)('a client certificate on %s', (protocol) => {
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
  /** Issues a certificate to Bob. Returns its files, and a function that revokes it. */
  async function bob(folder: string) {
    const { pfx, thumbprint } = await user({ commonName: 'Bob', emails: ['bob@lab.test'] })
    const [p12, pem, root] = ['bob.p12', 'bob.pem', 'root.pem'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(p12, pfx as Buffer)
    writeFileSync(root, lab.ca)
    await run('openssl', ['pkcs12', '-in', p12, '-passin', 'pass:secret', '-nodes', '-out', pem])
    return { pem, root, revoke: () => lab.authorities.revoke(thumbprint, 'keyCompromise') }
  }

  /** Connects with a revoked certificate by `openssl s_client`. Returns its output. */
  async function refused(...args: readonly string[]): Promise<string> {
    const folder = newFolder()
    const { pem, root, revoke } = await bob(folder)
    await revoke()
    return await sClient([...args, '-cert', pem, '-key', pem, '-CAfile', root], 'QUIT\r\n')
  }

  const alert = 'SSL alert number 44'

  it.each(
    some(
      [
        ['1.3', 'TLS_AES_256_GCM_SHA384'],
        ['1.3', 'TLS_AES_128_GCM_SHA256'],
        ['1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
        ['1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
        ['1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
        ['1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
        ['1.2', 'ECDHE-ECDSA-AES256-SHA384'],
        ['1.2', 'ECDHE-ECDSA-AES128-SHA256'],
        ['1.2', 'ECDHE-ECDSA-AES128-SHA'],
      ],
      3,
    ),
  )('is refused with the alert certificate_revoked in TLS %s, %s', async (version, suite) => {
    const tls = version === '1.3' ? ['-tls1_3', '-ciphersuites', suite] : ['-tls1_2', '-cipher', suite]
    const implicit = await refused(...tls, '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`)
    expect(implicit).toContain(alert)
    const starttls = ['-starttls', 'smtp', '-connect', `127.0.0.1:${lab.server('smtp').port}`]
    expect(await refused(...tls, ...starttls)).toContain(alert)
    expect(lab.sessions().at(-1)?.refusals.join()).toMatch(/revoked \(keyCompromise\)/)
  })

  it.each(some(['-tls1_3', '-tls1_2'], 1))(
    'is refused with it although a session was resumed before, %s',
    async (version) => {
      const folder = newFolder()
      const { pem, root, revoke } = await bob(folder)
      const session = join(folder, 'session')
      const endpoint = [version, '-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`, '-servername', 'localhost']
      const connection = [...endpoint, '-cert', pem, '-key', pem, '-CAfile', root]
      expect(await sClient([...connection, '-sess_out', session], 'QUIT\r\n')).toContain('+OK')
      expect(await sClient([...connection, '-sess_in', session], 'QUIT\r\n')).toMatch(/Reused, TLS[\s\S]*\+OK/)
      await revoke()
      expect(await sClient([...connection, '-sess_in', session], 'QUIT\r\n')).toContain(alert)
    },
  )

  it
    .runIf(needs('gnutls-cli'))
    .each(
      some(
        [
          'NORMAL',
          'NORMAL:-VERS-TLS1.3',
          'NORMAL:-VERS-TLS1.3:-AEAD:%NO_ETM',
          'NORMAL:-VERS-TLS1.3:-AES-256-GCM:-AES-128-GCM:-CHACHA20-POLY1305:-AES-256-CCM:-AES-128-CCM',
          'NORMAL:-VERS-TLS1.3:-AES-256-GCM:-AES-128-GCM:-CHACHA20-POLY1305:-AES-256-CCM:-AES-128-CCM:%NO_ETM',
        ],
        1,
      ),
    )('is refused with it to gnutls-cli, %s', async (priority) => {
    const folder = newFolder()
    const { pem, root, revoke } = await bob(folder)
    await revoke()
    const args = ['--x509certfile', pem, '--x509keyfile', pem, '--x509cafile', root, '--priority', priority]
    const { out, err } = await runProgram(
      'gnutls-cli',
      [...args, '--port', String(lab.server('pop3').tlsPort), 'localhost'],
      'QUIT\r\n',
    )
    expect(out + err).toMatch(/Certificate was revoked|alert \[44\]/)
  })

  it('is refused with the alert close_notify for suites without an own alert', async () => {
    const suite = ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-CCM']
    const output = await refused(...suite, '-msg', '-connect', `127.0.0.1:${lab.server('pop3').tlsPort}`)
    expect(output).toMatch(/<<< TLS 1\.2, Alert .*close_notify/)
    expect(output).not.toContain('unexpected eof')
  })
})

it('a thumbprint in the configuration names an account; another lab does not trust the authority', async () => {
  const folder = newFolder()
  const certificates = { store: folder, key: 'p256' as const }
  const issued = await (async () => {
    await using store = await openCertificateStore(storeOptions(folder))
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
