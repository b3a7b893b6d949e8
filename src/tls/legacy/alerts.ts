import type { LegacyVersion } from './suites.ts'

/** Alert descriptions. RFC 2246 section 7.2; RFC 6101 section 5.4 for no_certificate; RFC 7507 for inappropriate_fallback. */
const alerts = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  decryption_failed: 21,
  record_overflow: 22,
  decompression_failure: 30,
  handshake_failure: 40,
  no_certificate: 41,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  export_restriction: 60,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
} as const satisfies Record<string, number>
export type AlertName = keyof typeof alerts

export const alertLevels = { warning: 1, fatal: 2 } as const
export type AlertLevel = keyof typeof alertLevels

/** Alerts that SSL 3.0 lacks, and their replacements. RFC 6101 section 5.4. */
const ssl3Equivalents: Partial<Record<AlertName, AlertName>> = {
  decryption_failed: 'bad_record_mac',
  record_overflow: 'unexpected_message',
  unknown_ca: 'bad_certificate',
  access_denied: 'handshake_failure',
  decode_error: 'illegal_parameter',
  decrypt_error: 'handshake_failure',
  export_restriction: 'handshake_failure',
  protocol_version: 'handshake_failure',
  insufficient_security: 'handshake_failure',
  internal_error: 'handshake_failure',
  user_canceled: 'handshake_failure',
  no_renegotiation: 'handshake_failure',
}

/** Encodes an alert message: two octets. */
export function encodeAlert(level: AlertLevel, name: AlertName, version: LegacyVersion): Buffer {
  const sent = version === 'SSLv3' ? (ssl3Equivalents[name] ?? name) : name
  return Buffer.of(alertLevels[level], alerts[sent])
}

const namesByCode = new Map<number, string>(Object.entries(alerts).map(([name, code]) => [code, name]))

/** Returns the standard's name of an alert, or `alert 77` for an unknown code. */
export function alertName(code: number): string {
  return namesByCode.get(code) ?? `alert ${code}`
}

/** The engine's error: the peer violated the protocol, closed the connection, or sent a fatal alert. The connection is closed. */
export class LegacyTlsError extends Error {
  override readonly name = 'LegacyTlsError'
  /** The alert to send; undefined when the peer sent one or closed the connection. */
  readonly alert: AlertName | undefined
  /** The number of the alert that the peer sent. */
  readonly clientAlert: number | undefined
  constructor(alert: AlertName | undefined, why: string, clientAlert?: number) {
    super(alert ? `${alert}: ${why}` : why)
    this.alert = alert
    this.clientAlert = clientAlert
  }
}
