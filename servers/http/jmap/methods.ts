import { blobMethods } from './blob-methods.ts'
import { CORE } from './capabilities.ts'
import { email } from './email.ts'
import { emailMethods } from './email-import.ts'
import { emailSubmission } from './email-submission.ts'
import { identity } from './identity.ts'
import { mailbox } from './mailbox.ts'
import { quota } from './quota.ts'
import { searchSnippetGet } from './search-snippet.ts'
import { sieveScript, validateScript } from './sieve-script.ts'
import { methodsOf } from './standard.ts'
import { thread } from './thread.ts'
import type { DataType, Method } from './types.ts'
import { vacationResponse } from './vacation-response.ts'

/** The data types with standard methods. Clients are told when their states change. */
export const dataTypes: readonly DataType[] = [
  ...[email, quota, mailbox, thread],
  ...[identity, emailSubmission, vacationResponse, sieveScript],
]

const standard = dataTypes.flatMap((type) => Object.entries(methodsOf(type)))

/** All methods. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    // RFC 8620 section 4
    'Core/echo': { capability: CORE, run: async ({ args }) => args },
    ...emailMethods,
    ...blobMethods,
    ...Object.fromEntries(standard),
    'SearchSnippet/get': searchSnippetGet,
    'SieveScript/validate': validateScript,
  }),
)
