import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { NntpPersonality } from '../../src/core/personality/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { decodeLine } from '../../src/net/input.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import { ArticleRefused } from '../../src/transport/news/article.ts'
import type { NewsService } from '../../src/transport/news/news-service.ts'
import { type ErrorReplies, type ProtocolSession, serveSession } from '../frame.ts'
import { completeLogon, currentPolicy, MAX_SASL_OCTETS } from '../logon.ts'
import { personalityOf } from '../personality.ts'
import { type ProtocolService, type ServerContext, whyBusy } from '../service.ts'
import { type FeedPeer, GroupAccess, peerOf } from './access.ts'
import { MAX_COMMAND_OCTETS, splitWords } from './arguments.ts'
import type { NntpSession, SelectedGroup } from './command.ts'
import { findCommand } from './commands/index.ts'
import { personalityResponse, personalityWelcome } from './personality.ts'
import { block, NntpError, responseLine, syntaxError } from './reply.ts'

/**
 * NNTP. RFC 3977, with RFC 4642 and RFC 8143 (TLS), RFC 4643 (log-on), RFC 4644 (streaming), RFC 6048 (LIST), RFC 8054
 * (compression), and the commands of older clients (RFC 2980).
 */
export const nntp: ProtocolService = {
  protocol: 'nntp',
  alpn: ['nntp'],
  async serve(connection, context) {
    if (!context.news) throw new Error('An NNTP virtual server needs a news service')
    await serveSession(new Session(connection, context, context.news))
  },
  // RFC 3977 section 5.1: 400 for a temporary refusal, 502 for a permanent one.
  busy: (context, limited) =>
    personalityOf(context).nntp?.busy ?? responseLine(400, `${whyBusy(limited)}. Try again later`).trimEnd(),
}

const errorReplies: ErrorReplies<NntpError> = {
  expected(error) {
    if (error instanceof NntpError) return error
    // RFC 3977 section 6.3.1. IHAVE and TAKETHIS catch this error themselves.
    return error instanceof ArticleRefused ? new NntpError(441, error.message) : undefined
  },
  // An article follows, which would be read as commands. RFC 4644 section 2.5
  tooLong: ({ lineStart }) =>
    /^[ \t]*takethis[ \t]/i.test(lineStart) ? new NntpError(400, 'Line too long') : syntaxError('Line too long'),
  // Commands that transfer articles have their own code. RFC 3977 section 3.2.1
  memoryFull: () => new NntpError(403, 'Not enough memory. Try again later'),
  // 403: internal fault, here a closed store or a removed group. RFC 3977 section 3.2.1
  storeFailed: ({ message }) => new NntpError(403, message),
  internal: () => new NntpError(403, 'Internal fault'),
  farewell(reason) {
    if (reason === 'stopping') return new NntpError(400, 'Server is shutting down')
    if (reason === 'log-on timeout')
      return new NntpError(400, 'No log-on and no use of the server within the time limit')
    // The inactivity timer closes without a response. RFC 3977 section 3.1
    return undefined
  },
}

/** The session of one client. */
class Session implements NntpSession, ProtocolSession<string, NntpError> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly news: NewsService
  readonly errorReplies = errorReplies
  group: SelectedGroup | undefined
  account: Account | undefined
  isAnonymous = false
  claimedUser: string | undefined
  line = ''
  isOver = false
  /** The command that is being run, with its variant. */
  #name = ''
  #access: GroupAccess | undefined
  #peer: FeedPeer | undefined

  constructor(connection: Connection, context: ServerContext, news: NewsService) {
    this.connection = connection
    this.context = context
    this.news = news
  }

  get policy(): LogonPolicy {
    return currentPolicy(this)
  }

  get access(): GroupAccess {
    return (this.#access ??= new GroupAccess(
      this.context.config.access,
      this.policy,
      this.account,
      this.context.tenants,
    ))
  }

  get peer(): FeedPeer | undefined {
    return (this.#peer ??= peerOf(this.context.config.feeds, this.connection.remote.address, this.account))
  }

  get words(): NntpPersonality | undefined {
    return personalityOf(this.context).nntp
  }

  get welcome(): readonly [code: number, text: string] {
    // A client that may post after a log-on is also greeted with 200.
    const posts = this.access.canPost || this.policy.logon !== 'no'
    const replacement = this.words && personalityWelcome(this.words, this, posts)
    if (replacement) return replacement
    const { hostname } = this.context
    return posts
      ? [200, `${hostname} Sealpost NNTP server ready, posting allowed`]
      : [201, `${hostname} Sealpost NNTP server ready, posting prohibited`]
  }

  async readableGroups(): Promise<readonly Folder[]> {
    return (await this.news.groups()).filter((group) => this.access.canReadGroup(group))
  }

  async logOn(account: Account): Promise<void> {
    this.#setAccount(await completeLogon(this, account))
  }

  forget(): void {
    this.isAnonymous = false
    this.#setAccount(undefined)
    this.group = undefined
    this.news.claims.releaseAll(this)
  }

  #setAccount(account: Account | undefined): void {
    this.account = account
    this.claimedUser = undefined
    this.#access = undefined
    this.#peer = undefined
  }

  reply(code: number, text: string): void {
    this.connection.write(this.#responseLine(code, text))
  }

  replyLines(code: number, text: string, lines: readonly string[]): void {
    this.connection.write(this.#responseLine(code, text) + block(lines))
  }

  #responseLine(code: number, text: string): string {
    const { words } = this
    const replacement = words && personalityResponse(words, this, this.#name, [code, text])
    return replacement ? responseLine(...replacement) : responseLine(code, text)
  }

  quit(): void {
    this.isOver = true
  }

  greet(): void {
    if (this.peer) this.connection.logon.succeeded()
    this.reply(...this.welcome)
  }

  readCommand(): string | Promise<string> | undefined {
    return this.connection.takeLine(MAX_SASL_OCTETS, 'latin1')
  }

  run(octets: string): void | Promise<void> {
    this.line = decodeLine(octets)
    this.#name = ''
    const { command, args } = findCommand(splitWords(this.line))
    this.#name = command.name
    if (this.words?.unknown.includes(command.name)) throw new NntpError(500, 'Unknown command')
    // Only SASL responses may be longer than other commands. RFC 4643 section 2.4
    if (octets.length > MAX_COMMAND_OCTETS && command.name !== 'AUTHINFO SASL') {
      const refusal = syntaxError('Command line too long')
      if (command.refused) return command.refused(this, refusal)
      throw refusal
    }
    return command.run(this, args)
  }

  sendError({ code, message, isRefusal }: NntpError): void {
    if (isRefusal) this.connection.record.refused(`${code} ${message}`)
    this.reply(code, message)
    // 400 announces that the server closes the connection. RFC 3977 section 3.2.1
    if (code === 400) this.quit()
  }

  close(): void {
    this.news.claims.releaseAll(this)
  }
}
