import { blobMethods } from './blob-methods.ts'
import { CORE } from './capabilities.ts'
import { dataTypes } from './data-types.ts'
import { emailMethods } from './email-import.ts'
import { mdnMethods } from './mdn.ts'
import { pushSubscriptionMethods } from './push-subscription.ts'
import { searchSnippetGet } from './search-snippet.ts'
import { validateScript } from './sieve-script.ts'
import { methodsOf } from './standard.ts'
import type { Method } from './types.ts'

const standard = dataTypes.flatMap((type) => Object.entries(methodsOf(type)))

/** All methods. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    // RFC 8620 section 4
    'Core/echo': { capability: CORE, isOfSession: true, run: async ({ args }) => args },
    ...emailMethods,
    ...pushSubscriptionMethods,
    ...blobMethods,
    ...mdnMethods,
    ...Object.fromEntries(standard),
    'SearchSnippet/get': searchSnippetGet,
    'SieveScript/validate': validateScript,
  }),
)
