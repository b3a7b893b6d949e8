import type { SmtpFacts, SmtpPersonality } from '../../src/core/personality/types.ts'
import { errorKey, fillInFacts, linesOf, wordsFor } from '../../src/core/personality/words.ts'
import { headerFields, headerValue } from '../../src/mail/format/headers.ts'
import { commonFacts } from '../personality.ts'
import type { SmtpSession } from './command.ts'
import { formatReply } from './reply.ts'

/** A command as the client sent it. Both are empty before the first one. */
export interface CommandLine {
  readonly verb: string
  readonly argument: string
}

/** Sealpost's own reply. */
interface OwnReply {
  readonly code: number
  readonly text: string | readonly string[]
  /** The message that the reply accepts. */
  readonly accepted?: readonly Buffer[] | undefined
}

/** Returns a reply in the words of a personality; undefined if it has no others. */
export function personalityReply(
  words: SmtpPersonality,
  session: SmtpSession,
  line: CommandLine,
  own: OwnReply,
): string | undefined {
  const { code } = own
  const text = typeof own.text === 'string' ? own.text : (own.text[0] ?? '')
  const facts = factsOf(session, line, text, own.accepted)
  return formatWords(wordsFor(words.replies, [errorKey(text), `${line.verb} ${code}`, String(code)], facts), session)
}

/** Returns the greeting, or the reply to EHLO. */
export function personalityGreeting(words: SmtpPersonality, session: SmtpSession): string | undefined {
  return formatWords(fillInFacts(words.greeting, factsOf(session, NO_COMMAND, '')), session)
}

/** Returns the first line of the reply to EHLO, and the lines of the extensions that a personality announces now. */
export function personalityHello(words: SmtpPersonality, session: SmtpSession): string[] {
  const facts = factsOf(session, { verb: 'EHLO', argument: '' }, '')
  return [fillInFacts(words.hello, facts) ?? '', ...linesOf(words.extensions, facts)]
}

export const NO_COMMAND: CommandLine = { verb: '', argument: '' }

/** Formats a text that begins with its code. */
function formatWords(words: string | undefined, { transaction }: SmtpSession): string | undefined {
  if (words === undefined) return undefined
  return formatReply(Number(words.slice(0, 3)), '', words.slice(4).split('\n'), transaction?.smtpUtf8)
}

function factsOf(
  session: SmtpSession,
  { verb, argument }: CommandLine,
  text: string,
  accepted: readonly Buffer[] = [],
): SmtpFacts {
  const { client, transaction, context, account } = session
  const mailbox = bracketedText(argument)
  return {
    ...commonFacts(session, { name: verb, text, isLoggedOn: account !== undefined }),
    address: session.remote.address.replace(/^::ffff:/i, ''),
    clientName: client?.name ?? '',
    mailbox: mailbox === '' ? '<>' : mailbox,
    messageId: messageIdIn(accepted) ?? `<${session.messageId}@${context.hostname}>`,
    sizeOctets: context.config.limits.messageSize,
    hasGreeted: client !== undefined,
    hasSender: transaction !== undefined,
  }
}

/** Returns the text in angle brackets. Uses no regular expression, which would take quadratic time in a run of `<`. */
function bracketedText(argument: string): string {
  const start = argument.indexOf('<')
  const end = start === -1 ? -1 : argument.indexOf('>', start)
  return end === -1 ? argument : argument.slice(start + 1, end)
}

/** Octets in which the Message-ID is looked for. */
const HEADER_OCTETS = 64 * 1024

function messageIdIn(pieces: readonly Buffer[]): string | undefined {
  if (pieces.length === 0) return undefined
  let octets = 0
  const start = pieces.filter((piece) => {
    const isNear = octets < HEADER_OCTETS
    octets += piece.length
    return isNear
  })
  const raw = Buffer.concat(start)
  return /<[^<>\s]+>/.exec(headerValue(raw, headerFields(raw), 'message-id') ?? '')?.[0]
}
