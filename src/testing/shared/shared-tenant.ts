import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { MessageDraft } from '../compose.ts'
import type { WaitOptions } from '../delivered-mail.ts'
import { LabArticle, LabMessage, type MessageFacts, type MessageFilter } from '../message.ts'
import type { Credentials } from '../test-lab.ts'
import { type Response, readFrames, writeFrame } from './frames.ts'
import type { SharedLab } from './host.ts'

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

interface ToldMessage {
  readonly raw: Uint8Array
  readonly facts: MessageFacts
}

/** A tenant of a lab that runs in another process. Filters go there as data: `matches` cannot. */
export class SharedTenant implements AsyncDisposable {
  readonly name: string
  readonly #lab: SharedLab
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  #last = 0

  private constructor(name: string, lab: SharedLab, socket: Socket) {
    this.name = name
    this.#lab = lab
    this.#socket = socket
    readFrames(socket, (response) => this.#settle(response as Response))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('the shared lab is gone'))
    })
  }

  static async of(lab: SharedLab, name: string): Promise<SharedTenant> {
    const socket = connect({ host: '127.0.0.1', port: lab.port, noDelay: true })
    await once(socket, 'connect')
    return new SharedTenant(name, lab, socket)
  }

  /** The log-on name of one of its accounts. */
  user(name: string): string {
    return `${this.name}-${name}`
  }

  address(name: string): string {
    return `${this.user(name)}@${this.#lab.domain}`
  }

  credentials(name: string): Credentials {
    return { user: this.user(name), pass: 'secret' }
  }

  nodemailer(name: string) {
    return { ...this.#lab.nodemailer, auth: this.credentials(name) }
  }

  imapflow(name: string) {
    return { ...this.#lab.imapflow, auth: this.credentials(name) }
  }

  async waitForMessage(filter: MessageFilter = {}, { timeout }: WaitOptions = {}): Promise<LabMessage> {
    return heard(await this.#ask('wait', filter, timeout === undefined ? {} : { timeout }))
  }

  async receives(filter: MessageFilter = {}, { timeout }: WaitOptions = {}): Promise<LabMessage> {
    return heard(await this.#ask('receives', filter, timeout === undefined ? {} : { timeout }))
  }

  async messages(filter: MessageFilter = {}): Promise<LabMessage[]> {
    return (await this.#ask<ToldMessage[]>('messages', filter)).map(heard)
  }

  deliver(message: Buffer | string | MessageDraft, to: string | readonly string[]): Promise<void> {
    return this.#ask('deliver', message, to)
  }

  createNewsgroup(name: string): Promise<string> {
    return this.#ask('createNewsgroup', name)
  }

  async articles(name: string): Promise<LabArticle[]> {
    const articles = await this.#ask<{ number: number; raw: Uint8Array }[]>('articles', name)
    return articles.map(({ number, raw }) => new LabArticle(number, Buffer.from(raw)))
  }

  /** Removes its mailboxes and newsgroups, and leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask('clear')
    this.#socket.destroy()
  }

  #ask<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      writeFrame(this.#socket, { id, token: this.#lab.token, tenant: this.name, method, args })
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

const heard = ({ raw, facts }: ToldMessage): LabMessage => new LabMessage(Buffer.from(raw), facts)
