import type { ManageSieveFacts, ManageSievePersonality } from '../../src/core/personality/types.ts'
import { errorKey, fillInFacts, linesOf, wordsFor } from '../../src/core/personality/words.ts'
import { SIEVE_CAPABILITIES } from '../../src/mail/sieve/sieve.ts'
import { SIEVE_LIMITS } from '../../src/mail/sieve/types.ts'
import { commonFacts } from '../personality.ts'
import type { ManageSieveSession } from './commands.ts'
import { ManageSieveError, type ManageSieveReply } from './reply.ts'

/** Returns the reply to a command in the words of a personality. */
export function personalityReply(
  words: ManageSievePersonality,
  session: ManageSieveSession,
  name: string,
  reply: ManageSieveReply,
): ManageSieveReply {
  const text = wordsFor(words.replies, [`${name} OK`], factsOf(session, name, reply.text))
  return text === undefined ? reply : { ...reply, text }
}

/** Returns an error in the words of a personality. Programs read the code, which stays. */
export function personalityError(
  words: ManageSievePersonality,
  session: ManageSieveSession,
  name: string,
  error: ManageSieveError,
): ManageSieveError {
  const { message, code, isLast, isRefusal } = error
  const keys = [errorKey(message), ...(code === undefined ? [] : [code]), `${name} NO`]
  const text = wordsFor(words.replies, keys, factsOf(session, name, message))
  return text === undefined ? error : new ManageSieveError(text, code, { cause: error, isLast, isRefusal })
}

export const personalityGreeting = (words: ManageSievePersonality, session: ManageSieveSession): string =>
  fillInFacts(words.greeting, factsOf(session, '', '')) ?? ''

/** Returns the lines of the capabilities that a personality announces now. */
export const personalityCapabilities = (words: ManageSievePersonality, session: ManageSieveSession): string[] =>
  linesOf(words.capabilities, factsOf(session, '', ''))

const factsOf = (session: ManageSieveSession, name: string, text: string): ManageSieveFacts => ({
  ...commonFacts(session, { name, text, isLoggedOn: session.account !== undefined }),
  extensions: SIEVE_CAPABILITIES,
  redirects: SIEVE_LIMITS.redirects,
})
