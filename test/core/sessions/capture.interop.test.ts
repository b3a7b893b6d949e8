import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Capture } from '../../../src/core/sessions/capture.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { opensslCertificate, run } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'

const certificate = opensslCertificate(['localhost'])
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-capture-'))
})
afterEach(() => rm(folder, { recursive: true }))

function capture(options: { secrets?: boolean; maxOctets?: number; maxFiles?: number } = {}): Capture {
  const onError = (error: Error): never => {
    throw error
  }
  const file = join(folder, 'lab.pcapng')
  return new Capture({ file, secrets: true, maxOctets: 1e9, maxFiles: 1, clock: systemClock, onError, ...options })
}

/** Reads the capture with tshark. `form` is how the port is decoded: as a text protocol, or as TLS. */
async function tshark(form: 'smtp' | 'tls', port: number | undefined, ...args: string[]): Promise<string> {
  const asSmtp = [`tcp.port==${port},${form}`, `tls.port==${port},smtp`].flatMap((rule) => ['-d', rule])
  const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
  const { stdout } = await run('tshark', ['-r', join(folder, 'lab.pcapng'), ...asSmtp, ...checks, ...args])
  return stdout
}

/** Sends `words` in one session, in clear text or under TLS. */
async function talk(port: number | undefined, words: string, version?: tls.SecureVersion): Promise<void> {
  const at = { host: '127.0.0.1', port: port as number }
  const limits = version ? { minVersion: version, maxVersion: version } : {}
  const socket = version
    ? tls.connect({ ...at, ca: certificate.certificatePem, servername: 'localhost', ...limits })
    : connect(at)
  socket.end(`${words}\r\nQUIT\r\n`)
  socket.resume()
  await once(socket, 'close')
}

describe.skipIf(!needs('tshark'))('a capture read by tshark', () => {
  const bad = '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || tcp.analysis.flags'

  it('shows the lines of a clear-text connection in well-formed frames', async () => {
    const captured = capture()
    await using echo = await startEcho({ captures: [captured] })
    await talk(echo.server.port, 'LOGIN me in the clear')
    captured.close()
    expect(await tshark('smtp', echo.server.port, '-z', 'follow,tcp,ascii,0', '-q')).toContain('LOGIN me in the clear')
    expect(await tshark('smtp', echo.server.port, '-Y', bad)).toBe('')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'shows ciphertext, and can be decrypted with its secrets: %s',
    async (version) => {
      const captured = capture()
      await using echo = await startEcho({ tls: echoTlsSettings([certificate]), captures: [captured] })
      await talk(echo.server.tlsPort, 'whispered words', version)
      await talk(echo.server.tlsPort, 'more of them', version)
      captured.close()
      const plain = await tshark('tls', echo.server.tlsPort, '-z', 'follow,tls,ascii,0', '-q')
      // Once from the client, once from the server.
      expect(plain.split('whispered words')).toHaveLength(3)
      expect(await tshark('tls', echo.server.tlsPort, '-z', 'follow,tls,ascii,1', '-q')).toContain('more of them')
      expect(await tshark('tls', echo.server.tlsPort, '-z', 'follow,tcp,ascii,0', '-q')).not.toContain(
        'whispered words',
      )
      expect(await tshark('tls', echo.server.tlsPort, '-Y', bad)).toBe('')
    },
  )

  it('contains no secrets when they are off', async () => {
    const captured = capture({ secrets: false })
    await using echo = await startEcho({ tls: echoTlsSettings([certificate]), captures: [captured] })
    await talk(echo.server.tlsPort, 'whispered words', 'TLSv1.3')
    captured.close()
    expect(await tshark('tls', echo.server.tlsPort, '-z', 'follow,tls,ascii,0', '-q')).not.toContain('whispered words')
    expect(await tshark('tls', echo.server.tlsPort, '-Y', 'tls.record.opaque_type == 23')).not.toBe('')
  })

  it('stays readable when it continues in a new file', async () => {
    const captured = capture({ maxOctets: 20_000, maxFiles: 3 })
    await using echo = await startEcho({ captures: [captured] })
    for (let n = 0; n < 40; n++) await talk(echo.server.port, `turn ${n} ${'x'.repeat(80)}`)
    captured.close()
    expect(await tshark('smtp', echo.server.port, '-Y', '_ws.malformed')).toBe('')
  })
})
