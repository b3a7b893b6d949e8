/** Anything that is answered with a 4yz or 5yz reply. RFC 5321 section 4.2, RFC 3463. */
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
export const tooLarge = (limitOctets: number): SmtpError =>
  new SmtpError(552, '5.3.4', `message exceeds the limit of ${limitOctets} octets`) // RFC 1870 section 6.2

const NOT_ASCII = /[^\x20-\x7e]/

/** An address outside of ASCII needs the SMTPUTF8 parameter of MAIL. RFC 6531 section 3.3. @throws SmtpError */
export function checkAscii(address: string, smtpUtf8: boolean): void {
  if (!smtpUtf8 && NOT_ASCII.test(address)) {
    throw new SmtpError(553, '5.6.7', 'This address needs the SMTPUTF8 parameter of MAIL')
  }
}
