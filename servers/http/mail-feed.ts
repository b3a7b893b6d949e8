import type { WebSocket } from 'ws'
import type { Api } from '../../src/api/api.ts'
import { type Caller, type Standing, seesFolder, seesMessage } from '../../src/api/caller.ts'
import type { LabEvent } from '../../src/api/events/event-log.ts'
import type { IndexedMessage } from '../../src/api/messages/message-index.ts'
import { DeliveredMail, type Mail, mailOfCopies } from './delivered-mail.ts'
import type { RouteCall } from './routes.ts'

type EventMessage = NonNullable<LabEvent['message']>

/** A client that is told of changes. */
export interface FeedClient {
  /** Ends the connection. @param hasNoRights whether the client may no longer see the mail */
  close(hasNoRights: boolean): void
  /** Calls a listener when the connection has ended. */
  onClose(listener: () => void): void
}

/** The texts of a tool about the changes of a mailbox. */
interface FeedWords {
  received?(message: IndexedMessage): void | Promise<void>
  changed?(mail: Mail): void
  /** Messages whose last copy was deleted, by id, in one step. */
  deleted?(ids: readonly string[]): void
  /** All messages were deleted by a reset of the lab. */
  reset?(): void
}

/** The mailbox at the beginning of a feed. */
interface Start {
  readonly known: readonly Mail[]
  /** The events since `known` was read. */
  readonly missed: LabEvent[]
  readonly lostRights: Standing
}

/** The changes of the mailbox that a caller sees, each message once, for a client of a tool. */
export class MailFeed {
  readonly #api: Api
  readonly #caller: Caller
  readonly #client: FeedClient
  readonly #words: FeedWords
  /** The ids of the copies of each message, by the message's id. */
  readonly #copies = new Map<string, Set<string>>()
  /** The id of the message, and the copy, by the id of the copy. */
  readonly #copyFacts = new Map<string, { readonly mail: string; readonly copy: IndexedMessage }>()
  /** The id of the message by its octets. */
  readonly #byBlob = new Map<string, string>()
  #queue: LabEvent[]
  #isBusy = false

  /**
   * Prepares a feed for the caller of a request. It begins with the function that this resolves with.
   * @param wordsOf returns what is sent of changes
   */
  static async prepare({
    api,
    caller,
    c,
  }: RouteCall): Promise<(client: FeedClient, wordsOf: (feed: MailFeed) => FeedWords) => MailFeed> {
    const lostRights = await c.get('standing')()
    const last = api.events.lastId
    const known = (await DeliveredMail.of(api, caller)).all.mails
    return (client, wordsOf) =>
      new MailFeed({ api, caller }, client, wordsOf, { known, missed: api.events.after(last), lostRights })
  }

  private constructor(
    { api, caller }: Pick<RouteCall, 'api' | 'caller'>,
    client: FeedClient,
    wordsOf: (feed: MailFeed) => FeedWords,
    { known, missed, lostRights }: Start,
  ) {
    this.#api = api
    this.#caller = caller
    this.#client = client
    this.#words = wordsOf(this)
    this.#queue = missed
    for (const { id, copies } of known) for (const copy of copies) this.#add(id, copy)
    const unwatch = api.events.watch((event) => {
      this.#queue.push(event)
      void this.#run()
    })
    const endWithoutRights = (): void => {
      if (lostRights()) client.close(true)
    }
    const unwatchRights = api.rights.watch(endWithoutRights)
    client.onClose(() => {
      unwatch()
      unwatchRights()
      this.#queue = []
    })
    // They may have been lost since the request was checked.
    endWithoutRights()
    void this.#run()
  }

  /** The messages. */
  get mails(): Mail[] {
    return [...this.#copies.keys()].flatMap((id) => this.#mail(id) ?? [])
  }

  get isEmpty(): boolean {
    return this.#copies.size === 0
  }

  #add(mail: string, copy: IndexedMessage): void {
    const { id, entry } = copy
    this.#copies.set(mail, (this.#copies.get(mail) ?? new Set()).add(id))
    this.#copyFacts.set(id, { mail, copy })
    this.#byBlob.set(entry.blob, mail)
  }

  /** Sends the events of the queue in order. */
  async #run(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (this.#queue.length > 0) await this.#sendAll(this.#queue.splice(0))
    } catch {
      // Clients connect again and read the list. The lab logs errors of the store elsewhere.
      this.#client.close(false)
    } finally {
      this.#isBusy = false
    }
  }

  async #sendAll(events: readonly LabEvent[]): Promise<void> {
    const deleted: string[] = []
    for (const { name, message } of events) {
      if (name === 'lab.reset') this.#forgetAll()
      if (!message || !seesFolder(this.#caller, message.folder)) continue
      if (name === 'message.received') await this.#received(message)
      else if (name === 'message.changed') this.#changed(message)
      else if (name === 'message.deleted') deleted.push(...this.#deleted(message.id))
    }
    if (deleted.length > 0) this.#words.deleted?.(deleted)
  }

  async #received(event: EventMessage): Promise<void> {
    if (!('order' in event)) return
    const message = this.#api.index.current(event)
    if (!message?.entry.envelope || !seesMessage(this.#caller, message.folder, message.entry)) return
    const known = this.#byBlob.get(message.entry.blob)
    this.#add(known ?? message.id, message)
    if (known !== undefined) return
    await this.#words.received?.(message)
  }

  #changed(event: EventMessage): void {
    const known = this.#copyFacts.get(event.id)
    if (!known || !('order' in event)) return
    this.#copyFacts.set(event.id, { ...known, copy: event })
    const mail = this.#mail(known.mail)
    if (mail) this.#words.changed?.(mail)
  }

  /** Returns the id of the message if that was its last copy. */
  #deleted(id: string): string[] {
    const facts = this.#copyFacts.get(id)
    if (!facts) return []
    const { mail, copy } = facts
    const copies = this.#copies.get(mail)
    this.#copyFacts.delete(id)
    copies?.delete(id)
    if (copies && copies.size > 0) return []
    this.#copies.delete(mail)
    this.#byBlob.delete(copy.entry.blob)
    return [mail]
  }

  #forgetAll(): void {
    this.#copies.clear()
    this.#copyFacts.clear()
    this.#byBlob.clear()
    this.#words.reset?.()
  }

  #mail(id: string | undefined): Mail | undefined {
    const copies = [...((id === undefined ? undefined : this.#copies.get(id)) ?? [])]
    const [first, ...others] = copies.flatMap((one) => {
      const known = this.#copyFacts.get(one)
      return (known && this.#api.index.current(known.copy)) ?? []
    })
    return id !== undefined && first ? { ...mailOfCopies([first, ...others], this.#caller), id } : undefined
  }
}

/** A client that reads this much more slowly than mail arrives is disconnected. */
const MAX_BUFFERED_OCTETS = 16 * 1024 * 1024
/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008

/** Returns a WebSocket as a client of a feed. */
export const socketClient = (socket: WebSocket): FeedClient => ({
  close: (hasNoRights) => (hasNoRights ? socket.close(POLICY_VIOLATION) : socket.terminate()),
  onClose: (listener) => void socket.on('close', listener),
})

/** Sends a text. Disconnects a client that does not read. */
export function sendText(socket: WebSocket, text: string): void {
  if (socket.bufferedAmount > MAX_BUFFERED_OCTETS) return socket.terminate()
  socket.send(text)
}
