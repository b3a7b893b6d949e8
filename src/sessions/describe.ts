import type { SessionRecord, TlsFacts, TranscriptEntry } from './types.ts'

/** Whether something was refused on a connection, or it broke. */
export function hasFailed({ refusals, endCause }: SessionRecord): boolean {
  return refusals.length > 0 || endCause === 'internal error' || endCause === 'handshake failed'
}

/** A session in one line. */
export function summary(record: SessionRecord): string {
  const { startedAt, id, virtualServer, remoteAddress, remotePort, user, tls, endCause, refusals } = record
  const parts = [
    `${new Date(startedAt).toISOString()} ${id}`,
    `${virtualServer} from ${remoteAddress} port ${remotePort}`,
    tls ? `${tls.version} ${tls.cipher}` : 'clear text',
    user === undefined ? 'no log-on' : `as ${user}`,
    endCause ?? 'open',
  ]
  return [parts.join(', '), ...refusals.map((why) => `refused: ${why}`)].join('; ')
}

/** A session whole, a line an entry. `C:` is what the client said, `S:` the server; `*` marks what went in clear text. */
export function transcript(record: SessionRecord): string[] {
  const { hello, tls } = record
  return [
    summary(record),
    ...(hello ? [`  offered: ${hello.versions.join(', ')}; ${hello.suites.length} suites`] : []),
    ...(tls ? [`  agreed: ${agreed(tls)}`] : []),
    ...record.transcript.map((entry) => `  ${line(entry, record.startedAt)}`),
  ]
}

function agreed({
  version,
  cipher,
  bits,
  keyExchange,
  serverName,
  alpn,
  resumed,
  certificate,
  clientCertificate,
}: TlsFacts): string {
  return [
    `${version} ${cipher} (${bits} bits)`,
    ...(keyExchange ? [`key exchange ${keyExchange}`] : []),
    ...(serverName ? [`name asked for: ${serverName}`] : []),
    ...(alpn ? [`ALPN ${alpn}`] : []),
    resumed ? 'resumed' : 'full handshake',
    ...(certificate ? [`certificate ${certificate.friendlyName} (${certificate.thumbprint})`] : []),
    ...(clientCertificate
      ? [
          `client certificate ${clientCertificate.subject}, ${clientCertificate.verified ? 'verified' : `not verified: ${clientCertificate.error}`}`,
        ]
      : []),
  ].join('; ')
}

function line(entry: TranscriptEntry, startedAt: number): string {
  const seconds = ((entry.at - startedAt) / 1000).toFixed(3).padStart(8)
  const channel = entry.encrypted ? ' ' : '*'
  if (entry.kind === 'note') return `${seconds}   (${entry.text})`
  const who = entry.direction === 'in' ? 'C' : 'S'
  return `${seconds} ${channel}${who}: ${entry.kind === 'line' ? entry.text : `(${entry.octets} octets)`}`
}

/** The record as it goes into JSON: without the octets of certificates. */
export function asJson(record: SessionRecord): object {
  const { tls } = record
  if (!tls?.clientCertificate) return record
  const { der: _, ...clientCertificate } = tls.clientCertificate
  return { ...record, tls: { ...tls, clientCertificate } }
}
