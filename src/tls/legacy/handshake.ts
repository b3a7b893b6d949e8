import { timingSafeEqual } from 'node:crypto'
import { type ClientHello, EMPTY_RENEGOTIATION_INFO_SCSV } from '../negotiation/client-hello.ts'
import { LegacyTlsError } from './alerts.ts'
import { HandshakeFlow } from './handshake-flow.ts'
import { startKeyExchange } from './key-exchange.ts'
import { keyLogLine, keySchedules, protections, type Randoms, type SecurityParameters } from './key-schedule.ts'
import { certificateMessage, handshakeMessage, handshakeTypes, serverHello, serverHelloDone } from './messages.ts'
import type { LegacySession, LegacyTlsOptions } from './options.ts'
import type { Protection } from './protection.ts'
import { contentTypes } from './record.ts'
import { chooseSuite, isAllowed } from './suite-choice.ts'
import { isAuthenticated, type LegacySuite, type LegacyVersion, legacyVersions } from './suites.ts'
import type { RecordTransport } from './transport.ts'
import { chooseVersion, serverRandom } from './version.ts'

/** The result of a handshake. */
export interface HandshakeResult {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly sessionId: Buffer
  readonly serverName: string | undefined
  readonly resumed: boolean
  /** Whether the master secret is bound to the handshake. RFC 7627. */
  readonly extended: boolean
  /** The first Finished message: the client's, or the server's where a session is resumed. RFC 5929 section 3.1. */
  readonly firstFinished: Buffer
}

/** A handshake in progress. */
interface Handshake {
  readonly transport: RecordTransport
  readonly flow: HandshakeFlow
  readonly options: LegacyTlsOptions
  readonly hello: ClientHello
  readonly serverName: string | undefined
  readonly version: LegacyVersion
  readonly randoms: Randoms
  /** Whether both sides derive the master secret from the whole handshake. RFC 7627. */
  readonly extended: boolean
}

/**
 * Performs the server's side of a handshake. RFC 2246 section 7.3; RFC 6101 section 5.5.
 * @throws LegacyTlsError, MalformedMessage
 */
export async function serverHandshake(transport: RecordTransport, options: LegacyTlsOptions): Promise<HandshakeResult> {
  const flow = new HandshakeFlow(transport)
  const hello = await flow.clientHello()
  // RFC 5246 section 7.3: the client waits for ServerHelloDone
  flow.expectNothingHeld()
  if (hello.version === legacyVersions.SSLv3) transport.version = 'SSLv3'
  checkHello(hello)
  if (options.flaws.overreadsHeartbeats && hello.extensions.heartbeat) transport.acceptHeartbeats()
  const version = chooseVersion(hello, options)
  transport.version = version
  transport.versionNegotiated = true
  const randoms = { client: hello.random, server: serverRandom(version, options) }
  const { serverName } = hello.extensions
  // RFC 7627 section 5.1: not in SSL 3.0.
  const extended = hello.extensions.extendedMasterSecret === true && version !== 'SSLv3'
  const handshake = { transport, flow, options, hello, serverName, version, randoms, extended }
  const session = resumableSession(handshake)
  return session ? resume(handshake, session) : negotiate(handshake)
}

function checkHello({ defects, compressionMethods, extensions }: ClientHello): void {
  if (!compressionMethods.includes(0)) {
    throw new LegacyTlsError('illegal_parameter', 'the client does not offer the null compression method')
  }
  const [defect] = defects
  if (defect !== undefined) throw new LegacyTlsError('decode_error', defect)
  // RFC 5746 section 3.6: empty, because no handshake precedes this one.
  if (extensions.renegotiationInfo && extensions.renegotiationInfo.length > 0) {
    throw new LegacyTlsError('handshake_failure', 'renegotiation_info refers to another handshake')
  }
}

/** Returns the session that the client asks to resume, if it still fits. RFC 2246 section 7.4.1.3. */
function resumableSession({ hello, options, serverName, version, extended }: Handshake): LegacySession | undefined {
  const session = hello.sessionId.length > 0 ? options.sessionCache.find(hello.sessionId) : undefined
  if (!session || session.version !== version || session.serverName !== serverName) return undefined
  // RFC 7627 section 5.3
  if (session.extended && !extended) {
    throw new LegacyTlsError('handshake_failure', 'the client resumes a session without its extended_master_secret')
  }
  if (extended !== session.extended) return undefined
  const isOffered = hello.suites.includes(session.suite.id) && options.suites.includes(session.suite)
  return isOffered && isAllowed(session.suite, options) ? session : undefined
}

