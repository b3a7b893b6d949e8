import { parsePart } from '../config/issues.ts'
import { type OutOfOfficeInput, outOfOffice } from '../config/schema/reports.ts'
import type { AccountChanges } from '../directory/types.ts'

/** Changes that tests can make to an account. */
export interface AccountChangesInput extends Omit<AccountChanges, 'outOfOffice'> {
  /** Its automatic reply, as in the YAML. */
  readonly outOfOffice?: OutOfOfficeInput | undefined
}

/** Returns the changes with the defaults of an automatic reply filled in. @throws ConfigError */
export const accountChanges = ({ outOfOffice: reply, ...changes }: AccountChangesInput): AccountChanges =>
  reply === undefined ? changes : { ...changes, outOfOffice: parsePart(outOfOffice, reply) }
