import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Capture } from '../../../src/core/sessions/capture.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { newFolder } from '../../support/folder.ts'
import { opensslCertificate } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

const certificate = opensslCertificate(['localhost'], 'rsa')
let folder: string
beforeAll(() => {
  folder = newFolder()
  execFileSync('certutil', ['-N', '-d', folder, '--empty-password'])
})

/** Clients, each with the arguments for a port. */
const clients: Readonly<Record<string, (port: string) => readonly [string, ...string[]]>> = {
  OpenSSL: (port) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`],
  'OpenSSL with a name, ALPN and few suites': (port) => [
    ...(['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'] as const),
    ...['-alpn', 'imap,h2', '-cipher', 'ECDHE+AESGCM', '-ciphersuites', 'TLS_AES_128_GCM_SHA256'],
  ],
  'OpenSSL with TLS 1.2': (port) => ['openssl', 's_client', '-tls1_2', '-connect', `127.0.0.1:${port}`],
  'OpenSSL after a fallback': (port) => [
    ...(['openssl', 's_client', '-tls1_2', '-fallback_scsv', '-connect', `127.0.0.1:${port}`] as const),
  ],
  GnuTLS: (port) => ['gnutls-cli', '--insecure', '-p', port, 'localhost'],
  NSS: (port) => ['tstclnt', '-d', folder, '-o', '-4', '-h', 'localhost', '-p', port],
  curl: (port) => ['curl', '-sk', '--max-time', '20', `https://localhost:${port}/`],
}

describe.skipIf(!needs('tshark', 'openssl', 'gnutls-cli', 'tstclnt', 'curl'))('the JA4 fingerprint', () => {
  test.each(Object.entries(clients))('of %s is the one that Wireshark shows', async (_, command) => {
    const file = join(folder, 'lab.pcapng')
    const onError = (error: Error): never => {
      throw error
    }
    const capture = new Capture({ file, secrets: false, maxOctets: 1e9, maxFiles: 1, clock: systemClock, onError })
    let record: SessionRecord | undefined
    {
      await using echo = await startEcho({
        captures: [capture],
        tls: echoTlsSettings([certificate]),
        serve: async (connection) => connection.end(),
      })
      const [program, ...args] = command(String(echo.server.tlsPort))
      await runProgram(program, args, { input: '' })
      await expect.poll(() => echo.sessions.list()[0]?.endedAt).toBeDefined()
      record = echo.sessions.list()[0]
      capture.close()
      const decode = ['-d', `tcp.port==${echo.server.tlsPort},tls`]
      const fields = ['-Y', 'tls.handshake.ja4', '-T', 'fields', '-e', 'tls.handshake.ja4']
      const { stdout } = await runProgram('tshark', ['-r', file, ...decode, ...fields])
      expect(stdout.trim()).toMatch(/^t1[23][di]\d{4}\w\w_[0-9a-f]{12}_[0-9a-f]{12}$/)
      expect(record?.hello?.ja4).toBe(stdout.trim())
    }
    // The record as it is sent to `sealpost sessions --json`.
    expect(JSON.parse(JSON.stringify(record))).toMatchObject({ hello: { ja4: record?.hello?.ja4 } })
  })
})
