import type { DmarcEdition, DmarcReportDefect } from '../../core/config/schema/mail-authentication.ts'

type Policy = 'none' | 'quarantine' | 'reject'

/** Messages that were judged alike. RFC 9990 section 3.1.1. */
export interface DmarcRow {
  readonly sourceIp: string
  readonly count: number
  /** The receiver's action: `pass` is DMARC pass under a policy other than none. */
  readonly disposition: Policy | 'pass' | (string & {})
  /** Whether an aligned identifier passed. */
  readonly dkim: 'pass' | 'fail' | (string & {})
  readonly spf: 'pass' | 'fail' | (string & {})
  /** Why the disposition is not the published policy. */
  readonly reasons: readonly { readonly type: string; readonly comment?: string }[]
  readonly headerFrom: string
  readonly envelopeFrom?: string
  readonly envelopeTo?: string
  readonly dkimResults: readonly DkimRow[]
  readonly spfResult?: { readonly domain: string; readonly result: string }
}

interface DkimRow {
  readonly domain: string
  readonly selector: string
  readonly result: string
}

/** The policy of a domain as the receiver found it. RFC 9990 section 3.1.1.5. */
export interface PublishedPolicy {
  readonly domain: string
  readonly p: string
  readonly sp?: string
  readonly np?: string
  readonly adkim?: string
  readonly aspf?: string
  readonly fo?: string
  readonly testing?: string
  readonly discoveryMethod?: string
}

/** An aggregate report. Times are in milliseconds since the epoch. RFC 9990 section 3.1. */
export interface DmarcReport {
  readonly organizationName: string
  readonly email: string
  readonly reportId: string
  readonly startsAt: number
  readonly endsAt: number
  readonly policy: PublishedPolicy
  readonly rows: readonly DmarcRow[]
}

/** How a report is written: by which rules, and with which deliberate defect. */
export interface ReportForm {
  readonly edition: DmarcEdition
  readonly defect?: DmarcReportDefect | undefined
}

/** A report that cannot be read. */
export class DmarcReportError extends Error {
  override readonly name = 'DmarcReportError'
}

/** The namespace of reports since RFC 9990 section 7. Those of RFC 7489 have none. */
export const DMARC_NAMESPACE = 'urn:ietf:params:xml:ns:dmarc-2.0'
