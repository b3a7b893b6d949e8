import type { OutputOf } from '../../api/client.ts'
import { EXPIRES_SOON_DAYS } from '../../state/expiry.ts'

/** A certificate of the store. Dates are ISO 8601. */
export interface Certificate {
  readonly friendlyName: string
  readonly issuedTo: string
  readonly issuedBy: string
  readonly notBefore: string
  readonly notAfter: string
  readonly daysLeft: number
  readonly state: 'valid' | 'expired' | 'not yet valid' | 'revoked'
  readonly purposes: readonly string[]
  readonly key: string
  readonly bits: number
  readonly thumbprint: string
  readonly origin: 'auto' | 'issued' | 'installed' | 'imported'
  /** Virtual servers. */
  readonly usedBy: readonly string[]
  /** Why the virtual servers that use it cannot serve it. */
  readonly notServed?: string
  readonly replacedBy?: string
}

/** All facts about one certificate. */
export interface CertificateDetails extends Certificate {
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly names: readonly string[]
  /** Subjects of the issuers, upward. */
  readonly chain: readonly string[]
  readonly certificatePem: string
}

/** A request whose answer has not been installed. */
export interface PendingRequest {
  readonly id: string
  readonly virtualServer: string
  readonly friendlyName: string
  readonly subject: readonly { readonly type: string; readonly value: string }[]
  readonly names: readonly string[]
  readonly createdAt: string
  readonly renews?: string
  /** The standalone authority of the lab that has it. */
  readonly queued?: { readonly authority: string; readonly id: number }
}

export type VirtualServer = OutputOf<'virtualServers.list'>['items'][number]

/** Days before its end from which a certificate is shown as urgent. */
const URGENT_DAYS = 7

/** Returns the colour of the time that a certificate is still valid for. */
export function toneOf({ state, daysLeft }: Pick<Certificate, 'state' | 'daysLeft'>): 'good' | 'warning' | 'bad' {
  if (state !== 'valid' || daysLeft < URGENT_DAYS) return 'bad'
  return daysLeft < EXPIRES_SOON_DAYS ? 'warning' : 'good'
}

/** The names of the protocols for `openssl s_client -starttls`. */
const starttls: Readonly<Record<string, string>> = { smtp: 'smtp', pop3: 'pop3', imap4: 'imap', nntp: 'nntp' }

/** A port that serves a certificate, and the command that shows what it serves. */
interface ServingPort {
  readonly port: number
  readonly title: string
  readonly command: string
}

/** Returns the ports on which a virtual server serves its certificate, with the command that checks each. */
export function servingPorts(
  { protocol, port, tlsPort, certificate }: VirtualServer,
  serverName: string,
): ServingPort[] {
  if (!certificate) return []
  const host = location.hostname.replace(/^\[|\]$/g, '')
  const at = (number: number): string => (host.includes(':') ? `[${host}]:${number}` : `${host}:${number}`)
  const command = (number: number, more: string): string =>
    `openssl s_client -connect ${at(number)}${more} -servername ${serverName} -showcerts`
  const upgrade = starttls[protocol]
  return [
    ...(port !== null && upgrade ? [{ port, title: 'STARTTLS', command: command(port, ` -starttls ${upgrade}`) }] : []),
    ...(tlsPort !== null ? [{ port: tlsPort, title: 'TLS', command: command(tlsPort, '') }] : []),
  ]
}

/** Returns a name for `-servername`: the first host name of the certificate. */
export const serverNameOf = (names: readonly string[], issuedTo: string): string =>
  names.find((name) => name.startsWith('dns:') && !name.includes('*'))?.slice(4) ?? issuedTo.replace(/^\*\./, 'www.')
