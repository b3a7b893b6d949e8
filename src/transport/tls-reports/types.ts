/** The kinds of policies. RFC 8460 section 4.2. */
export type PolicyType = 'tlsa' | 'sts' | 'no-policy-found'

/** Sessions that failed in the same way. RFC 8460 section 4.3. */
export interface TlsFailureDetails {
  /** `certificate-expired` and others. RFC 8460 section 4.3 allows more. */
  readonly resultType: string
  readonly failedSessions: number
  readonly sendingMtaIp?: string
  readonly receivingMxHostname?: string
  /** The name in the receiving host's reply to EHLO. */
  readonly receivingMxHelo?: string
  readonly receivingIp?: string
  readonly additionalInformation?: string
  readonly failureReasonCode?: string
}

/** The sessions under one policy of a domain. */
export interface TlsPolicyReport {
  readonly policyType: PolicyType | (string & {})
  readonly policyDomain: string
  /** The policy as the sender found it: lines of MTA-STS, or TLSA records. */
  readonly policyStrings: readonly string[]
  readonly mxHosts: readonly string[]
  readonly successfulSessions: number
  readonly failedSessions: number
  readonly failures: readonly TlsFailureDetails[]
}

/** A TLS report. Times are in milliseconds since the epoch. RFC 8460 section 4. */
export interface TlsReport {
  readonly organizationName: string
  readonly contactInfo: string
  readonly reportId: string
  readonly startsAt: number
  readonly endsAt: number
  readonly policies: readonly TlsPolicyReport[]
}

/** A report that cannot be read. */
export class TlsReportError extends Error {
  override readonly name = 'TlsReportError'
}

export const TLS_REPORT_JSON = 'application/tlsrpt+json'
/** The report compressed by gzip. RFC 8460 section 6.4. */
export const TLS_REPORT_GZIP = 'application/tlsrpt+gzip'
