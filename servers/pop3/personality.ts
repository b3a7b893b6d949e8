import type { Pop3Facts, Pop3Personality } from '../../src/core/personality/types.ts'
import { errorKey, fillInFacts, linesOf, wordsFor } from '../../src/core/personality/words.ts'
import { commonFacts } from '../personality.ts'
import type { Pop3Session } from './command.ts'
import { Pop3Error, type Pop3Reply } from './reply.ts'

/** Returns the reply of a command in the words of a personality. */
export function personalityReply(
  words: Pop3Personality,
  session: Pop3Session,
  name: string,
  reply: Pop3Reply,
): Pop3Reply {
  const own = typeof reply === 'string' ? reply : reply.text
  const text = wordsFor(words.replies, [`${name} OK`], factsOf(session, name, own)) ?? own
  return typeof reply === 'string' ? text : { ...reply, text }
}

/** Returns an error in the words of a personality. Programs read the code, which stays where the server has codes. */
export function personalityError(
  words: Pop3Personality,
  session: Pop3Session,
  name: string,
  error: Pop3Error,
): Pop3Error {
  const { message, code } = error
  const keys = [errorKey(message), `${name} ERR`, 'ERR']
  const text = wordsFor(words.replies, keys, factsOf(session, name, message)) ?? message
  return new Pop3Error(text, words.hasCodes ? code : undefined, { cause: error })
}

export const personalityGreeting = (words: Pop3Personality, session: Pop3Session): string =>
  fillInFacts(words.greeting, factsOf(session, '', '')) ?? ''

/** Returns the lines of CAPA that a personality announces now. */
export const personalityCapabilities = (words: Pop3Personality, session: Pop3Session): string[] =>
  linesOf(words.capabilities, factsOf(session, 'CAPA', ''))

function factsOf(session: Pop3Session, name: string, text: string): Pop3Facts {
  const { state, timestamp } = session
  const maildrop = state.name === 'transaction' ? state.maildrop : undefined
  return {
    ...commonFacts(session, { name, text, isLoggedOn: maildrop !== undefined }),
    count: maildrop?.count ?? 0,
    octets: maildrop?.octets ?? 0,
    timestamp: timestamp === undefined ? '' : ` ${timestamp}`,
  }
}
