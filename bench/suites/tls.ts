import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { lab } from '../contenders/lab.ts'
import { bareTls, opensslServer } from '../contenders/tls-peers.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

type Version = 'TLSv1.2' | 'TLSv1.3'

/** Makes a full, verified handshake, waits for the greeting and closes the connection. */
function handshake({ host, port, ca = '', silent = false }: Target, version: Version): Promise<void> {
  const secureContext = contextFor(ca, version)
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host, port, servername: 'localhost', secureContext })
    socket.once(silent ? 'secureConnect' : 'data', () => socket.end())
    socket.once('close', () => resolve())
    socket.once('error', reject)
  })
}

const contexts = new Map<string, ReturnType<typeof createSecureContext>>()
function contextFor(ca: string, version: Version): ReturnType<typeof createSecureContext> {
  const known = contexts.get(version + ca)
  if (known) return known
  const made = createSecureContext({ ca, minVersion: version, maxVersion: version })
  contexts.set(version + ca, made)
  return made
}

const handshakes = (version: Version): Workload => ({
  name: `full handshake, ${version}, RSA 2048`,
  unit: 'handshakes',
  run: (target, untilMs) =>
    onConnections(4, async () => {
      let made = 0
      for (; performance.now() < untilMs; made++) await handshake(target, version)
      return made
    }),
})

export const suite: RateSuite = {
  kind: 'rates',
  title: 'TLS handshakes',
  contenders: [lab({ protocol: 'pop3', tls: true }), bareTls, opensslServer],
  workloads: [handshakes('TLSv1.3'), handshakes('TLSv1.2')],
}
