import { timeText } from '../time/time-text.ts'
import { curesOf } from './cures.ts'
import { groupName } from './tls-groups.ts'
import { type ClientHelloFacts, isOfClient, type SessionRecord, type TlsFacts, type TranscriptEntry } from './types.ts'

/** Returns whether something was refused on a connection, or the connection failed. */
export function hasFailed({ refusals, endCause }: SessionRecord): boolean {
  return refusals.length > 0 || endCause === 'internal error' || endCause === 'handshake failed'
}

/** Describes a session in one line. */
export function describeSession(record: SessionRecord): string {
  const { startedAt, id, virtualServer, user, endCause, refusals, direction } = record
  const parts = [
    `${timeText(startedAt)} ${id}`,
    `${virtualServer} ${direction === 'out' ? 'to' : 'from'} ${peerOf(record)}`,
    channel(record),
    // The log-on of the lab is in the transcript.
    ...(direction === 'out' ? [] : [user === undefined ? 'no log-on' : `as ${user}`]),
    endCause ?? 'open',
    ...(record.resetAt === undefined ? [] : [`begun before the reset at ${timeText(record.resetAt)}`]),
  ]
  return [parts.join(', '), ...refusals.map((why) => `refused: ${why}`)].join('; ')
}

/** Describes the address of the other side. A proxy of HTTP does not tell the port of its client. */
function peerOf({ remoteAddress, remotePort, proxy }: SessionRecord): string {
  const port = proxy && remotePort === 0 ? '' : ` port ${remotePort}`
  return `${remoteAddress}${port}${proxy ? ` by the proxy ${proxy.address}` : ''}`
}

function channel({ tls, endCause }: SessionRecord): string {
  return tls ? `${tls.version} ${tls.cipher}` : channelWithoutTls(endCause)
}

/** Describes a channel without TLS. After a failed handshake it is not called clear text, because the client asked for TLS. */
export const channelWithoutTls = (endCause: string | undefined): string =>
  endCause === 'handshake failed' ? 'TLS not established' : 'clear text'

/** Describes a session completely, one line per entry. `C:` precedes the client's lines, `S:` the server's; `*` marks clear text. */
export function describeTranscript(record: SessionRecord): string[] {
  const { hello, tls } = record
  return [
    describeSession(record),
    ...(hello ? [`  offered: ${describeOffer(hello)}`, `  client software (JA4): ${hello.ja4}`] : []),
    ...(tls ? [`  agreed: ${describeAgreement(tls)}`] : []),
    ...curesOf(record).map(({ account, text }) => `  cure: ${account === undefined ? '' : `${account}: `}${text}`),
    ...record.transcript.map((entry) => `  ${line(entry, record)}`),
  ]
}

/** encrypted_client_hello. RFC 9849 section 5. */
const ENCRYPTED_CLIENT_HELLO = 0xfe0d

/** Describes what a client offered in its ClientHello. */
export function describeOffer({
  versions,
  suites,
  groups,
  keyShares,
  alpn,
  serverName,
  extensions = [],
}: ClientHelloFacts): string {
  const named = (ids: readonly number[]): string => ids.map(groupName).join(', ') || 'none'
  return [
    versions.join(', '),
    `${suites.length} suites`,
    ...(groups ? [`groups ${named(groups)}`] : []),
    ...(keyShares ? [`key shares ${named(keyShares)}`] : []),
    ...(serverName === undefined ? [] : [`server name ${serverName}`]),
    ...(alpn.length > 0 ? [`ALPN ${alpn.join(', ')}`] : []),
    // A server without keys for it cannot tell one from the other: that is what GREASE is for.
    ...(extensions.includes(ENCRYPTED_CLIENT_HELLO) ? ['an encrypted ClientHello, or GREASE for one'] : []),
  ].join('; ')
}

/** Describes what a handshake agreed on. */
export function describeAgreement({
  version,
  cipher,
  bits,
  keyExchange,
  helloRetryRequest,
  serverName,
  alpn,
  resumed,
  certificate,
  clientCertificate,
  peerCertificate,
}: TlsFacts): string {
  return [
    `${version} ${cipher} (${bits} bits)`,
    ...(keyExchange ? [`key exchange ${keyExchange}${helloRetryRequest ? ' after a HelloRetryRequest' : ''}`] : []),
    ...(serverName ? [`server name ${serverName}`] : []),
    ...(alpn ? [`ALPN ${alpn}`] : []),
    resumed ? 'resumed' : 'full handshake',
    ...(certificate ? [`certificate ${certificate.friendlyName} (${certificate.thumbprint})`] : []),
    ...(clientCertificate
      ? [
          `client certificate ${clientCertificate.subject}, ${clientCertificate.verified ? 'verified' : `not verified: ${clientCertificate.error}`}`,
        ]
      : []),
    ...(peerCertificate
      ? [
          `certificate of the other host ${peerCertificate.subject}, ${peerCertificate.verified ? 'verified' : `not verified: ${peerCertificate.error}`} (policy ${peerCertificate.policy})`,
        ]
      : []),
  ].join('; ')
}

function line(entry: TranscriptEntry, record: SessionRecord): string {
  const seconds = ((entry.at - record.startedAt) / 1000).toFixed(3).padStart(8)
  const channel = entry.encrypted ? ' ' : '*'
  if (entry.kind === 'note') return `${seconds}   (${entry.text})`
  const who = isOfClient(record, entry.direction) ? 'C' : 'S'
  return `${seconds} ${channel}${who}: ${entry.kind === 'line' ? entry.text : `(${entry.octets} octets)`}`
}

/** Returns a record without the octets of certificates. */
export function withoutDer(record: SessionRecord): object {
  const { tls } = record
  if (!tls?.clientCertificate) return record
  const { der: _, ...clientCertificate } = tls.clientCertificate
  return { ...record, tls: { ...tls, clientCertificate } }
}

/** Returns a record for JSON output: times as in RFC 3339, in UTC, and no octets of certificates. */
export const sessionJson = ({ causes, ...record }: SessionRecord): object => ({
  ...withoutDer(record),
  cures: curesOf({ ...(causes && { causes }) }),
  startedAt: timeText(record.startedAt),
  ...(record.endedAt === undefined ? {} : { endedAt: timeText(record.endedAt) }),
  ...(record.resetAt === undefined ? {} : { resetAt: timeText(record.resetAt) }),
  transcript: record.transcript.map((entry) => ({ ...entry, at: timeText(entry.at) })),
})
