import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { isThorough } from '../../support/thorough.ts'

let mail: ClientLab
beforeAll(async () => {
  mail = await startClientLab({ certificates: { store: 'memory', key: 'rsa-2048' } })
})
afterAll(() => mail[Symbol.asyncDispose]())

/** Returns the record of the session that `act` causes, once it has ended. */
async function sessionOf(act: () => Promise<unknown>): Promise<SessionRecord> {
  const known = new Set(mail.lab.sessions().map(({ id }) => id))
  await act()
  for (;;) {
    const found = mail.lab.sessions().find(({ id, endedAt }) => !known.has(id) && endedAt !== undefined)
    if (found) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const openssl = (...args: readonly string[]): Promise<SessionRecord> => {
  const { tlsPort } = mail.lab.server('imap4')
  return sessionOf(() => sClient(['-connect', `127.0.0.1:${tlsPort}`, ...args], 'a LOGOUT\r\n'))
}

const curl = (...args: readonly string[]): Promise<SessionRecord> =>
  sessionOf(() => runProgram('curl', ['-s', '--max-time', '20', ...args]))

const weak = ['-cipher', 'DEFAULT:@SECLEVEL=0']

describe.skipIf(!needs('openssl'))('a failed handshake is recorded with its cause: openssl', () => {
  it.each([
    [
      'without the root',
      ['-tls1_3', '-verify_return_error'],
      /does not trust the issuer \(alert 48\): install the lab’s root on the client/,
    ],
    ['without the root, TLS 1.2', ['-tls1_2', '-verify_return_error'], /does not trust the issuer \(alert 48\)/],
    [
      'with TLS 1.0',
      ['-tls1', ...weak],
      /the client offers TLSv1, this virtual server allows TLSv1.2 to TLSv1.3: update the client/,
    ],
    [
      'with TLS 1.1',
      ['-tls1_1', ...weak],
      /the client offers TLSv1.1, this virtual server allows TLSv1.2 to TLSv1.3: update the client/,
    ],
    [
      'without a suite in common',
      ['-tls1_2', '-cipher', 'NULL-SHA256:@SECLEVEL=0'],
      /no cipher suite in common: the client offers TLS_RSA_WITH_NULL_SHA256 \(0 bits\); allow one of them with tls.ciphers/,
    ],
  ] as const)('%s', async (_, args, words) => {
    const { refusals, endCause, transcript: entries } = await openssl(...args)
    expect([refusals, endCause]).toEqual([[expect.stringMatching(words)], 'handshake failed'])
    expect(entries.at(-1)).toMatchObject({ kind: 'note', text: `refused: ${refusals[0]}` })
  })

  it.each(['smtp', 'pop3', 'imap4', 'nntp'] as const)('after STARTTLS, by %s', async (protocol) => {
    const { port } = mail.lab.server(protocol)
    const name = protocol === 'imap4' ? 'imap' : protocol
    const options = ['-connect', `127.0.0.1:${port}`, '-starttls', name, '-verify_return_error']
    const record = await sessionOf(() => sClient(options, 'QUIT\r\n'))
    const trust = 'the client does not trust the issuer (alert 48)'
    expect(describeTranscript(record)[0]).toContain(
      `, TLS not established, no log-on, handshake failed; refused: TLS handshake: ${trust}`,
    )
  })

  it('expecting another name in the certificate', async () => {
    const { refusals } = await openssl('-verify_return_error', '-CAfile', mail.caFile, '-verify_hostname', 'other.test')
    expect(refusals).toEqual([
      expect.stringMatching(
        /refuses the certificate as bad \(alert 42\): use a host name that the certificate contains/,
      ),
    ])
  })
})

describe.skipIf(!needs('openssl'))('the record shows what was agreed on', () => {
  it.each([
    ['-tls1_3 -groups X25519', 'TLSv1.3', 'X25519'],
    ['-tls1_3 -groups P-384', 'TLSv1.3', 'P-384'],
    ['-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256', 'TLSv1.2', 'ECDHE_RSA'],
    ['-tls1_2 -cipher AES256-GCM-SHA384', 'TLSv1.2', 'RSA'],
  ])('%s', async (args, version, keyExchange) => {
    const { tls, refusals } = await openssl('-CAfile', mail.caFile, ...args.split(' '))
    expect(tls).toMatchObject({ version, keyExchange, resumed: false })
    expect(refusals).toEqual([])
  })
})

describe.skipIf(!needs('curl'))('a client on the wrong port is recognized: curl', () => {
  it('clear text on the TLS port', async () => {
    const { tlsPort } = mail.lab.server('imap4')
    // With dict:// curl speaks first; with mail protocols it would wait for a greeting.
    const { refusals } = await sessionOf(() => runProgram('curl', ['-s', `dict://127.0.0.1:${tlsPort}/d:word`]))
    expect(refusals).toEqual([expect.stringMatching(/something that is not TLS \(clear text on a TLS port\?\)/)])
  })

  it.runIf(isThorough)('HTTP on the TLS port, and on the clear-text port', async () => {
    const { port, tlsPort } = mail.lab.server('pop3')
    expect((await curl(`http://127.0.0.1:${tlsPort}/`)).refusals).toEqual([
      'TLS handshake: the client sent an HTTP request: is this the port that it should use?',
    ])
    // curl takes every line as part of the response, and would wait for more.
    const { refusals } = await curl('--http0.9', '--max-time', '2', `http://127.0.0.1:${port}/`)
    expect(refusals[0]).toBe('the client sent an HTTP request')
  })

  it('another name in the certificate', async () => {
    const { tlsPort } = mail.lab.server('pop3')
    const resolve = `other.test:${tlsPort}:127.0.0.1`
    const run = ['--cacert', mail.caFile, '--resolve', resolve, `pop3s://other.test:${tlsPort}/`]
    const record = await curl(...run)
    expect(record.tls?.serverName).toBe('other.test')
    expect(describeTranscript(record).join('\n')).toMatch(
      /closed the connection right after the handshake: does it accept the certif/,
    )
  })

  it('without the root', async () => {
    const { tlsPort } = mail.lab.server('pop3')
    const { refusals } = await curl(`pop3s://localhost:${tlsPort}/`)
    expect(refusals).toEqual([expect.stringMatching(/does not trust the issuer \(alert 48\)/)])
  })
})
