import { splitAddress } from '../../src/accounts/directory/names.ts'
import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { SocketAddress } from '../../src/core/network/ip-address.ts'
import type { SmtpPersonality } from '../../src/core/personality/types.ts'
import { clientKey } from '../../src/net/client-addresses.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { LimitedBy } from '../../src/net/virtual-server-settings.ts'
import { DeliveryError, type Relaying } from '../../src/transport/delivery/types.ts'
import { type ErrorReplies, type FarewellReason, type ProtocolSession, replyTo, serveSession } from '../frame.ts'
import { completeLogon, currentPolicy, MAX_SASL_OCTETS } from '../logon.ts'
import { personalityOf } from '../personality.ts'
import type { ProtocolService, ServerContext } from '../service.ts'
import { type ClientClaims, claimedAddress } from './client-claims.ts'
import type { ClientGreeting, SmtpSession } from './command.ts'
import { commands, findCommand } from './commands/index.ts'
import { type CommandLine, NO_COMMAND, personalityGreeting, personalityReply } from './personality.ts'
import {
  badSequence,
  deliveryReply,
  formatReply,
  internalError,
  malformedChunk,
  mustStartTls,
  notRecognized,
  SmtpError,
  storeReply,
} from './reply.ts'
import type { Transaction } from './transaction.ts'

/** SMTP: RFC 5321 with the extensions that `commands/session.ts` announces. */
export const smtp: ProtocolService = {
  protocol: 'smtp',
  alpn: ['smtp', 'esmtp'],
  serve: (connection, context) => serveSession(new Session(connection, context)),
  busy: (context, limited) => wordsOf(context)?.busy ?? BUSY[limited](context.hostname),
}

/** LMTP: RFC 2033. The session is that of SMTP, with another greeting and a reply to the content for each recipient. */
export const lmtp: ProtocolService = { ...smtp, protocol: 'lmtp', alpn: ['lmtp'] }

const BUSY: Readonly<Record<LimitedBy, (hostname: string) => string>> = {
  address: (hostname) => `421 4.7.0 ${hostname} Error: too many connections from your address, try again later`,
  server: (hostname) => `421 4.3.2 ${hostname} Error: too many connections, try again later`,
  memory: (hostname) => `421 4.3.1 ${hostname} Error: not enough memory, try again later`, // RFC 3463 section 3.4
}

/** Number of unrecognized commands that ends the session. */
const MAX_UNRECOGNIZED = 10
/** Errors that are no refusals: the server does not understand the command, or expects another one. RFC 5321 section 4.2.2. */
const MISTAKES = new Set([500, 501, 502, 503, 504])
/** Some letters outside ASCII have ASCII capitals (long s, dotless i), but verbs are ASCII. RFC 5321 section 2.4. */
const ASCII = /^[\x21-\x7e]*$/
/** A request that a web page can make a browser send to this port. */
const HTTP_REQUEST = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT) \/.* HTTP\/\d\.\d$/i

const FAREWELLS: Readonly<Record<FarewellReason, (hostname: string) => SmtpError>> = {
  idle: (hostname) => new SmtpError(421, '4.4.2', `${hostname} Idle timeout, closing connection`),
  'log-on timeout': (hostname) =>
    new SmtpError(421, '4.7.0', `${hostname} Error: no log-on and no mail within the time limit`),
  stopping: (hostname) => new SmtpError(421, '4.3.2', `${hostname} Server is shutting down`),
}

const errorReplies: ErrorReplies<SmtpError> = {
  expected(error) {
    if (error instanceof SmtpError) return error
    return error instanceof DeliveryError ? deliveryReply(error) : undefined
  },
  // A chunk follows, which would be read as commands. RFC 3030 section 2
  tooLong: ({ lineStart }) =>
    /^bdat\b/i.test(lineStart) ? malformedChunk() : new SmtpError(500, '5.5.6', 'Error: line too long'), // RFC 4954 section 4
  memoryFull: () => new SmtpError(452, '4.3.1', 'Error: not enough memory, try again later'), // RFC 5321 section 4.2.3
  storeFailed: storeReply,
  internal: internalError,
  farewell: (reason, { hostname }) => FAREWELLS[reason](hostname),
}

const wordsOf = (context: ServerContext): SmtpPersonality | undefined =>
  personalityOf(context)[context.config.protocol === 'lmtp' ? 'lmtp' : 'smtp']

