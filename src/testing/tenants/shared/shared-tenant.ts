import { Agent, request as httpRequest } from 'node:http'
import type { SessionRecord } from '../../../core/sessions/types.ts'
import type { MessageDraft } from '../../../mail/format/compose.ts'
import { Call } from '../../calls/call.ts'
import type { Credentials } from '../../lab/accounts.ts'
import type { Recipients } from '../../outgoing/mailing-lab.ts'
import type { MessageFilter } from '../../received/filter.ts'
import { LabArticle, LabMessage } from '../../received/message.ts'
import type { MessageArguments, MessageQuery, SessionQuery } from '../../received/receiver.ts'
import { defaultTimeoutMs } from '../../waits/time-limit.ts'
import type { WaitOptions } from '../../waits/wait.ts'
import { tenantAccount, withoutDomain } from '../tenant-names.ts'
import { decode, type EncodedMessage, encode, type Method, type Response, type SharedLab } from './calls.ts'

/** A tenant of a lab that runs in another process. Filters are sent as data, so `matches` is not supported. */
export class SharedTenant implements AsyncDisposable {
  readonly name: string
  readonly #lab: SharedLab
  readonly #agent = new Agent({ keepAlive: true, noDelay: true })
  #hasStopped = false

  private constructor(name: string, lab: SharedLab) {
    this.name = name
    this.#lab = lab
  }

  /**
   * Connects to a shared lab as the tenant `name`. The lab knows the name before any mail of the tenant can arrive.
   * @throws TypeError if accounts could belong to two tenants; Error if the lab has stopped, as every call does
   */
  static async of(lab: SharedLab, name: string): Promise<SharedTenant> {
    const call = new Call('SharedTenant.of', SharedTenant.of)
    const tenant = new SharedTenant(name, lab)
    try {
      await tenant.#call(call, 'join')
      return tenant
    } catch (error) {
      tenant.#agent.destroy()
      throw error
    }
  }

