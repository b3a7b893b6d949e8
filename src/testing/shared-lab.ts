import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import type { MessageDraft } from '../mail/compose.ts'
import type { SessionRecord } from '../sessions/types.ts'
import { Call } from './call.ts'
import type { MessageFilter } from './filter.ts'
import { LabArticle, LabMessage, type MessageFacts } from './message.ts'
import type { MessageQuery, SessionQuery } from './receiver.ts'
import type { Tenant } from './tenant.ts'
import { tenantAccount, withoutDomain } from './tenant-names.ts'
import type { Credentials, Recipients, TestLab } from './test-lab.ts'
import { defaultTimeoutMs } from './time-limit.ts'
import type { WaitOptions } from './wait.ts'

/** The data with which another process connects to a shared lab. Vitest passes it to the workers. */
export interface SharedLab {
  readonly port: number
  readonly token: string
  readonly domain: string
  readonly nodemailer: ReturnType<TestLab['nodemailer']>
  readonly imapflow: ReturnType<TestLab['imapflow']>
}

/** A lab that is served to other processes until it is disposed. */
interface SharedLabHost extends AsyncDisposable {
  readonly shared: SharedLab
}

type Verb = (tenant: Tenant, ...args: never[]) => Promise<unknown>

const encodeMessage = ({ raw, facts }: LabMessage) => ({ raw, facts })

/** The calls that a tenant in another process can make. */
const verbs: Readonly<Record<string, Verb>> = {
  /** The name of the tenant has been added. */
  join: async () => {},
  wait: async (tenant, ...args: Parameters<Tenant['waitForMessage']>) =>
    encodeMessage(await tenant.waitForMessage(...args)),
  waitMany: async (tenant, ...args: Parameters<Tenant['waitForMessages']>) =>
    (await tenant.waitForMessages(...args)).map(encodeMessage),
  receives: async (tenant, ...args: Parameters<Tenant['receives']>) => encodeMessage(await tenant.receives(...args)),
  waitForSession: (tenant, ...args: Parameters<Tenant['waitForSession']>) => tenant.waitForSession(...args),
  sessions: async (tenant) => tenant.sessions(),
  assertNothingSent: (tenant, ...args: Parameters<Tenant['assertNothingSent']>) => tenant.assertNothingSent(...args),
  messages: async (tenant, ...args: Parameters<Tenant['messages']>) =>
    (await tenant.messages(...args)).map(encodeMessage),
  deliver: (tenant, ...args: Parameters<Tenant['deliver']>) => tenant.deliver(...args),
  createNewsgroup: (tenant, ...args: Parameters<Tenant['createNewsgroup']>) => tenant.createNewsgroup(...args),
  articles: async (tenant, ...args: Parameters<Tenant['articles']>) =>
    (await tenant.articles(...args)).map(({ number, raw }: LabArticle) => ({ number, raw })),
  clear: (tenant) => tenant.clear(),
}

