import type { Protocol } from '../../../../src/core/config/schema.ts'

/** A step of a dialog: the handshake, text to send, or text to wait for (up to the end of its line). */
export type DialogStep = 'T' | `S${string}` | `E${string}`
/** How TLS starts. */
export type OldTlsForm = 'implicit' | 'SMTP STARTTLS' | 'POP3 STLS' | 'IMAP STARTTLS'

export interface TlsDialog {
  readonly protocol: Protocol
  readonly port: 'port' | 'tlsPort'
  /** The steps before the handshake, and the name of the protocol in gnutls-cli's `--starttls-proto`. */
  readonly before: readonly DialogStep[]
  readonly starttls?: string
  /** The steps after it, which prove that both sides can read each other. */
  readonly after: readonly DialogStep[]
}

export const dialogs: Readonly<Record<OldTlsForm, TlsDialog>> = {
  implicit: { protocol: 'pop3', port: 'tlsPort', before: [], after: ['E+OK', 'SQUIT\r\n', 'E+OK'] },
  'SMTP STARTTLS': {
    protocol: 'smtp',
    port: 'port',
    before: ['E220 ', 'SEHLO old.test\r\n', 'E250 ', 'SSTARTTLS\r\n', 'E220 '],
    starttls: 'smtp',
    after: ['SEHLO old.test\r\n', 'E250 ', 'SQUIT\r\n', 'E221 '],
  },
  'POP3 STLS': {
    protocol: 'pop3',
    port: 'port',
    before: ['E+OK', 'SSTLS\r\n', 'E+OK'],
    starttls: 'pop3',
    after: ['SCAPA\r\n', 'E.\r\n', 'SQUIT\r\n', 'E+OK'],
  },
  'IMAP STARTTLS': {
    protocol: 'imap4',
    port: 'port',
    before: ['E* OK', 'Sa STARTTLS\r\n', 'Ea OK'],
    starttls: 'imap',
    after: ['Sb CAPABILITY\r\n', 'Eb OK', 'Sc LOGOUT\r\n', 'Ec OK'],
  },
}
export const oldTlsForms = Object.keys(dialogs) as readonly OldTlsForm[]

/** Encodes steps for the client programs. */
export function encodeSteps(steps: readonly DialogStep[]): string {
  return steps.map((step) => step[0] + encodeURIComponent(step.slice(1))).join(' ')
}