  /** Returns the log-on name of an account. */
  user(name: string): string {
    return tenantAccount(
      this.name,
      withoutDomain(name, (domain) => domain.toLowerCase() === this.#lab.domain),
    )
  }

  /** Returns the address of an account. */
  address(name: string): string {
    return `${this.user(name)}@${this.#lab.domain}`
  }

  /** Returns the user name and password of an account. In an open directory, any password is right. */
  credentials(name: string): Credentials {
    return { user: this.user(name), pass: 'secret' }
  }

  /** Returns transport options for nodemailer with the credentials of an account. */
  nodemailer(name: string) {
    return { ...this.#lab.nodemailer, auth: this.credentials(name) }
  }

  /** Returns client options for imapflow with the credentials of an account. */
  imapflow(name: string) {
    return { ...this.#lab.imapflow, auth: this.credentials(name) }
  }

  /** Works like `tenant.waitForMessage`. Filters are sent as data, so `matches` is refused. @throws WaitTimeout */
  async waitForMessage(...rest: MessageArguments): Promise<LabMessage> {
    const call = new Call('waitForMessage', SharedTenant.prototype.waitForMessage)
    return this.#message(await this.#call(call, 'waitForMessage', filterData(call, rest), limits(call, rest[1])))
  }

  /** Works like `tenant.waitForMessages`. @throws WaitTimeout if fewer arrive */
  async waitForMessages(count: number, ...rest: MessageArguments): Promise<LabMessage[]> {
    const call = new Call('waitForMessages', SharedTenant.prototype.waitForMessages)
    const args = [count, filterData(call, rest), limits(call, rest[1])]
    return (await this.#call<EncodedMessage[]>(call, 'waitForMessages', ...args)).map((one) => this.#message(one))
  }

  /** Works like `tenant.receives`. @throws WaitTimeout */
  async receives(...rest: MessageArguments): Promise<LabMessage> {
    const call = new Call('receives', SharedTenant.prototype.receives)
    return this.#message(await this.#call(call, 'receives', filterData(call, rest), limits(call, rest[1])))
  }

  /** Works like `tenant.messages`. */
  async messages(...rest: [filter?: MessageQuery]): Promise<LabMessage[]> {
    const call = new Call('messages', SharedTenant.prototype.messages)
    return (await this.#call<EncodedMessage[]>(call, 'messages', filterData(call, rest))).map((one) =>
      this.#message(one),
    )
  }

  /** Works like `tenant.waitForSession`. @throws WaitTimeout */
  async waitForSession(...rest: [filter?: SessionQuery, options?: WaitOptions]): Promise<SessionRecord> {
    const call = new Call('waitForSession', SharedTenant.prototype.waitForSession)
    const filter = call.optional<SessionQuery>(rest, {}, 'filter')
    return this.#call(call, 'waitForSession', withoutFunctions(call, filter), limits(call, rest[1]))
  }

  /** Returns the recorded connections that the tenant sees, as they are now. */
  sessions(): Promise<readonly SessionRecord[]> {
    return this.#call(new Call('sessions', SharedTenant.prototype.sessions), 'sessions')
  }

  /** Works like `tenant.assertNothingSent`. */
  async assertNothingSent(...rest: MessageArguments): Promise<void> {
    const call = new Call('assertNothingSent', SharedTenant.prototype.assertNothingSent)
    await this.#call(call, 'assertNothingSent', filterData(call, rest), limits(call, rest[1]))
  }

  /** Works like `tenant.deliver`. */
  deliver(message: Buffer | string | MessageDraft, to: Recipients): Promise<void> {
    return this.#call(new Call('deliver', SharedTenant.prototype.deliver), 'deliver', message, to)
  }

  /** Works like `tenant.createNewsgroup`. */
  createNewsgroup(name: string): Promise<string> {
    return this.#call(new Call('createNewsgroup', SharedTenant.prototype.createNewsgroup), 'createNewsgroup', name)
  }

  /** Works like `tenant.articles`. */
  async articles(name: string): Promise<LabArticle[]> {
    const call = new Call('articles', SharedTenant.prototype.articles)
    const articles = await this.#call<{ number: number; raw: Uint8Array }[]>(call, 'articles', name)
    return articles.map(({ number, raw }) => new LabArticle(number, Buffer.from(raw)))
  }

  /** Deletes the tenant's mailboxes and newsgroups and disconnects. They are gone already if the lab has stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#hasStopped) await this.#call(new Call('dispose', SharedTenant.prototype[Symbol.asyncDispose]), 'clear')
    } catch (error) {
      if (!this.#hasStopped) throw error
    } finally {
      this.#agent.destroy()
    }
  }

  /** @throws the error of the lab's own call, at the line of the test; Error if the lab has stopped or refuses the request */
  async #call<T>(call: Call, method: Method, ...args: readonly unknown[]): Promise<T> {
    const body = encode({ tenant: this.name, method, args })
    const response = await this.#post(body).catch((cause: NodeJS.ErrnoException) => {
      // Only errors of the connection have a code.
      if (cause.code === undefined) throw call.at(cause)
      this.#hasStopped = true
      throw call.at(new Error('the shared lab has stopped', { cause }))
    })
    if ('value' in response) return response.value as T
    const { name, message } = response.error
    throw call.at(Object.assign(new Error(message), { name }))
  }

  #message({ raw, facts }: EncodedMessage): LabMessage {
    return new LabMessage(Buffer.from(raw), facts, (message) =>
      this.#call(new Call('unsubscribe', LabMessage.prototype.unsubscribe), 'unsubscribe', message.raw),
    )
  }

  #post(body: Buffer): Promise<Response> {
    const { port, token } = this.#lab
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` }
      const options = { host: '127.0.0.1', port, agent: this.#agent, method: 'POST', headers }
      httpRequest(options, (response) => {
        const { statusCode } = response
        if (statusCode === 200) return decode(response).then((value) => resolve(value as Response), reject)
        response.resume()
        reject(new Error(`the shared lab answers with HTTP status ${statusCode}`))
      })
        .on('error', reject)
        .end(body)
    })
  }
}

/** Checks a filter here, where the error shows the test's line. */
function filterData(call: Call, rest: MessageArguments): MessageFilter {
  const query = call.optional<MessageQuery>(rest, {}, 'filter')
  const filter = typeof query === 'string' ? { to: query } : query
  call.check('filter', filter, 'filter')
  return withoutFunctions(call, filter)
}

/** @throws TypeError for a function, which cannot be sent to another process */
function withoutFunctions<T extends MessageQuery | SessionQuery>(call: Call, filter: T): T {
  if (typeof filter === 'object' && filter !== null && 'matches' in filter && filter.matches !== undefined) {
    throw call.mistake(
      'filter.matches: a function cannot be sent to the shared lab. Filter the result of messages() instead',
    )
  }
  return filter
}

/** Returns the limits of a wait as data. The default depends on the test that runs here. */
function limits(call: Call, options: WaitOptions = {}): WaitOptions {
  call.check('waitOptions', options, 'options')
  if (options.signal) throw call.mistake('options.signal: cannot be sent to the shared lab. Use `timeout`')
  return { timeout: options.timeout ?? defaultTimeoutMs() }
}
