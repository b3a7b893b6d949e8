import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { lab } from '../contenders/lab.ts'
import { bareTls, opensslServer } from '../contenders/tls-peers.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

type Version = 'TLSv1.2' | 'TLSv1.3'

/** Makes a verified handshake, waits for the greeting and closes the connection. @param session resumed if given */
function handshake(target: Target, version: Version, session?: Buffer): Promise<void> {
  const socket = open(target, version, session)
  return new Promise((resolve, reject) => {
    socket.once(target.silent ? 'secureConnect' : 'data', () => {
      if (session && !socket.isSessionReused()) socket.destroy(new Error('the session was not resumed'))
      else socket.end()
    })
    socket.once('close', () => resolve())
    socket.once('error', reject)
  })
}

/** Returns the session that a server gives after a handshake. It can be resumed more than once. */
function sessionOf(target: Target, version: Version): Promise<Buffer> {
  const socket = open(target, version)
  return new Promise((resolve, reject) => {
    socket.once('session', (session) => {
      socket.end()
      socket.once('close', () => resolve(session))
    })
    // The end arrives after the greeting.
    socket.resume()
    socket.once('error', reject)
  })
}

function open({ host, port, ca = '' }: Target, version: Version, session?: Buffer): TLSSocket {
  const options = { host, port, servername: 'localhost', secureContext: contextFor(ca, version) }
  return connect(session ? { ...options, session } : options)
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

const resumptions = (version: Version): Workload => ({
  name: `resumed session, ${version}`,
  unit: 'handshakes',
  run: (target, untilMs) =>
    onConnections(4, async () => {
      const session = await sessionOf(target, version)
      let made = 0
      for (; performance.now() < untilMs; made++) await handshake(target, version, session)
      return made
    }),
})

export const suite: RateSuite = {
  kind: 'rates',
  title: 'TLS handshakes',
  // V8 compiles until some thousand handshakes were made.
  warmUps: 4,
  contenders: [lab({ protocol: 'pop3', tls: true }), bareTls, opensslServer],
  workloads: [handshakes('TLSv1.3'), handshakes('TLSv1.2'), resumptions('TLSv1.3')],
}