/** Serves a lab to tenants in other processes on this machine, which must send the token. */
export async function hostLab(lab: TestLab): Promise<SharedLabHost> {
  const token = randomBytes(TOKEN_OCTETS).toString('hex')
  const tenants = new Map<string, Tenant>()
  const sockets = new Set<Socket>()
  const tenantOf = (name: string): Tenant => {
    const tenant = tenants.get(name) ?? lab.tenant(name)
    tenants.set(name, tenant)
    return tenant
  }
  const answer = async (socket: Socket, request: Request): Promise<void> => {
    const { id, tenant, method, args } = request
    try {
      const verb = verbs[method]
      if (!verb) throw new Error(`unknown method ${method}`)
      writeFrame(socket, { id, value: await verb(tenantOf(tenant), ...(args as never[])) })
      if (method === 'clear') tenants.delete(tenant)
    } catch (error) {
      const { name, message } = error as Error
      writeFrame(socket, { id, error: { name, message } })
    }
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    afterToken(socket, token, () => readFrames(socket, (request) => void answer(socket, request as Request)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    shared: {
      port,
      token,
      domain: lab.domain,
      nodemailer: lab.nodemailer(),
      imapflow: lab.imapflow({ user: '', pass: '' }),
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A call. Values are sent by structured clone, which keeps patterns, dates and octets. */
interface Request {
  readonly id: number
  readonly tenant: string
  readonly method: string
  readonly args: readonly unknown[]
}

type Response =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } }

const TOKEN_OCTETS = 32
/** Each frame begins with its length. */
const HEAD_OCTETS = 4
/** The longest frame, of which a call or its result is one. */
const MAX_FRAME_OCTETS = 512 * 1024 * 1024

/** Sends a value as one frame. @throws DataCloneError if the value cannot be cloned, such as a function; RangeError */
function writeFrame(socket: Socket, value: Request | Response): void {
  const body = serialize(value)
  if (body.length > MAX_FRAME_OCTETS)
    throw new RangeError(`${body.length} octets are too many for one call of a shared lab (limit: ${MAX_FRAME_OCTETS})`)
  const head = Buffer.alloc(HEAD_OCTETS)
  head.writeUInt32BE(body.length)
  socket.cork()
  socket.write(head)
  socket.write(body)
  socket.uncork()
}

/**
 * Calls `accepted` once the client has sent the token, in hexadecimal. Everybody on the machine can connect, so nothing
 * else is read before. Closes the connection after another token.
 */
function afterToken(socket: Socket, token: string, accepted: () => void): void {
  socket.on('readable', function check(): void {
    const sent = socket.read(token.length) as Buffer | null
    if (!sent) return
    socket.off('readable', check)
    // At the end of the stream, `read` returns less.
    if (sent.length !== token.length || !timingSafeEqual(sent, Buffer.from(token))) return void socket.destroy()
    accepted()
    socket.resume()
  })
}

/** Calls `onFrame` for each frame. Closes the connection if a frame cannot be read. */
function readFrames(socket: Socket, onFrame: (value: unknown) => void): void {
  let pieces: Buffer[] = []
  let held = 0
  /** The octets needed before the next frame, or its length, is complete. */
  let needed = HEAD_OCTETS
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk)
    held += chunk.length
    while (held >= needed) {
      const whole = Buffer.concat(pieces)
      const end = HEAD_OCTETS + whole.readUInt32BE()
      needed = end
      pieces = [whole]
      if (end > HEAD_OCTETS + MAX_FRAME_OCTETS) return void socket.destroy(new RangeError('the frame is too long'))
      if (held < end) return
      try {
        onFrame(deserialize(whole.subarray(HEAD_OCTETS, end)))
      } catch (error) {
        return void socket.destroy(error as Error)
      }
      pieces = [whole.subarray(end)]
      held -= end
      needed = HEAD_OCTETS
    }
  })
}

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

interface EncodedMessage {
  readonly raw: Uint8Array
  readonly facts: MessageFacts
}

/** A tenant of a lab that runs in another process. Filters are sent as data, so `matches` is not supported. */
export class SharedTenant implements AsyncDisposable {
  readonly name: string
  readonly #lab: SharedLab
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  #last = 0
  /** Set once the host has closed the connection. */
  #ended: Error | undefined

