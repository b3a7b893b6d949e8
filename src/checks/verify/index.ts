/** The door of `verify`: the other wings import this file only. */
export { changesBetween } from './changes.ts'
export { verifyJunit } from './junit.ts'
export { changeLine, endpointsJson, type ReportLine, reportJson, reportLines, summarize } from './report.ts'
export { expectedFindings, reportedChecks, verifyEndpoints } from './run.ts'
export { verifySarif } from './sarif.ts'
export { endpointsOf, hostEndpoints } from './targets.ts'
export type {
  CheckOutcome,
  DnsServer,
  Endpoint,
  EndpointReport,
  Finding,
  LocalConnection,
  VerifyOptions,
} from './types.ts'
export { type PortVerdict, portVerdict } from './verdicts.ts'
