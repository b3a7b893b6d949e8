import type { TlsFacts } from '../../src/core/sessions/types.ts'
import { formatDate } from '../../src/mail/format/dates.ts'

/** The facts in the trace fields of a message. */
export interface TraceFacts {
  /** The name from EHLO or HELO. */
  readonly heloName: string
  /** Whether the client sent EHLO or LHLO. */
  readonly extended: boolean
  readonly isLmtp: boolean
  /** The client's host name, which only a listed proxy says. */
  readonly remoteName: string | undefined
  readonly remoteAddress: string
  readonly hostname: string
  readonly authenticated: boolean
  readonly smtpUtf8: boolean
  readonly tls: TlsFacts | undefined
  readonly id: string
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** Fields with the results of authentication, with their line ends. */
  readonly authentication: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns the header fields that are put in front of a delivered message. RFC 5321 section 4.4. */
export function traceFields(facts: TraceFacts): Buffer {
  const [recipient, ...others] = facts.recipients
  // With several recipients, none is named: it would disclose Bcc recipients. RFC 5321 section 7.2
  const recipientClause = others.length === 0 && recipient !== undefined ? `\r\n\tfor <${recipient}>` : ''
  // RFC 8314 section 4.3
  const tlsClause = facts.tls ? `\r\n\ttls ${facts.tls.cipher}` : ''
  return Buffer.from(
    // The results stand above the Received field of the same server. RFC 7208 section 9.1
    `Return-Path: <${facts.mailFrom}>\r\n${facts.authentication}` +
      `Received: from ${heloDomain(facts.heloName)} (${tcpInfo(facts)})\r\n` +
      `\tby ${facts.hostname} (Sealpost) with ${protocolName(facts)} id ${facts.id}` +
      `${recipientClause}${tlsClause};\r\n\t${formatDate(facts.at)}\r\n`,
  )
}

/** Returns `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPSA`, `LMTP` … (RFC 3848), or `UTF8SMTP` … if the client used SMTPUTF8 (RFC 6531 section 4.3). */
function protocolName({ extended, isLmtp, smtpUtf8, tls, authenticated }: TraceFacts): string {
  if (!extended) return 'SMTP'
  const plain = isLmtp ? 'LMTP' : 'ESMTP'
  return `${smtpUtf8 ? `UTF8${plain.replace('E', '')}` : plain}${tls ? 'S' : ''}${authenticated ? 'A' : ''}`
}

/** Replaces characters of the client's name that would break the field. */
const heloDomain = (name: string): string =>
  PLAIN_NAME.test(name) ? name : name.replace(/[^\p{L}\p{N}._:[\]-]/gu, '?')

const PLAIN_NAME = /^[\w.:[\]-]*$/

/** Returns the client's name and address. RFC 5321 section 4.4, TCP-info. */
const tcpInfo = ({ remoteName, remoteAddress }: TraceFacts): string =>
  remoteName === undefined
    ? addressLiteral(remoteAddress)
    : `${heloDomain(remoteName)} ${addressLiteral(remoteAddress)}`

const addressLiteral = (address: string): string => {
  if (!address.includes(':')) return `[${address}]`
  const plain = address.replace(/^::ffff:/i, '')
  return plain.includes(':') ? `[IPv6:${plain}]` : `[${plain}]`
}
