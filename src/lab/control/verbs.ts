import type { Lab } from '../lab.ts'
import type { ControlVerbs } from './messages.ts'

/** What a running lab says of itself. */
export interface LabStatus {
  readonly pid: number
  readonly hostname: string
  readonly endpoints: ReturnType<Lab['endpoints']>
  /** PEM of the lab's root. */
  readonly ca: string
}

/** What can be asked of any running lab; one row a verb. */
export function labVerbs(lab: Lab): ControlVerbs {
  return {
    status: async (): Promise<LabStatus> => ({
      pid: process.pid,
      hostname: lab.config.hostname,
      endpoints: lab.endpoints(),
      ca: lab.certificates.rootPem,
    }),
  }
}
