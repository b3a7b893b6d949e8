import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Capture } from '../../../src/core/sessions/capture.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { opensslCertificate } from '../../support/openssl.ts'

const certificate = opensslCertificate(['localhost'])
let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-capture-'))
  file = join(folder, 'lab.pcapng')
})
afterEach(() => rm(folder, { recursive: true }))

function capture(options: { secrets?: boolean; maxOctets?: number; maxFiles?: number } = {}): Capture {
  const onError = (error: Error): never => {
    throw error
  }
  return new Capture({ file, secrets: true, maxOctets: 1e9, maxFiles: 1, clock: systemClock, onError, ...options })
}

/** Sends `words` in one session, in clear text or under TLS. */
async function talk(port: number | undefined, words: string, secure = false): Promise<void> {
  const at = { host: '127.0.0.1', port: port as number }
  const socket = secure ? tls.connect({ ...at, ca: certificate.certificatePem, servername: 'localhost' }) : connect(at)
  socket.end(`${words}\r\nQUIT\r\n`)
  socket.resume()
  await once(socket, 'close')
}

/** Returns whether the capture contains each text. */
async function contains(...texts: readonly string[]): Promise<boolean[]> {
  const octets = await readFile(file)
  return texts.map((text) => octets.includes(text))
}

describe('a capture', () => {
  it('contains the lines of a clear-text connection', async () => {
    const captured = capture()
    await using echo = await startEcho({ captures: [captured] })
    await talk(echo.server.port, 'LOGIN me in the clear')
    captured.close()
    expect(await contains('LOGIN me in the clear')).toEqual([true])
  })

  it.each([true, false])(
    'contains ciphertext of a TLS connection, and its secrets only if they are on: %s',
    async (secrets) => {
      const captured = capture({ secrets })
      await using echo = await startEcho({ tls: echoTlsSettings([certificate]), captures: [captured] })
      await talk(echo.server.tlsPort, 'whispered words', true)
      captured.close()
      expect(await contains('whispered words', 'CLIENT_TRAFFIC_SECRET_0')).toEqual([false, secrets])
    },
  )

  it('is readable by its owner only, even if the file existed before', async () => {
    await writeFile(file, 'an earlier capture', { mode: 0o644 })
    capture().close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('continues in a new file when one is full, and keeps a limited number of files', async () => {
    const captured = capture({ maxOctets: 20_000, maxFiles: 3 })
    await using echo = await startEcho({ captures: [captured] })
    for (let n = 0; n < 40; n++) await talk(echo.server.port, `turn ${n} ${'x'.repeat(80)}`)
    captured.close()
    expect((await readdir(folder)).sort()).toEqual(['lab.pcapng', 'lab.pcapng.1', 'lab.pcapng.2'])
    for (const name of await readdir(folder)) {
      const { size, mode } = await stat(join(folder, name))
      expect(size).toBeLessThanOrEqual(20_000)
      expect(mode & 0o777).toBe(0o600)
    }
  })
})
