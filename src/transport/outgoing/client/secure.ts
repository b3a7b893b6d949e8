import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { SessionRecorder, TlsFacts } from '../../../core/sessions/types.ts'
import { handshake, peerChain } from '../../../net/client/connect.ts'
import { agreedFacts } from '../../../tls/negotiation/facts.ts'
import { nameOnOneLine } from '../../../tls/pki/certificate/names.ts'
import type { SentChain } from '../../dns/tlsa.ts'
import type { NextHop } from '../types.ts'
import { notSecured } from './failure.ts'
import type { PeerFaults } from './faults.ts'
import { judge, type LevelVerdict } from './tls-level.ts'

/** The certificate that the lab shows to another host, in PEM. */
export interface ClientIdentity {
  /** The certificate, and its chain without the root. */
  readonly certificates: readonly string[]
  readonly key: string
}

export interface SecureOptions {
  readonly hop: NextHop
  /** PEM of the roots that the host's certificate must chain to. */
  readonly roots: readonly string[]
  readonly identity: ClientIdentity | undefined
  readonly record: SessionRecorder
  readonly faults: PeerFaults
  readonly timeoutMs: number
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Runs a TLS handshake as client, and judges the certificate by the level of the hop. @throws PeerFailure */
export async function secure(
  raw: Duplex,
  options: SecureOptions,
): Promise<{ readonly socket: TLSSocket; readonly verdict: LevelVerdict }> {
  const { hop, roots, identity, record, faults, signal } = options
  const serverName = serverNameOf(hop)
  await faults.atHandshake(signal)
  const socket = await handshakeWith(options, {
    socket: raw,
    ca: [...roots],
    // The level decides, once the handshake is complete and before anything is sent.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(identity ? { cert: [...identity.certificates].join('\n'), key: identity.key } : {}),
  })
  const sent = { chain: chainOf(socket), chainError: errorOf(socket) }
  const verdict = faultVerdict(faults) ?? judge(hop, sent, options.now())
  record.secured(factsOf(socket, sent.chain[0], hop, verdict))
  if (verdict.isFulfilled) return { socket, verdict }
  socket.destroy()
  const { text, failure } = verdict.problem ?? {}
  throw notSecured(`${requirementText(hop)} is not fulfilled by ${hop.host}: ${text}`, failure)
}

/** Returns the name that the host is asked for. An address is not a name. RFC 6066 section 3. */
const serverNameOf = ({ host, serverName = host }: NextHop): string | undefined =>
  isIP(serverName) === 0 ? serverName : undefined

/** Describes the TLS level of a hop: `TLS level verify`, with the policy that it comes from. */
export const requirementText = ({ tls, policy }: NextHop): string =>
  `TLS level ${tls}${policy === 'configured' || policy === 'none' ? '' : ` (policy ${policy})`}`

/** The verdict of a fault. */
const faultVerdict = ({ distrust }: PeerFaults): LevelVerdict | undefined =>
  distrust === undefined
    ? undefined
    : { isFulfilled: false, isVerified: false, problem: { text: distrust, failure: 'certificate-not-trusted' } }

async function handshakeWith(
  { hop, timeoutMs, signal }: SecureOptions,
  connection: ConnectionOptions,
): Promise<TLSSocket> {
  try {
    return await handshake(connection, { timeoutMs, signal })
  } catch (error) {
    throw notSecured(`TLS with ${hop.host} failed: ${reasonOf(error as Error)}`, 'validation-failure', error)
  }
}

/** Returns the reason in a message of Node.js or OpenSSL. */
function reasonOf(error: Error): string {
  if (error.name === 'AbortError') return 'the host did not complete the handshake in time'
  const openssl = /error:[0-9A-F]{8}:[^:\n]*:[^:\n]*:([^:\n]+)/i.exec(error.message)?.[1]
  if (openssl !== undefined) return openssl
  return error.message.replace(/^Client network socket disconnected before.*/, 'the host closed the connection')
}

/** Returns OpenSSL's code for why no root verifies the certificate. Declared as Error, but a string. */
function errorOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  const error: unknown = socket.authorizationError
  return typeof error === 'string' ? error : ((error as NodeJS.ErrnoException | null)?.code ?? 'unknown')
}

/** @throws PeerFailure if the host sent none */
function chainOf(socket: TLSSocket): SentChain {
  const [own, ...issuers] = peerChain(socket)
  if (!own) throw notSecured('TLS failed: the host sent no certificate')
  return [own, ...issuers]
}

function factsOf(
  socket: TLSSocket,
  certificate: X509Certificate,
  hop: NextHop,
  { isVerified, problem }: LevelVerdict,
): TlsFacts {
  const { tls, policy } = hop
  const serverName = serverNameOf(hop)
  return {
    ...agreedFacts(socket),
    ...(serverName === undefined ? {} : { serverName }),
    peerCertificate: {
      subject: nameOnOneLine(certificate.subject),
      issuer: nameOnOneLine(certificate.issuer),
      thumbprint: certificate.fingerprint.replaceAll(':', ''),
      policy: policy === 'none' || policy === 'configured' ? tls : `${policy}: ${tls}`,
      verified: isVerified,
      ...(problem ? { error: problem.text } : {}),
    },
  }
}
