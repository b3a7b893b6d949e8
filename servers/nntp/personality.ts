import type { NntpFacts, NntpPersonality } from '../../src/core/personality/types.ts'
import { errorKey, fillInFacts, wordsFor } from '../../src/core/personality/words.ts'
import { commonFacts } from '../personality.ts'
import type { NntpSession } from './command.ts'

/** A response line as its code and its text. */
type Response = readonly [code: number, text: string]

/** Returns a response in the words of a personality; undefined if it has no others. */
export function personalityResponse(
  words: NntpPersonality,
  session: NntpSession,
  name: string,
  [code, text]: Response,
): Response | undefined {
  const keys = [errorKey(text), `${name} ${code}`, String(code)]
  return responseOf(wordsFor(words.replies, keys, factsOf(session, name, text)))
}

export const personalityWelcome = (
  words: NntpPersonality,
  session: NntpSession,
  canPost: boolean,
): Response | undefined => responseOf(fillInFacts(words.welcome, { ...factsOf(session, '', ''), canPost }))

const responseOf = (text: string | undefined): Response | undefined =>
  text === undefined ? undefined : [Number(text.slice(0, 3)), text.slice(4)]

const factsOf = (session: NntpSession, name: string, text: string): NntpFacts => ({
  ...commonFacts(session, { name, text, isLoggedOn: session.account !== undefined }),
  canPost: session.access.canPost,
})
