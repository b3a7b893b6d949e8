/** What stands in brackets behind `-ERR`, for programs to read. RFC 2449 section 8, RFC 3206. */
export type ResponseCode = 'AUTH' | 'IN-USE' | 'SYS/TEMP' | 'SYS/PERM'

/** Anything that is answered with `-ERR`. The message is the text that the client gets. */
export class Pop3Error extends Error {
  override readonly name = 'Pop3Error'
  readonly code: ResponseCode | undefined
  constructor(message: string, code?: ResponseCode, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
