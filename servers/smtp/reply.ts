import { isPrintable } from '../../src/core/text/printable.ts'
import type { StoreError } from '../../src/storage/store/errors.ts'
import type { DeliveryError } from '../../src/transport/delivery/types.ts'

/** An error that becomes a 4yz or 5yz reply. RFC 5321 section 4.2, RFC 3463. */
export class SmtpError extends Error {
  override readonly name = 'SmtpError'
  readonly code: number
  readonly enhancedCode: string
  constructor(code: number, enhancedCode: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.enhancedCode = enhancedCode
  }
}

export const mustStartTls = (): SmtpError => new SmtpError(530, '5.7.0', 'Must issue a STARTTLS command first') // RFC 3207 section 4
export const badSequence = (message: string): SmtpError => new SmtpError(503, '5.5.1', message)
export const notRecognized = (): SmtpError => new SmtpError(500, '5.5.2', 'Error: command not recognized')
export const syntaxError = (usage: string): SmtpError => new SmtpError(501, '5.5.4', `Syntax: ${usage}`)
/** Without a size, the octets of a chunk look like commands: the connection must close. */
export const malformedChunk = (): SmtpError =>
  new SmtpError(421, '4.5.4', 'Syntax: BDAT size [LAST]; closing connection')
export const tooLargeError = (limitOctets: number): SmtpError =>
  new SmtpError(552, '5.3.4', `Message exceeds the limit of ${limitOctets} octets`) // RFC 1870 section 6.2

/** Returns the reply to a message or recipient that cannot be delivered. */
export const deliveryReply = (error: DeliveryError): SmtpError =>
  new SmtpError(error.refusal.code, error.refusal.status, error.message, { cause: error })

/** Returns the reply if the store cannot keep a message. RFC 5321 section 4.2.3, RFC 3463 section 3.4. */
export function storeReply({ code }: StoreError): SmtpError {
  if (code === 'no-space') return new SmtpError(452, '4.3.1', 'Insufficient system storage')
  if (code === 'unknown')
    return new SmtpError(451, '4.3.0', 'The message store failed. It is not known whether the message was stored')
  if (code === 'failed') return new SmtpError(451, '4.3.0', 'The message store failed. Nothing was stored')
  if (code === 'read-only') return new SmtpError(452, '4.3.2', 'The message store is read-only')
  return internalError()
}

export const internalError = (): SmtpError => new SmtpError(451, '4.3.0', 'Internal server error')

/**
 * Returns a reply of one or several lines. RFC 5321 section 4.2.1, RFC 2034 section 4.
 * @param utf8 whether the client may get characters outside ASCII: after SMTPUTF8. RFC 6531 section 3.7.4
 */
export function formatReply(
  code: number,
  enhancedCode: string,
  text: string | readonly string[],
  utf8 = false,
): string {
  const middle = enhancedCode === '' ? '' : `${enhancedCode} `
  if (typeof text === 'string') return `${code} ${middle}${lineText(text, utf8)}\r\n`
  const last = text.length - 1
  let reply = ''
  for (let i = 0; i <= last; i++) reply += `${code}${i < last ? '-' : ' '}${middle}${lineText(text[i] ?? '', utf8)}\r\n`
  return reply
}

/** Replaces characters that a line cannot contain: control characters by spaces, because a quoted text must not end the line. */
function lineText(text: string, utf8: boolean): string {
  if (isPrintable(text)) return text
  const line = text.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
  return utf8 ? line : line.replace(/[^\x20-\x7e]/gu, '?')
}
