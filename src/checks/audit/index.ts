/** The door of `audit`: the other wings import this file only. */
export { type Audit, type AuditOptions, nothingTested, runAudit } from './audit.ts'
export { badPorts, chosenPorts, controlsFor } from './lab.ts'
export { RemoteAudit } from './remote-audit.ts'
export { auditHeading, auditJunit, auditRows, auditText, counts, countsText, failedControls } from './report.ts'
export { CannotStart, type Client } from './run-client.ts'
export { auditSarif } from './sarif.ts'
export type { AuditedLab } from './server-lab.ts'
export {
  AuditError,
  type AuditResult,
  type AuditTarget,
  type ControlResult,
  type Disclosure,
  type Form,
  forms,
  type Verdict,
} from './types.ts'
