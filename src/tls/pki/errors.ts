/**
 * - `unknown`: no such certificate, request, authority or virtual server
 * - `refused`: valid, but not allowed now; nothing has changed
 * - `malformed`: input that cannot be parsed
 * - `password`: the password of a key or a PKCS#12 file is wrong or missing
 * - `store`: the store on disk cannot be read, written or locked
 */
export type PkiErrorCode = 'unknown' | 'refused' | 'malformed' | 'password' | 'store'

/** The error of this module. Its message is for people and never contains key material. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
  readonly code: PkiErrorCode
  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
