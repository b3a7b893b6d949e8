import { type Extensions, xtext } from '../../../net/client/smtp.ts'
import type { OutgoingEnvelope, OutgoingRecipient } from '../types.ts'

/** The parameters of a message that depend on its content. */
export interface ContentNeeds {
  readonly sizeOctets: number
  /** Whether it is sent as 8-bit data. RFC 6152. */
  readonly isEightBit: boolean
  /** Whether it needs SMTPUTF8. RFC 6531. */
  readonly isInternational: boolean
}

/** Returns the parameters of MAIL that the host supports, each with a space before it. */
export function mailParameters(
  { envelopeId, ret, requireTls }: OutgoingEnvelope,
  { sizeOctets, isEightBit, isInternational }: ContentNeeds,
  extensions: Extensions,
): string {
  const supportsDsn = extensions.has('DSN')
  const parameters = [
    extensions.has('SIZE') && `SIZE=${sizeOctets}`, // RFC 1870 section 3
    isEightBit && extensions.has('8BITMIME') && 'BODY=8BITMIME', // RFC 6152 section 2
    isInternational && 'SMTPUTF8', // RFC 6531 section 3.4
    requireTls && 'REQUIRETLS', // RFC 8689 section 2
    supportsDsn && ret !== undefined && `RET=${ret}`, // RFC 3461 section 4.3
    supportsDsn && envelopeId !== undefined && `ENVID=${xtext(envelopeId)}`, // RFC 3461 section 4.4
  ]
  return parameters
    .filter((one) => typeof one === 'string')
    .map((one) => ` ${one}`)
    .join('')
}

/** Returns the parameters of RCPT that the host supports. RFC 3461 sections 4.1 and 4.2. */
export function recipientParameters(
  { notify, originalRecipient, address }: OutgoingRecipient,
  extensions: Extensions,
  isInternational: boolean,
): string {
  if (!extensions.has('DSN')) return ''
  // RFC 3461 section 5.2.1: a relay adds ORCPT where the client gave none. Only ASCII fits in rfc822.
  const isAscii = /^[!-~]+$/.test(address)
  const orcpt = originalRecipient ?? (notify && isAscii ? `rfc822;${address}` : undefined)
  const [type = '', ...rest] = orcpt?.split(';') ?? []
  return [
    notify && ` NOTIFY=${notify.join(',')}`,
    orcpt && (isInternational || /^[ -~]*$/.test(orcpt)) && ` ORCPT=${type};${xtext(rest.join(';'))}`,
  ]
    .filter((one) => typeof one === 'string')
    .join('')
}
