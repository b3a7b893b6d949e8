/** Why a lookup failed: the response code, NODATA for a name without records of the type, or what prevented an answer. */
export type DnsErrorCode =
  | 'NXDOMAIN'
  | 'NODATA'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'FORMERR'
  | 'NOTIMP'
  /** No answer arrived in time. */
  | 'TIMEOUT'
  /** The server cannot be reached. */
  | 'UNREACHABLE'
  /** The answer cannot be used, for example a chain of CNAME records without end. */
  | 'BADRESPONSE'

/** A DNS lookup without a result. */
export class DnsError extends Error {
  override readonly name = 'DnsError'
  readonly code: DnsErrorCode
  /** Whether the answer that says so was authenticated by DNSSEC. */
  readonly authenticated: boolean

  constructor(code: DnsErrorCode, message: string, options: { cause?: unknown; authenticated?: boolean } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.authenticated = options.authenticated ?? false
  }

  /** Whether the name or its records do not exist. Every other failure may be over soon. */
  get isPermanent(): boolean {
    return this.code === 'NXDOMAIN' || this.code === 'NODATA'
  }
}
