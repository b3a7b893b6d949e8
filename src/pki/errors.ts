/**
 * - `unknown`: no such certificate, request, authority or virtual server
 * - `refused`: understood, but it must not be done now; nothing has changed
 * - `malformed`: octets that are not what they should be
 * - `password`: the password of a key or a PKCS#12 file is wrong or missing
 * - `store`: the store on disk cannot be read, written or locked
 */
export type PkiErrorCode = 'unknown' | 'refused' | 'malformed' | 'password' | 'store'

/** The one error of this room. The message is for people, and never holds key material. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
  readonly code: PkiErrorCode
  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
