import type { Account } from '../../src/accounts/directory/types.ts'
import type { SocketAddress } from '../../src/core/network/ip-address.ts'
import type { SmtpPersonality } from '../../src/core/personality/types.ts'
import type { Relaying } from '../../src/transport/delivery/types.ts'
import type { LogonSession } from '../logon.ts'
import type { ClientClaims } from './client-claims.ts'
import { badSequence, SmtpError } from './reply.ts'
import type { Transaction } from './transaction.ts'

/** The client's EHLO or HELO. */
export interface ClientGreeting {
  readonly name: string
  /** Whether the command was EHLO. */
  readonly extended: boolean
}

/** The session's interface for commands. */
export interface SmtpSession extends LogonSession {
  /** Whether this client may send to other domains. Changes with a log-on. */
  readonly relay: Relaying
  /** The account that is logged on. */
  readonly account: Account | undefined
  /** Whether the client has logged on by ANONYMOUS. RFC 4505. */
  isAnonymous: boolean
  /** Undefined before EHLO or HELO. */
  client: ClientGreeting | undefined
  /** The open transaction, from MAIL to the end of the message. */
  transaction: Transaction | undefined
  /** Id of the current message. */
  readonly messageId: string
  /** The client's facts that a listed proxy sent by XCLIENT. */
  readonly claims: ClientClaims
  /** The client's address: that of XCLIENT, or of the connection. */
  readonly remote: SocketAddress
  /** The client as its messages name it: the same object while neither its address nor its name changes. */
  readonly sender: { readonly address: string; readonly helo: string }
  /** The facts about the sender of the next message that a listed mail server sent by XFORWARD. */
  forwarded: ClientClaims
  /** Serves the client of a proxy from here on. Returns why it is refused; undefined if it is not. */
  serve(claims: ClientClaims): string | undefined
  /** Sends the greeting. */
  greet(): void
  /** Whether the client speaks LMTP. RFC 2033. */
  readonly isLmtp: boolean
  /** LMTP: the recipients whose reply to the content is due, in the order of RCPT. RFC 2033 section 4.2. */
  dueReplies: string[]
  /** Returns the reply to an error of one recipient. Throws the error again if it ends the connection. */
  replyTo(error: unknown): SmtpError
  /** The words that the virtual server uses instead of its own. */
  readonly words: SmtpPersonality | undefined
  /**
   * Sends a reply of one or several lines.
   * @param accepted the message that the reply accepts, whose Message-ID some servers repeat
   */
  reply(code: number, enhancedCode: string, text: string | readonly string[], accepted?: readonly Buffer[]): void
  logOn(account: Account): Promise<void>
  /** Discards the state from before STARTTLS. RFC 3207 section 4.2. */
  forget(): void
  /** Checks the limit of messages per connection. @throws SmtpError 421 */
  checkMessageCount(): void
  /** Counts the domain of a recipient. @throws SmtpError 452 if the connection has used too many. RFC 9422 section 4.3 */
  checkDomain(address: string): void
  /** Counts the octets of a message that has arrived. @throws SmtpError 552 if the connection has sent too many */
  takeOctets(octets: number): void
  /** Counts one more message. @throws SmtpError 450 or 421 if it is beyond the rate */
  checkRate(): void
  /** Ends the transaction after its message was stored or refused. */
  endTransaction(): void
  /** Ends the session once the reply is sent. Pipelined commands are not answered. */
  quit(): void
}

/** A row of the command table. */
export interface SmtpCommand {
  readonly name: string
  /** Runs the command. @throws SmtpError, DeliveryError: the reply */
  run(session: SmtpSession, argument: string): void | Promise<void>
  /** Reads the data behind a command that the policy refuses, then throws `refusal`. */
  refused?(session: SmtpSession, argument: string, refusal: SmtpError): Promise<void>
}

/** Checks that a command has no argument. RFC 5321 section 4.1.1. */
export function noArgument(name: string, argument: string): void {
  if (argument !== '') throw new SmtpError(501, '5.5.4', `${name} takes no argument`)
}

/** Checks that the client has sent EHLO or HELO, or LHLO. RFC 5321 section 4.1.4. */
export function needGreeting({ client, isLmtp }: SmtpSession): void {
  if (!client) throw badSequence(`Error: send ${isLmtp ? 'LHLO' : 'HELO/EHLO'} first`)
}

/** Returns the transaction. Checks that it has a recipient. RFC 5321 section 4.1.4. */
export function needRecipients({ transaction }: SmtpSession): Transaction {
  if (!transaction || transaction.recipientCount === 0) throw badSequence('Error: need RCPT command')
  return transaction
}
