import { blobMethods } from './blob-methods.ts'
import { CORE } from './capabilities.ts'
import { mailbox } from './mailbox.ts'
import { quota } from './quota.ts'
import { searchSnippetGet } from './search-snippet.ts'
import { methodsOf } from './standard.ts'
import { thread } from './thread.ts'
import type { Method } from './types.ts'

/** The methods of all data types. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    // RFC 8620 section 4
    'Core/echo': { capability: CORE, run: async ({ args }) => args },
    ...blobMethods,
    ...methodsOf(quota),
    ...methodsOf(mailbox),
    ...methodsOf(thread),
    'SearchSnippet/get': searchSnippetGet,
  }),
)
