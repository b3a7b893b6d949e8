import { type LogonPolicy, logonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../../src/net/errors.ts'
import { textOf } from '../../src/net/input.ts'
import { ArticleRefused } from '../../src/news/article.ts'
import type { NewsService } from '../../src/news/news-service.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { Folder } from '../../src/store/types.ts'
import type { ServerContext } from '../service.ts'
import { Access } from './access.ts'
import { findCommand } from './commands/index.ts'
import { type Peer, peerOf } from './peer.ts'
import { NntpError, postingFailed, responseLine, syntaxError } from './reply.ts'
import { MAX_COMMAND_OCTETS, MAX_SASL_OCTETS, words } from './wire.ts'

/** The selected newsgroup. RFC 3977 section 6.1. */
export interface SelectedGroup {
  readonly folder: Folder
  /** The current article number; undefined where it is invalid. */
  current: number | undefined
}

/** One client's session: greeting, commands, end. */
export class NntpSession {
  readonly connection: Connection
  readonly context: ServerContext
  readonly news: NewsService
  group: SelectedGroup | undefined
  account: Account | undefined
  /** What AUTHINFO USER said. */
  claimedUser: string | undefined
  /** The command line being carried out, as it came. */
  line = ''
  #access: Access | undefined
  #peer: Peer | undefined
  #over = false

  constructor(connection: Connection, context: ServerContext, news: NewsService) {
    this.connection = connection
    this.context = context
    this.news = news
  }

  async serve(): Promise<void> {
    try {
      // RFC 3977 section 5.1
      this.reply(...this.welcome)
      await this.#serveCommands()
    } catch (error) {
      this.#sayGoodBye(error)
    } finally {
      this.news.claims.releaseAll(this)
      this.connection.end()
    }
  }

  get policy(): LogonPolicy {
    return logonPolicy(this.context.config, this.context.directory, this.connection.channel)
  }

  get access(): Access {
    return (this.#access ??= new Access(this.context.config.access, this.policy, this.account))
  }

  /** The inbound feed that this client is the peer of. */
  get peer(): Peer | undefined {
    return (this.#peer ??= peerOf(this.context.config.feeds, this.connection.remote.address, this.account))
  }

  /** What the greeting and MODE READER answer. RFC 3977 sections 5.1 and 5.3. */
  get welcome(): [code: number, text: string] {
    // Who has to log on first is not told yet that posting is closed.
    const posts = this.access.posts || this.policy.logon !== 'no'
    const { hostname } = this.context
    return posts
      ? [200, `${hostname} Sealpost NNTP server ready, posting allowed`]
      : [201, `${hostname} Sealpost NNTP server ready, no posting`]
  }

  /** The groups that this client may read, in name order. */
  async readableGroups(): Promise<readonly Folder[]> {
    return (await this.news.groups()).filter((group) => this.access.readsGroup(group))
  }

  logOn(account: Account): void {
    this.account = account
    this.claimedUser = undefined
    this.#access = undefined
    this.#peer = undefined
    this.connection.record.user(account.user)
  }

  /** Forgets all that was said in clear. RFC 4642 section 2.2.2. */
  forget(): void {
    this.group = undefined
    this.account = undefined
    this.claimedUser = undefined
    this.#access = undefined
    this.#peer = undefined
    this.news.claims.releaseAll(this)
  }

  reply(code: number, text: string): void {
    this.connection.write(responseLine(code, text))
  }

  /** A multi-line answer short enough for the transcript. */
  replyLines(code: number, text: string, lines: readonly string[]): void {
    const block = lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('')
    this.connection.write(`${responseLine(code, text)}${block}.\r\n`)
  }

  /** Ends the session once the reply is sent. */
  quit(): void {
    this.#over = true
  }

  async #serveCommands(): Promise<void> {
    while (!this.#over) {
      try {
        const running = this.#command(await this.connection.readLine(MAX_SASL_OCTETS, 'latin1'))
        // Of a command that is done already no promise is made.
        if (running) await running
      } catch (error) {
        const { code, message } = this.#asReply(error)
        if (code === 480 || code === 483 || code === 481) this.connection.record.refused(message)
        this.reply(code, message)
        // RFC 3977 section 3.2.1: the server says 400 and closes.
        if (code === 400) this.quit()
      }
    }
  }

  #command(octets: string): void | Promise<void> {
    this.line = textOf(octets)
    const { command, args } = findCommand(words(this.line))
    if (octets.length > MAX_COMMAND_OCTETS && command.name !== 'AUTHINFO SASL')
      throw syntaxError('command line too long')
    return command.run(this, args)
  }

  /** The one place where errors become replies. Rethrows what ends the session. */
  #asReply(error: unknown): NntpError {
    if (error instanceof NntpError) return error
    if (error instanceof ConnectionEnded || error instanceof HandshakeFailure) throw error
    if (error instanceof TooLong) return syntaxError('line too long')
    if (error instanceof ArticleRefused) return postingFailed(error)
    this.context.log.error({ session: this.connection.record.id, err: error }, 'an NNTP command failed')
    // RFC 3977 section 3.2.1: 403 internal fault; a store that is closed, or a group that was removed.
    return new NntpError(403, error instanceof StoreError ? error.message : 'internal fault')
  }

  #sayGoodBye(error: unknown): void {
    if (error instanceof HandshakeFailure) return
    if (!(error instanceof ConnectionEnded)) throw error
    // RFC 3977 section 3.1: on a time-out the server closes without a response.
    if (error.reason === 'stopping') this.reply(400, 'the server is stopping')
  }
}
