export type MailErrorCode = 'unknown-encoding'

/** The one error of this room: reading mail never fails for being broken, only where a promise cannot be kept. */
export class MailError extends Error {
  override readonly name = 'MailError'
  readonly code: MailErrorCode
  constructor(code: MailErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
