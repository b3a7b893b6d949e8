/** A certificate with its key, ready to be used by a virtual server. */
export interface InstalledCertificate {
  readonly friendlyName: string
  /** SHA-1 over the DER, in upper-case hexadecimal, as Windows shows it. */
  readonly thumbprint: string
  readonly certificatePem: string
  /** From its issuer upward, without the self-signed root. */
  readonly chainPem: readonly string[]
  /** PKCS#8. Never logged. */
  readonly privateKeyPem: string
  /**
   * Returns a current OCSP response in DER, to be stapled to a handshake (RFC 6066 section 8). Absent if no authority of
   * the store issued the certificate.
   */
  readonly ocspResponse?: () => Buffer
  /** Absent if any server can use it. */
  readonly needs?: ServerNeeds
  /** Why no server can use it with this Node.js, as the end of a sentence. Absent if servers can. */
  readonly unservable?: string
}

/** Settings that a server needs in order to use a certificate with a weak or unusual key or signature. */
export interface ServerNeeds {
  /** OpenSSL's security level; 0 allows everything. */
  readonly securityLevel?: 0
  readonly maxVersion?: 'TLSv1.2'
}

/** Which clients a certificate is for: current ones, or clients of the 1990s, which support neither SHA-2 nor elliptic curves. */
export type Audience = 'modern' | 'old'

/** The part of the log that certificate stores write to. */
export interface StoreLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