/** The session of one client. */
class Session implements SmtpSession, ProtocolSession<string, SmtpError> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly errorReplies = errorReplies
  readonly isLmtp: boolean
  dueReplies: string[] = []
  account: Account | undefined
  isAnonymous = false
  client: ClientGreeting | undefined
  claims: ClientClaims = {}
  forwarded: ClientClaims = {}
  isOver = false
  #domains: Set<string> | undefined
  #transaction: Transaction | undefined
  #messages = 0
  #unrecognized = 0
  /** Octets of all messages of the connection. */
  #octets = 0
  #line: CommandLine = NO_COMMAND
  #sender: SmtpSession['sender'] = { address: '', helo: '' }
  #policy: LogonPolicy | undefined

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    this.isLmtp = context.config.protocol === 'lmtp'
  }

  /** A client that has logged on may send to other domains, as with Exchange's setting for computers that authenticate. */
  get relay(): Relaying {
    return this.account || this.connection.isOwner ? 'capture' : this.context.config.relay
  }

  get remote(): SocketAddress {
    return claimedAddress(this.claims) ?? this.connection.remote
  }

  get sender(): SmtpSession['sender'] {
    const { address } = this.remote
    const helo = this.client?.name ?? ''
    if (address !== this.#sender.address || helo !== this.#sender.helo) this.#sender = { address, helo }
    return this.#sender
  }

  serve(claims: ClientClaims): string | undefined {
    this.claims = claims
    return this.connection.serveForwarded(this.remote)
  }

  /** Cached, because every command asks for it. Only STARTTLS changes it. */
  get policy(): LogonPolicy {
    this.#policy ??= currentPolicy(this)
    return this.#policy
  }

  get transaction(): Transaction | undefined {
    return this.#transaction
  }

  set transaction(transaction: Transaction | undefined) {
    this.#transaction?.close()
    this.#transaction = transaction
    this.connection.record.mail(transaction !== undefined)
    this.connection.content.expect(transaction !== undefined)
  }

  get isUnderWay(): boolean {
    return this.#transaction !== undefined
  }

  get messageId(): string {
    return `${this.connection.record.id}.${this.#messages + 1}`
  }

  get words(): SmtpPersonality | undefined {
    return wordsOf(this.context)
  }

  greet(): void {
    const greeting = this.words && personalityGreeting(this.words, this)
    if (greeting !== undefined) this.connection.write(greeting)
    else this.reply(220, '', `${this.context.hostname} ${this.isLmtp ? 'LMTP' : 'ESMTP'} Sealpost`) // no enhanced code: RFC 2034 section 3
  }

  readCommand(): string | Promise<string> | undefined {
    return this.connection.takeLine(MAX_SASL_OCTETS, 'utf8')
  }

  run(line: string): void | Promise<void> {
    const space = line.indexOf(' ')
    const word = (space === -1 ? line : line.slice(0, space)).trim()
    const inCapitals = commands.get(word)
    const verb = !inCapitals && ASCII.test(word) ? word.toUpperCase() : word
    const argument = space === -1 ? '' : line.slice(space + 1).trim()
    if (this.words) this.#line = { verb, argument }
    const command = this.words || this.isLmtp || !inCapitals ? findCommand(this, verb) : inCapitals
    const refusal = policyRefusal(this, verb)
    if (refusal) {
      if (command?.refused) return command.refused(this, argument, refusal)
      throw refusal
    }
    if (!command) throw this.#unrecognizedReply(line)
    return command.run(this, argument)
  }

  reply(code: number, enhancedCode: string, text: string | readonly string[], accepted?: readonly Buffer[]): void {
    const replacement = this.words && personalityReply(this.words, this, this.#line, { code, text, accepted })
    this.connection.write(replacement ?? formatReply(code, enhancedCode, text, this.transaction?.smtpUtf8))
    if (code >= 400 && !MISTAKES.has(code))
      this.connection.record.refused([code, enhancedCode, text].flat().filter(Boolean).join(' '))
    if (code === 421) this.quit()
  }

  sendError({ code, enhancedCode, message }: SmtpError): void {
    // One 421 ends the connection, whatever is due.
    const due = this.isLmtp && code !== 421 ? this.dueReplies.splice(0) : []
    if (due.length === 0) return this.reply(code, enhancedCode, message)
    for (const recipient of due) this.reply(code, enhancedCode, `<${recipient}> ${message}`)
  }

  replyTo(error: unknown): SmtpError {
    return replyTo(this, error)
  }

  async logOn(account: Account): Promise<void> {
    this.account = await completeLogon(this, account)
  }

  forget(): void {
    this.#policy = undefined
    this.account = undefined
    this.isAnonymous = false
    this.client = undefined
    this.transaction = undefined
  }

  checkMessageCount(): void {
    const { messagesPerConnection } = this.context.config.limits
    if (messagesPerConnection !== 'off' && this.#messages >= messagesPerConnection) {
      throw new SmtpError(
        421,
        '4.7.0',
        `Error: too many messages, the limit is ${messagesPerConnection} per connection`,
      )
    }
  }

  checkDomain(address: string): void {
    const { recipientDomains: limit } = this.context.config.limits
    if (limit === 'off') return
    const domain = splitAddress(address).domain.toLowerCase()
    this.#domains ??= new Set()
    if (!this.#domains.has(domain) && this.#domains.size >= limit) {
      throw new SmtpError(452, '4.5.3', `Error: too many domains, the limit is ${limit} per connection`)
    }
    this.#domains.add(domain)
  }

  takeOctets(octets: number): void {
    const { sessionSize } = this.context.config.limits
    this.#octets += octets
    if (sessionSize === 'off' || this.#octets <= sessionSize) return
    throw new SmtpError(552, '5.3.4', `The messages of this connection exceed the limit: ${sessionSize} octets`)
  }

  checkRate(): void {
    const { config, name, rates } = this.context
    const { messages: count, per: perMs, by, exceeded } = config.limits.rate ?? {}
    if (count === undefined || perMs === undefined) return
    const { remote } = this
    const sources = { account: this.account?.user, connection: this.connection.record.id, address: undefined }
    const source = sources[by ?? 'account'] ?? clientKey(remote.address)
    if (rates.take(`${name}\nmessages\n${source}`, { count, perMs })) return
    const text = `Error: too much mail, the limit is ${count} per ${perMs / 1000} seconds, try again later`
    if (exceeded === 'disconnect') throw new SmtpError(421, '4.7.0', text)
    throw new SmtpError(450, '4.7.1', text) // RFC 3463 section 3.8
  }

  endTransaction(): void {
    this.#messages++
    this.forwarded = {}
    this.#unrecognized = 0
    this.transaction = undefined
    this.connection.content.expect(true)
  }

  quit(): void {
    this.isOver = true
  }

  close(): void {
    this.transaction = undefined
  }

  #unrecognizedReply(line: string): SmtpError {
    if (HTTP_REQUEST.test(line)) return new SmtpError(421, '4.7.0', 'HTTP requests not allowed')
    if (++this.#unrecognized >= MAX_UNRECOGNIZED)
      return new SmtpError(421, '4.7.0', 'Error: too many unrecognized commands')
    return notRecognized()
  }
}

/** Commands allowed before TLS if a secure channel is required. RFC 3207 section 4. */
const BEFORE_TLS = new Set(['EHLO', 'HELO', 'LHLO', 'NOOP', 'RSET', 'STARTTLS', 'QUIT'])
/** Commands that need a log-on if `anonymous` is not allowed. */
const NEEDS_LOGON = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN'])
/** Commands that are not allowed between the chunks of a message. RFC 3030 section 2. */
const NOT_BETWEEN_CHUNKS = new Set(['MAIL', 'RCPT', 'DATA', 'AUTH', 'STARTTLS'])

/** Returns the reply if the virtual server's policy refuses a command, known or not. Undefined: it may run. */
function policyRefusal(session: Session, verb: string): SmtpError | undefined {
  const { channel, logon, anonymous } = session.policy
  if (channel === 'needs-tls' && !BEFORE_TLS.has(verb)) return mustStartTls()
  const isLoggedOn = session.account !== undefined || session.isAnonymous
  if (!anonymous && !isLoggedOn && !session.connection.isOwner && NEEDS_LOGON.has(verb)) {
    return logon === 'needs-tls' ? mustStartTls() : new SmtpError(530, '5.7.0', 'Authentication required') // RFC 4954 section 6
  }
  if (session.transaction?.inChunks && NOT_BETWEEN_CHUNKS.has(verb)) {
    return badSequence('Error: the message sent with BDAT is incomplete')
  }
  return undefined
}