async function negotiate(handshake: Handshake): Promise<HandshakeResult> {
  const { transport, flow, options, hello, serverName, version, randoms, extended } = handshake
  const suite = chooseSuite(hello.suites, version, options)
  const { key, chainDer } = options.identity(serverName)
  const { temporaryKeys, flaws } = options
  const exchange = await startKeyExchange({ hello, version, suite, randoms, key, temporaryKeys, flaws })
  const sessionId = options.sessionCache.newId()
  flow.send(
    serverHelloFor(handshake, sessionId, suite, serverName !== undefined),
    ...(isAuthenticated(suite) ? [certificateMessage(chainDer)] : []),
    ...(exchange.message ? [exchange.message] : []),
    serverHelloDone,
  )
  if (flaws.acceptsEarlyChangeCipherSpec) {
    // As OpenSSL did: with the keys of an empty master secret.
    const empty = { version, suite, master: Buffer.alloc(0), randoms }
    flow.onEarlyChangeCipherSpec = () => {
      transport.input = protections(empty, 'server', flaws).input
    }
  }
  const preMaster = exchange.preMaster(await flow.message(handshakeTypes.clientKeyExchange))
  flow.onEarlyChangeCipherSpec = undefined
  const schedule = keySchedules[version]
  const master =
    (extended && schedule.extendedMasterSecret?.(preMaster, flow.transcript)) ||
    schedule.masterSecret(preMaster, randoms)
  const parameters = { version, suite, master, randoms }
  options.keyLog?.(keyLogLine(parameters))
  const { input, output } = protections(parameters, 'server', options.flaws)
  const firstFinished = await receiveFinished(handshake, parameters, input)
  sendFinished(handshake, parameters, output)
  options.sessionCache.add({ id: sessionId, version, suite, master, extended, serverName })
  return { version, suite, sessionId, serverName, resumed: false, extended, firstFinished }
}

/** Resumes a session. The server sends Finished first. RFC 2246 section 7.3, figure 2. */
async function resume(handshake: Handshake, session: LegacySession): Promise<HandshakeResult> {
  const { flow, options, version, randoms } = handshake
  const { suite, master, serverName } = session
  const parameters = { version, suite, master, randoms }
  options.keyLog?.(keyLogLine(parameters))
  const { input, output } = protections(parameters, 'server', options.flaws)
  // RFC 6066 section 3: a resumed session's ServerHello carries no server_name.
  flow.send(serverHelloFor(handshake, session.id, suite, false))
  const firstFinished = sendFinished(handshake, parameters, output)
  await receiveFinished(handshake, parameters, input)
  const { extended } = session
  return { version, suite, sessionId: session.id, serverName, resumed: true, extended, firstFinished }
}

function serverHelloFor(
  { hello, options, version, randoms, extended }: Handshake,
  sessionId: Buffer,
  suite: LegacySuite,
  serverNameUsed: boolean,
): Buffer {
  const { flaws } = options
  const isSignalled =
    hello.extensions.renegotiationInfo !== undefined || hello.suites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)
  return serverHello({
    version,
    random: randoms.server,
    sessionId,
    suite: suite.id,
    secureRenegotiation: isSignalled && !flaws.omitsRenegotiationInfo,
    heartbeat: flaws.overreadsHeartbeats === true && hello.extensions.heartbeat === true,
    extendedMasterSecret: extended,
    serverNameUsed,
  })
}

async function receiveFinished(
  { transport, flow }: Handshake,
  parameters: SecurityParameters,
  input: Protection,
): Promise<Buffer> {
  await flow.changeCipherSpec()
  transport.input = input
  const expected = keySchedules[parameters.version].finished('client', parameters.master, flow.transcript)
  const received = await flow.message(handshakeTypes.finished)
  flow.expectNothingHeld()
  if (received.length !== expected.length || !timingSafeEqual(received, expected)) {
    throw new LegacyTlsError('decrypt_error', 'the client’s Finished message does not match this handshake')
  }
  return received
}

function sendFinished(
  { transport, flow, options }: Handshake,
  parameters: SecurityParameters,
  output: Protection,
): Buffer {
  const { version, master } = parameters
  transport.write(contentTypes.changeCipherSpec, Buffer.of(1))
  transport.output = output
  const finished = keySchedules[version].finished('server', master, flow.transcript)
  if (options.flaws.sendsWrongFinished) finished[0] = (finished[0] as number) ^ 0xff
  flow.send(handshakeMessage(handshakeTypes.finished, finished))
  return finished
}
