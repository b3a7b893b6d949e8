import type { CertificateChoice } from '../config/schema/certificate.ts'

/** A certificate with its key, ready to be used by a virtual server. */
export interface InstalledCertificate {
  readonly friendlyName: string
  /** SHA-1 over the DER, upper-case hexadecimal, as Windows shows it. */
  readonly thumbprint: string
  readonly certificatePem: string
  /** Issuer upward, without the self-signed root. */
  readonly chainPem: readonly string[]
  /** PKCS#8. Never logged. */
  readonly privateKeyPem: string
  /**
   * What the issuer says of the certificate now, to be stapled to a handshake (RFC 6066 section 8): a DER OCSP response.
   * Absent where the issuer is no authority of the store.
   */
  readonly ocspResponse?: () => Buffer
  /** Absent: any server can wear it. */
  readonly needs?: ServerNeeds
}

/** What a server must allow to wear a certificate of weak keys or signatures. */
export interface ServerNeeds {
  /** OpenSSL's: 0 lets everything through. */
  readonly securityLevel: 0
  readonly maxVersion?: 'TLSv1.2'
}

/** Clients of today; or those of the 1990s, which know neither SHA-2 nor elliptic curves. */
export type Audience = 'modern' | 'old'

/** Which certificates a virtual server is to wear now; the first is the default, the others are chosen by SNI. */
export interface CertificateSource {
  /**
   * Returns the certificates that one virtual server uses by its `certificate:` setting, the default one first. Empty if
   * none is assigned. For `auto`, issues one that the audience supports if none is assigned.
   * @throws PkiError `unknown` if the store has no certificate of that name
   */
  resolve(
    virtualServer: string,
    choice: CertificateChoice,
    names: readonly string[],
    audience?: Audience,
  ): Promise<readonly InstalledCertificate[]>
  /** Called after any change of the store, from whichever process, that may alter what `resolve` gives. Returns the function that ends it. */
  watch(listener: () => void): () => void
}
