import pino from 'pino'
import { SessionLog } from '../../src/core/sessions/log.ts'
import { systemClock } from '../../src/core/time/clock.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, TooLong } from '../../src/net/errors.ts'
import { VirtualServer } from '../../src/net/virtual-server.ts'
import type { VirtualServerSettings } from '../../src/net/virtual-server-settings.ts'
import type { TlsPolicy } from '../../src/tls/negotiation/policy.ts'
import type { InstalledCertificate } from '../../src/tls/pki/types.ts'

const modernPolicy: TlsPolicy = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', require128BitEncryption: false }

export function echoTlsSettings(certificates: readonly InstalledCertificate[], policy: Partial<TlsPolicy> = {}) {
  return { certificates, policy: { ...modernPolicy, ...policy }, alpn: ['echo'], handshakeTimeoutMs: 10_000 }
}

/** Starts a virtual server of a test protocol that echoes lines. A few commands use the features of a connection. */
export async function startEcho(settings: Partial<VirtualServerSettings>) {
  const sessions = new SessionLog(systemClock)
  const server = new VirtualServer(
    {
      name: 'Echo',
      protocol: 'echo',
      address: '127.0.0.1',
      port: 0,
      tlsPort: 0,
      maxConnections: 100,
      idleTimeoutMs: 60_000,
      serve: echo,
      busyLine: () => 'busy',
      ...settings,
    },
    sessions,
    pino({ level: 'silent' }),
  )
  await server.start()
  return { server, sessions, [Symbol.asyncDispose]: () => server.stop() }
}

async function echo(connection: Connection): Promise<void> {
  connection.write('hello\r\n')
  try {
    while (await turn(connection)) {}
  } catch (error) {
    if (!(error instanceof ConnectionEnded)) throw error
    if (error.reason === 'idle' || error.reason === 'stopping') connection.write(`bye: ${error.reason}\r\n`)
  }
  connection.end()
}

async function turn(connection: Connection): Promise<boolean> {
  let line: string
  try {
    line = await connection.readLine(100, 'utf8')
  } catch (error) {
    if (!(error instanceof TooLong)) throw error
    connection.write('too long\r\n')
    return true
  }
  if (line === 'STARTTLS') {
    connection.write('go\r\n')
    await connection.startTls()
  } else if (line === 'COMPRESS') {
    connection.write('compressing\r\n')
    await connection.startCompression()
  } else if (line.startsWith('OCTETS ')) {
    connection.write(await connection.content.readOctets(Number(line.slice(7))))
  } else if (line.startsWith('FLOOD ')) {
    const piece = Buffer.alloc(64 * 1024, 'x')
    for (let left = Number(line.slice(6)); left > 0; left -= piece.length) {
      connection.write(piece)
      await connection.drained()
    }
  } else if (line === 'QUIT') return false
  else connection.write(`${line}\r\n`)
  return true
}
