import { formatDate } from '../../src/mail/dates.ts'
import type { TlsFacts } from '../../src/sessions/types.ts'

/** How a message arrived, for its trace fields. */
export interface Arrival {
  /** The name from EHLO or HELO. */
  readonly heloName: string
  /** The client sent EHLO. */
  readonly extended: boolean
  readonly remoteAddress: string
  readonly hostname: string
  readonly authenticated: boolean
  readonly smtpUtf8: boolean
  readonly tls: TlsFacts | undefined
  readonly id: string
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns the header fields that are put in front of a delivered message. RFC 5321 section 4.4. */
export function traceFields(arrival: Arrival): Buffer {
  const [recipient, ...others] = arrival.recipients
  // With several recipients, none is named: it would disclose Bcc recipients. RFC 5321 section 7.2
  const recipientClause = others.length === 0 && recipient !== undefined ? `\r\n\tfor <${recipient}>` : ''
  // RFC 8314 section 4.3
  const tlsClause = arrival.tls ? `\r\n\ttls ${arrival.tls.cipher}` : ''
  return Buffer.from(
    `Return-Path: <${arrival.mailFrom}>\r\n` +
      `Received: from ${heloDomain(arrival.heloName)} (${addressLiteral(arrival.remoteAddress)})\r\n` +
      `\tby ${arrival.hostname} (Sealpost) with ${protocolName(arrival)} id ${arrival.id}` +
      `${recipientClause}${tlsClause};\r\n\t${dateOf(arrival.at)}\r\n`,
  )
}

let lastDate = { second: Number.NaN, text: '' }

/** Formats a date. Cached for a second, in which many messages arrive. */
function dateOf(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastDate.second) lastDate = { second, text: formatDate(ms) }
  return lastDate.text
}

/** Returns `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPSA` … (RFC 3848), or `UTF8SMTP` … if the client used SMTPUTF8 (RFC 6531 section 4.3). */
function protocolName({ extended, smtpUtf8, tls, authenticated }: Arrival): string {
  if (!extended) return 'SMTP'
  return `${smtpUtf8 ? 'UTF8SMTP' : 'ESMTP'}${tls ? 'S' : ''}${authenticated ? 'A' : ''}`
}

/** Replaces characters of the client's name that would break the field. */
const heloDomain = (name: string): string => name.replace(/[^\p{L}\p{N}._:[\]-]/gu, '?')

const addressLiteral = (address: string): string => {
  const plain = address.replace(/^::ffff:/i, '')
  return plain.includes(':') ? `[IPv6:${plain}]` : `[${plain}]`
}
