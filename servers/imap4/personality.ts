import type { ImapFacts, ImapPersonality } from '../../src/core/personality/types.ts'
import { errorKey, fillInFacts, linesOf, wordsFor } from '../../src/core/personality/words.ts'
import { commonFacts } from '../personality.ts'
import { ownCapabilities } from './capabilities.ts'
import { ImapError } from './reply.ts'
import type { ImapSession } from './state.ts'

/** Returns the result of a command in the words of a personality. */
export function personalityResult(
  words: ImapPersonality,
  session: ImapSession,
  name: string,
  { text, code }: { readonly text: string; readonly code: string | undefined },
): { readonly text: string; readonly code: string | undefined } {
  const found = wordsFor(words.replies, [`${name} OK`, 'OK'], factsOf(session, name, text))
  return { text: found ?? text, code: hasCode(words, code) ? code : undefined }
}

/** Returns an error in the words of a personality. */
export function personalityError(
  words: ImapPersonality,
  session: ImapSession,
  name: string,
  { status, message, code }: ImapError,
): ImapError {
  const keys = [errorKey(message), code ?? '', `${name} ${status}`, status]
  const text = wordsFor(words.replies, keys, factsOf(session, name, message)) ?? message
  return new ImapError(status, text, hasCode(words, code) ? code : undefined)
}

/** Returns whether a server has the response code. Programs read codes, so a server that has it keeps it. */
export function hasCode({ codes }: ImapPersonality, code: string | undefined): boolean {
  return codes === undefined || codes.includes(code?.split(' ')[0] ?? '')
}

export const personalityGreeting = (words: ImapPersonality, session: ImapSession): string =>
  fillInFacts(words.greeting, { ...factsOf(session, '', ''), capabilities: capabilitiesOf(session) }) ?? ''

export const personalityBye = (words: ImapPersonality, session: ImapSession): string =>
  fillInFacts(words.bye, factsOf(session, 'LOGOUT', '')) ?? ''

/** Returns the capabilities that are announced in the session's current state, separated by spaces. RFC 9051 section 6.1.1. */
export function capabilitiesOf(session: ImapSession): string {
  const { words } = session
  if (words) return linesOf(words.capabilities, factsOf(session, 'CAPABILITY', '')).join(' ')
  return ownCapabilities(session).join(' ')
}

function factsOf(session: ImapSession, name: string, text: string): ImapFacts {
  const { state, context } = session
  const identity = state.name === 'authenticated' || state.name === 'selected' ? state.identity : undefined
  return {
    ...commonFacts(session, { name, text, isLoggedOn: identity !== undefined }),
    canStartTls: session.connection.canStartTls && identity === undefined, // RFC 9051 section 6.2.1
    sizeOctets: context.config.limits.messageSize,
    own: ownCapabilities(session),
    user: identity?.account.user ?? '',
  }
}
