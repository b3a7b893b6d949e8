import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { ClientCertificateSettings } from '../../src/net/virtual-server-settings.ts'
import { echoTlsSettings, startEcho } from '../support/echo-server.ts'
import { opensslCertificate } from '../support/openssl.ts'

const server = opensslCertificate(['localhost'])
const alice = opensslCertificate(['alice'])
const stranger = opensslCertificate(['stranger'])

const settings = (mode: 'accept' | 'require', refused?: string): ClientCertificateSettings => ({
  mode,
  authoritiesPem: [alice.certificatePem],
  judge: async ({ subject }) => (refused ? { refused } : { account: subject.replace('CN=', '') }),
})

/** Returns the greeting for a client that sends `certificate`; undefined if the server closes without one. */
async function greeting(port: number | undefined, certificate?: typeof alice): Promise<string | undefined> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: port as number,
    servername: 'localhost',
    ca: server.certificatePem,
    ...(certificate ? { cert: certificate.certificatePem, key: certificate.privateKeyPem } : {}),
  })
  socket.on('error', () => {})
  let received: string | undefined
  socket.once('data', (chunk: Buffer) => {
    received = chunk.toString()
    socket.destroy()
  })
  await new Promise((resolve) => socket.once('close', resolve))
  return received
}

describe('client certificates', () => {
  it.each([
    ['accept', alice, 'hello\r\n', { verified: true, account: 'alice' }],
    [
      'accept',
      stranger,
      'hello\r\n',
      { verified: false, error: 'it is self-signed, and this virtual server does not trust it' },
    ],
    ['accept', undefined, 'hello\r\n', undefined],
    ['require', alice, 'hello\r\n', { verified: true, account: 'alice' }],
    ['require', stranger, undefined, undefined],
    ['require', undefined, undefined, undefined],
  ] as const)('%s, client %#', async (mode, certificate, expected, facts) => {
    await using echo = await startEcho({ tls: { ...echoTlsSettings([server]), clientCertificates: settings(mode) } })
    expect(await greeting(echo.server.tlsPort, certificate)).toBe(expected)
    const [record] = echo.sessions.list()
    if (facts) expect(record?.tls?.clientCertificate).toMatchObject(facts)
    else expect(record?.tls?.clientCertificate).toBeUndefined()
    if (expected === undefined)
      expect(record?.refusals[0]).toMatch(
        certificate ? /CN=stranger\) is not verified: it is self-signed/ : /requires one/,
      )
  })

  it('refuses a verified certificate that the lab rejects, and records why', async () => {
    const clientCertificates = settings('accept', 'revoked (keyCompromise)')
    await using echo = await startEcho({ tls: { ...echoTlsSettings([server]), clientCertificates } })
    expect(await greeting(echo.server.tlsPort, alice)).toBeUndefined()
    expect(echo.sessions.list()[0]?.refusals).toEqual([
      'TLS handshake: the client’s certificate (CN=alice) is revoked (keyCompromise)',
    ])
  })
})
