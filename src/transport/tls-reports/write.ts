import type { TlsReport } from './types.ts'

/** Returns a time as RFC 3339 writes it, to the second. */
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '')

/** Returns the report as JSON. RFC 8460 section 4.4. */
export const writeTlsReport = (report: TlsReport): string =>
  JSON.stringify({
    'organization-name': report.organizationName,
    'date-range': { 'start-datetime': timeOf(report.startsAt), 'end-datetime': timeOf(report.endsAt) },
    'contact-info': report.contactInfo,
    'report-id': report.reportId,
    policies: report.policies.map((policy) => ({
      policy: {
        'policy-type': policy.policyType,
        'policy-string': policy.policyStrings,
        'policy-domain': policy.policyDomain,
        'mx-host': policy.mxHosts,
      },
      summary: {
        'total-successful-session-count': policy.successfulSessions,
        'total-failure-session-count': policy.failedSessions,
      },
      'failure-details': policy.failures.map((failure) => ({
        'result-type': failure.resultType,
        'sending-mta-ip': failure.sendingMtaIp,
        'receiving-mx-hostname': failure.receivingMxHostname,
        'receiving-mx-helo': failure.receivingMxHelo,
        'receiving-ip': failure.receivingIp,
        'failed-session-count': failure.failedSessions,
        'additional-information': failure.additionalInformation,
        'failure-reason-code': failure.failureReasonCode,
      })),
    })),
  })
