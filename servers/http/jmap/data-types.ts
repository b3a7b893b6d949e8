import { email } from './email.ts'
import { emailSubmission } from './email-submission.ts'
import { identity } from './identity.ts'
import { mailbox } from './mailbox.ts'
import { quota } from './quota.ts'
import { sieveScript } from './sieve-script.ts'
import { thread } from './thread.ts'
import type { DataType } from './types.ts'
import { vacationResponse } from './vacation-response.ts'

/** The data types with standard methods. Clients are told when their states change. */
export const dataTypes: readonly DataType[] = [
  ...[email, quota, mailbox, thread],
  ...[identity, emailSubmission, vacationResponse, sieveScript],
]
