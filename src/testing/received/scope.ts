import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Lab } from '../../lab/lab.ts'
import type { LabMessage } from './message.ts'

/** The parts of a lab that tests look at. */
export type Watched = Pick<Lab, 'store' | 'sessionLog' | 'directory' | 'certificateStore' | 'config'> & {
  readonly mailAuthentication: Pick<Lab['mailAuthentication'], 'check'>
}

/** The part of a lab that a test sees: everything, or its tenant's part. */
export interface Scope {
  ownsMessage(message: LabMessage): boolean
  ownsSession(record: SessionRecord): boolean
  /** Whether a message to another domain belongs to no tenant at all, which a tenant's test should learn of. */
  isStray?(message: LabMessage): boolean
}

/** The scope of a whole lab. */
export const everything: Scope = { ownsMessage: () => true, ownsSession: () => true }
