import { randomBytes, timingSafeEqual } from 'node:crypto'
import { LegacyTlsError } from './alerts.ts'
import { chooseSuite, chooseVersion, isAllowed } from './choose.ts'
import type { LegacyClientHello } from './client-hello.ts'
import { HandshakeFlow } from './handshake-flow.ts'
import { keyLogLine } from './key-log.ts'
import { keySchedules, type Randoms } from './key-schedule.ts'
import { type Agreement, protections } from './keys.ts'
import { certificateMessage, handshakeMessage, handshakeTypes, serverHello, serverHelloDone } from './messages.ts'
import { OctetReader } from './octets.ts'
import type { LegacyTlsOptions } from './options.ts'
import type { Protection } from './protection.ts'
import { contentTypes } from './record.ts'
import { decryptPreMaster, serverKeyExchange } from './rsa.ts'
import type { LegacySession } from './session-cache.ts'
import { EMPTY_RENEGOTIATION_INFO_SCSV, type LegacySuite } from './suites.ts'
import type { RecordTransport } from './transport.ts'
import { type LegacyVersion, legacyVersions } from './versions.ts'

/** What a handshake came to. */
export interface HandshakeResult {
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly sessionId: Buffer
  readonly serverName: string | undefined
  readonly resumed: boolean
}

/** One handshake under way. */
interface Handshake {
  readonly transport: RecordTransport
  readonly flow: HandshakeFlow
  readonly options: LegacyTlsOptions
  readonly hello: LegacyClientHello
  readonly version: LegacyVersion
  readonly randoms: Randoms
}

/** The server's side of a handshake, to the end. RFC 2246 section 7.3; RFC 6101 section 5.5. @throws LegacyTlsError */
export async function serverHandshake(transport: RecordTransport, options: LegacyTlsOptions): Promise<HandshakeResult> {
  const flow = new HandshakeFlow(transport)
  const hello = await flow.clientHello()
  if (hello.version === legacyVersions.SSLv3) transport.version = 'SSLv3'
  checkHello(hello)
  const version = chooseVersion(hello, options)
  transport.version = version
  transport.versionAgreed = true
  const randoms = { client: hello.random, server: randomBytes(32) }
  const handshake = { transport, flow, options, hello, version, randoms }
  const session = resumable(handshake)
  return session ? resume(handshake, session) : negotiate(handshake)
}

function checkHello(hello: LegacyClientHello): void {
  if (!hello.compressions.includes(0))
    throw new LegacyTlsError('illegal_parameter', 'the null compression is not offered')
  // RFC 5746 section 3.6: there was no handshake before this one.
  if (hello.renegotiationInfo && hello.renegotiationInfo.length > 0) {
    throw new LegacyTlsError('handshake_failure', 'renegotiation_info of another handshake')
  }
}

/** The session that the client names, if it can go on as it was. RFC 2246 section 7.4.1.3. */
function resumable({ hello, options, version }: Handshake): LegacySession | undefined {
  const session = hello.sessionId.length > 0 ? options.sessionCache.find(hello.sessionId) : undefined
  if (!session || session.version !== version || session.serverName !== hello.serverName) return undefined
  const offered = hello.suites.includes(session.suite.id) && options.suites.includes(session.suite)
  return offered && isAllowed(session.suite, options) ? session : undefined
}

async function negotiate(handshake: Handshake): Promise<HandshakeResult> {
  const { flow, options, hello, version, randoms } = handshake
  const suite = chooseSuite(hello.suites, options)
  const { key, chainDer } = options.identity(hello.serverName)
  const temporary = await options.temporaryKeys.keyFor(suite.exchange, key)
  const sessionId = options.sessionCache.newId()
  flow.send(
    helloAnswer(handshake, sessionId, suite, hello.serverName !== undefined),
    certificateMessage(chainDer),
    ...(temporary ? [serverKeyExchange(key, temporary, randoms)] : []),
    serverHelloDone,
  )
  const encrypted = encryptedPreMaster(await flow.message(handshakeTypes.clientKeyExchange), version)
  const preMaster = decryptPreMaster(temporary ?? key, encrypted, hello.version)
  const master = keySchedules[version].masterSecret(preMaster, randoms)
  const agreement = { version, suite, master, randoms }
  options.keyLog?.(keyLogLine(agreement))
  const { input, output } = protections(agreement, 'server')
  await clientFinished(handshake, agreement, input)
  serverFinished(handshake, agreement, output)
  options.sessionCache.add({ id: sessionId, version, suite, master, serverName: hello.serverName })
  return { version, suite, sessionId, serverName: hello.serverName, resumed: false }
}

/** RFC 2246 section 7.3, figure 2: the server finishes first. */
async function resume(handshake: Handshake, session: LegacySession): Promise<HandshakeResult> {
  const { flow, options, version, randoms } = handshake
  const { suite, master, serverName } = session
  const agreement = { version, suite, master, randoms }
  options.keyLog?.(keyLogLine(agreement))
  const { input, output } = protections(agreement, 'server')
  // RFC 6066 section 3: no server_name in the answer.
  flow.send(helloAnswer(handshake, session.id, suite, false))
  serverFinished(handshake, agreement, output)
  await clientFinished(handshake, agreement, input)
  return { version, suite, sessionId: session.id, serverName, resumed: true }
}

function helloAnswer(
  { hello, version, randoms }: Handshake,
  sessionId: Buffer,
  suite: LegacySuite,
  serverNameUsed: boolean,
): Buffer {
  const secureRenegotiation =
    hello.renegotiationInfo !== undefined || hello.suites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)
  return serverHello({
    version,
    random: randoms.server,
    sessionId,
    suite: suite.id,
    secureRenegotiation,
    serverNameUsed,
  })
}

/** SSL 3.0 sends it without its length. RFC 2246 section 7.4.7.1; RFC 6101 section 5.6.7.1. */
function encryptedPreMaster(body: Buffer, version: LegacyVersion): Buffer {
  if (version === 'SSLv3') return body
  const reader = new OctetReader(body)
  const encrypted = reader.vector16()
  reader.expectEnd()
  return encrypted
}

async function clientFinished({ transport, flow }: Handshake, agreement: Agreement, input: Protection): Promise<void> {
  await flow.changeCipherSpec()
  transport.input = input
  const expected = keySchedules[agreement.version].finished('client', agreement.master, flow.transcript)
  const said = await flow.message(handshakeTypes.finished)
  flow.expectNothingHeld()
  if (said.length !== expected.length || !timingSafeEqual(said, expected)) {
    throw new LegacyTlsError('decrypt_error', 'the client’s Finished is not that of this handshake')
  }
}

function serverFinished({ transport, flow }: Handshake, agreement: Agreement, output: Protection): void {
  const { version, master } = agreement
  transport.write(contentTypes.changeCipherSpec, Buffer.of(1))
  transport.output = output
  const finished = keySchedules[version].finished('server', master, flow.transcript)
  flow.send(handshakeMessage(handshakeTypes.finished, finished))
}
