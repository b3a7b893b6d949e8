import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, get } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { thumbprintOf } from '../../../src/tls/pki/certificate/certificate.ts'
import { newFolder } from '../../support/folder.ts'
import { run, sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

const hasCurl = needs('curl')
const folder = newFolder()
let lab: TestLab
beforeAll(async () => {
  lab = await startLab({
    certificates: { store: 'memory', key: 'rsa-2048' },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [
      { protocol: 'http', name: 'open' },
      { protocol: 'http', name: 'accept', clientCertificates: 'accept', authentication: ['basic'] },
      { protocol: 'http', name: 'require', clientCertificates: 'require', authentication: ['basic'] },
      { protocol: 'http', name: 'old', tls: { legacy: true } },
    ],
  })
  writeFileSync(join(folder, 'ca.pem'), lab.ca)
})
afterAll(() => lab.stop())

const urlOf = (server: string, path: string): string => `https://localhost:${lab.server(server).tlsPort}${path}`

const curl = (...args: readonly string[]) =>
  runProgram('curl', ['-sS', '--max-time', '20', '--cacert', join(folder, 'ca.pem'), ...args])

/** Returns the record of the session that `act` causes, once it has ended. */
async function sessionOf(act: () => Promise<unknown>): Promise<SessionRecord> {
  const known = lab.sessions().length
  await act()
  await expect.poll(() => lab.sessions()[known]?.endedAt).toBeDefined()
  return lab.sessions()[known] as SessionRecord
}

describe('ALPN', () => {
  it.skipIf(!hasCurl)('chooses http/1.1 for curl, whose session needs no explanation', async () => {
    let stderr = ''
    const record = await sessionOf(async () => {
      ;({ stderr } = await curl('-v', urlOf('open', '/livez')))
    })
    expect(stderr).toContain('ALPN: server accepted http/1.1')
    expect(record.hello?.alpn).toEqual(['h2', 'http/1.1'])
    expect([record.refusals, describeTranscript(record).join('\n')]).toEqual([
      [],
      expect.not.stringContaining('does it accept'),
    ])
  })

  it('refuses a client that speaks only another protocol, and says so', async () => {
    const record = await sessionOf(async () => {
      const output = await sClient(['-connect', `127.0.0.1:${lab.server('open').tlsPort}`, '-alpn', 'h2'], '')
      expect(output).toContain('SSL alert number 120')
    })
    expect(record.refusals).toEqual([
      'TLS handshake: no protocol in common (ALPN): the client offers h2, this virtual server speaks http/1.1; offer one of these in the client, or none',
    ])
  })
})

describe.skipIf(!hasCurl)('a client that mixes up the ports is told so: curl', () => {
  it.each([
    ['https', 'port', 'the client started TLS on the clear-text port: use https with the TLS port'],
    [
      'http',
      'tlsPort',
      'TLS handshake: the client sent an HTTP request in clear text: use https for this port, or the clear-text port',
    ],
  ] as const)('%s to %s', async (scheme, port, refusal) => {
    const record = await sessionOf(() => curl(`${scheme}://localhost:${lab.server('open')[port]}/livez`))
    expect(record.refusals).toEqual([refusal])
  })
})

describe('a new certificate', () => {
  /** Sends a request. Returns the certificate of its connection, and whether the connection had another one before. */
  const ask = (agent: Agent) =>
    new Promise<{ fingerprint: string; isReused: boolean }>((resolve, reject) => {
      const sent = get(urlOf('open', '/livez'), { agent }, (answer: IncomingMessage) => {
        const fingerprint = (answer.socket as TLSSocket).getPeerCertificate().fingerprint
        answer.resume().on('end', () => resolve({ fingerprint, isReused: sent.reusedSocket }))
      }).on('error', reject)
    })

  it('is seen by new connections, and those that are kept alive stay', async () => {
    const options: AgentOptions = { ca: lab.ca, keepAlive: true, maxSockets: 1 }
    const [before, after] = [new Agent(options), new Agent(options)]
    const old = await ask(before)
    const issued = await lab.certificates.issue({ for: 'open', resolver: async () => ['127.0.0.1'] })
    if (issued.state !== 'issued') throw new Error(issued.state)
    await expect
      .poll(async () => {
        const { fingerprint } = await ask(after)
        after.destroy()
        return fingerprint.replaceAll(':', '')
      })
      .toBe(issued.record.thumbprint)
    expect(await ask(before)).toEqual({ fingerprint: old.fingerprint, isReused: true })
    before.destroy()
    after.destroy()
  })
})

describe.skipIf(!hasCurl)('a client certificate, by curl', () => {
  /** Issues a certificate. Returns curl's arguments to send it, and its thumbprint. */
  async function identity(email: string) {
    const { chain, pkcs12 } = await lab.authorities.issueUser({ commonName: email, emails: [email] })
    const thumbprint = thumbprintOf(chain[0])
    const [p12, pem] = [join(folder, `${thumbprint}.p12`), join(folder, `${thumbprint}.pem`)]
    writeFileSync(p12, pkcs12('secret'))
    await run('openssl', ['pkcs12', '-in', p12, '-passin', 'pass:secret', '-nodes', '-out', pem])
    return { args: ['--cert', pem, '--key', pem], thumbprint }
  }
  const status = ['-o', '/dev/null', '-w', '%{http_code}']
  const messages = (server: string): string => urlOf(server, '/api/v1/messages')

  it('logs on the account that it names', async () => {
    const { args } = await identity('alice@lab.test')
    for (const server of ['accept', 'require']) {
      const record = await sessionOf(async () => {
        expect((await curl(...args, ...status, messages(server))).stdout).toBe('200')
      })
      expect([record.user, record.tls?.clientCertificate?.account]).toEqual(['alice', 'alice'])
    }
  })

  it('is refused if it is missing, or names no account', async () => {
    expect((await curl(...status, messages('accept'))).stdout).toBe('401')
    const record = await sessionOf(async () => {
      expect((await curl(...status, messages('require'))).stderr).toMatch(/alert .*certificate required/)
    })
    expect(record.refusals.join()).toMatch(/the client sent no certificate/)
    const { args } = await identity('nobody@other.test')
    expect((await curl(...args, ...status, messages('require'))).stdout).toBe('401')
  })

  it('is refused with the alert certificate_revoked once it is revoked', async () => {
    const { args, thumbprint } = await identity('alice@lab.test')
    await lab.authorities.revoke(thumbprint, 'keyCompromise')
    for (const version of ['1.2', '1.3']) {
      const { stderr } = await curl(...args, '--tlsv1.2', '--tls-max', version, ...status, messages('accept'))
      expect(stderr).toMatch(/certificate revoked/)
    }
  })
})

describe.skipIf(!hasCurl)('the engine for old clients', () => {
  it('carries large requests and answers', async () => {
    const file = join(folder, 'large.eml')
    const text = `Subject: large\r\n\r\n${'0123456789abcdef'.repeat(64 * 1024)}\r\n`
    writeFileSync(file, text)
    const old = ['--tlsv1.0', '--tls-max', '1.0', '--ciphers', 'AES128-SHA:@SECLEVEL=0']
    const type = ['-H', 'Content-Type: message/rfc822', '--data-binary', `@${file}`]
    const sent = await curl(...old, ...type, urlOf('old', '/api/v1/messages/import?to=alice'))
    expect(JSON.parse(sent.stdout)).toMatchObject({ delivered: ['alice'] })
    const { stdout: list } = await curl(...old, urlOf('old', '/api/v1/messages?account=alice'))
    const [{ id }] = JSON.parse(list).items
    const record = await sessionOf(async () => {
      const { stdout } = await curl(...old, urlOf('old', `/api/v1/messages/${id}/raw`))
      expect(stdout.endsWith(text)).toBe(true)
    })
    expect(record.tls).toMatchObject({ version: 'TLSv1', cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA' })
  })
})