  private constructor(name: string, lab: SharedLab, socket: Socket) {
    this.name = name
    this.#lab = lab
    this.#socket = socket
    readFrames(socket, (response) => this.#settle(response as Response))
    socket.on('error', (error) => {
      this.#ended ??= stopped(error)
    })
    socket.on('close', () => {
      const ended = (this.#ended ??= stopped())
      for (const { reject } of this.#pending.values()) reject(stopped(ended.cause))
      this.#pending.clear()
    })
    socket.write(lab.token)
  }

  /**
   * Connects to a shared lab as the tenant `name`. The lab knows the name before any mail of the tenant can arrive.
   * @throws TypeError if accounts could belong to two tenants; Error if the lab has stopped, as every call does
   */
  static async of(lab: SharedLab, name: string): Promise<SharedTenant> {
    const call = new Call('SharedTenant.of', SharedTenant.of)
    const socket = connect({ host: '127.0.0.1', port: lab.port, noDelay: true })
    const tenant = new SharedTenant(name, lab, socket)
    try {
      await tenant.#call(call, 'join')
      return tenant
    } catch (error) {
      socket.destroy()
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

  /** Returns the user name and password of an account. */
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
  async waitForMessage(filter: MessageQuery = {}, options: WaitOptions = {}): Promise<LabMessage> {
    const call = new Call('waitForMessage', SharedTenant.prototype.waitForMessage)
    return decodeMessage(await this.#call(call, 'wait', filterData(call, filter), limits(call, options)))
  }

  /** Works like `tenant.waitForMessages`. @throws WaitTimeout if fewer arrive */
  async waitForMessages(count: number, filter: MessageQuery = {}, options: WaitOptions = {}): Promise<LabMessage[]> {
    const call = new Call('waitForMessages', SharedTenant.prototype.waitForMessages)
    const args = [count, filterData(call, filter), limits(call, options)]
    return (await this.#call<EncodedMessage[]>(call, 'waitMany', ...args)).map(decodeMessage)
  }

  /** Works like `tenant.receives`. @throws WaitTimeout */
  async receives(filter: MessageQuery = {}, options: WaitOptions = {}): Promise<LabMessage> {
    const call = new Call('receives', SharedTenant.prototype.receives)
    return decodeMessage(await this.#call(call, 'receives', filterData(call, filter), limits(call, options)))
  }

  /** Works like `tenant.messages`. */
  async messages(filter: MessageQuery = {}): Promise<LabMessage[]> {
    const call = new Call('messages', SharedTenant.prototype.messages)
    return (await this.#call<EncodedMessage[]>(call, 'messages', filterData(call, filter))).map(decodeMessage)
  }

  /** Works like `tenant.waitForSession`. @throws WaitTimeout */
  async waitForSession(filter: SessionQuery = {}, options: WaitOptions = {}): Promise<SessionRecord> {
    const call = new Call('waitForSession', SharedTenant.prototype.waitForSession)
    return this.#call(call, 'waitForSession', withoutFunctions(call, filter), limits(call, options))
  }

  /** Returns the recorded connections that the tenant sees, as they are now. */
  sessions(): Promise<readonly SessionRecord[]> {
    return this.#call(new Call('sessions', SharedTenant.prototype.sessions), 'sessions')
  }

  /** Works like `tenant.assertNothingSent`. */
  async assertNothingSent(filter?: MessageQuery, options: WaitOptions = {}): Promise<void> {
    const call = new Call('assertNothingSent', SharedTenant.prototype.assertNothingSent)
    const wanted = filter === undefined ? undefined : filterData(call, filter)
    await this.#call(call, 'assertNothingSent', wanted, limits(call, options))
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
    if (this.#ended) return
    await this.#call(new Call('dispose', SharedTenant.prototype[Symbol.asyncDispose]), 'clear')
    this.#socket.destroy()
  }

  #call<T>(call: Call, method: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      // A destroyed socket reports no error for what is written to it.
      if (this.#ended) throw call.at(stopped(this.#ended.cause))
      writeFrame(this.#socket, { id, tenant: this.name, method, args })
      this.#pending.set(id, { resolve, reject: (error) => reject(call.at(error)) })
    })
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id)
    this.#pending.delete(response.id)
    if ('error' in response) {
      const { name, message } = response.error
      pending?.reject(Object.assign(new Error(message), { name }))
    } else pending?.resolve(response.value as never)
  }
}

/** Checks a filter here, where the error shows the test's line. */
function filterData(call: Call, query: MessageQuery): MessageFilter {
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
function limits(call: Call, options: WaitOptions): WaitOptions {
  call.check('waitOptions', options, 'options')
  if (options.signal) throw call.mistake('options.signal: cannot be sent to the shared lab. Use `timeout`')
  return { timeout: options.timeout ?? defaultTimeoutMs() }
}

const stopped = (cause?: unknown): Error => new Error('the shared lab has stopped', { cause })

const decodeMessage = ({ raw, facts }: EncodedMessage): LabMessage => new LabMessage(Buffer.from(raw), facts)
