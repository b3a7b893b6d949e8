import { accessTokenOperations } from './access-tokens.ts'
import { accountOperations } from './accounts.ts'
import { clientSettingsOperations } from './client-settings/operations.ts'
import { clockOperations } from './clock.ts'
import { clusterOperations } from './cluster.ts'
import { configurationOperations } from './configuration/operations.ts'
import { dmarcReportOperations } from './dmarc-reports.ts'
import { dnsDefectOperations } from './dns/defects.ts'
import { dnsRecordOperations } from './dns/records.ts'
import { dnsZoneOperations } from './dns/zones.ts'
import { faultOperations } from './faults.ts'
import { folderOperations } from './folders.ts'
import { healthOperations } from './health.ts'
import { jobOperations } from './jobs/operations.ts'
import { labOperations } from './lab-operations.ts'
import { logOperations } from './log.ts'
import { checkOperations } from './messages/checks.ts'
import { historyOperations } from './messages/history.ts'
import { htmlOperations } from './messages/html.ts'
import { messageOperations } from './messages/operations.ts'
import { reportOperations } from './messages/report.ts'
import { unsubscribeOperations } from './messages/unsubscribe.ts'
import { statisticsOperations } from './metrics/operations.ts'
import { articleOperations } from './news/articles.ts'
import { feedOperations } from './news/feeds.ts'
import { newsgroupOperations } from './news/newsgroups.ts'
import { threadOperations } from './news/threads.ts'
import { nothingSentOperations } from './nothing-sent.ts'
import type { Operation } from './operation.ts'
import { connectorOperations } from './outgoing/connectors.ts'
import { queueOperations } from './outgoing/queue.ts'
import { releaseOperations } from './outgoing/release.ts'
import { authorityOperations } from './pki/authorities.ts'
import { certificateOperations } from './pki/certificates.ts'
import { defectOperations } from './pki/defects.ts'
import { requestOperations } from './pki/requests.ts'
import { verdictOperations } from './pki/verdicts.ts'
import { callerOperations } from './session.ts'
import { sessionOperations } from './sessions.ts'
import { scriptOperations } from './sieve-scripts.ts'
import { tenantOperations } from './tenants.ts'
import { tlsReportOperations } from './tls-reports.ts'
import { unsubscribedOperations } from './unsubscribes.ts'
import { virtualServerOperations } from './virtual-servers.ts'
import { waitOperations } from './wait.ts'
import { webhookOperations } from './webhooks/operations.ts'

/** Every operation with its types, in the order of the documentation. */
export const operationTable = [
  ...messageOperations,
  ...releaseOperations,
  ...reportOperations,
  ...checkOperations,
  ...historyOperations,
  ...htmlOperations,
  ...unsubscribeOperations,
  ...waitOperations,
  ...nothingSentOperations,
  ...folderOperations,
  ...accountOperations,
  ...scriptOperations,
  ...accessTokenOperations,
  ...newsgroupOperations,
  ...threadOperations,
  ...articleOperations,
  ...feedOperations,
  ...sessionOperations,
  ...connectorOperations,
  ...queueOperations,
  ...tlsReportOperations,
  ...dmarcReportOperations,
  ...unsubscribedOperations,
  ...virtualServerOperations,
  ...configurationOperations,
  ...clockOperations,
  ...clientSettingsOperations,
  ...verdictOperations,
  ...certificateOperations,
  ...defectOperations,
  ...requestOperations,
  ...authorityOperations,
  ...faultOperations,
  ...dnsZoneOperations,
  ...dnsRecordOperations,
  ...dnsDefectOperations,
  ...tenantOperations,
  ...webhookOperations,
  ...jobOperations,
  ...labOperations,
  ...clusterOperations,
  ...healthOperations,
  ...statisticsOperations,
  ...logOperations,
  ...callerOperations,
] as const

/** Every operation. HTTP, the control socket and MCP offer the same. */
export const operations: readonly Operation[] = operationTable
