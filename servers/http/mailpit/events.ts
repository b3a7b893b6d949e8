import type { WebSocket } from 'ws'
import type { Api } from '../../../src/api/api.ts'
import { type Caller, type Standing, seesFolder, seesMessage } from '../../../src/api/caller.ts'
import type { LabEvent } from '../../../src/api/events/event-log.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { clearTimeout, setTimeout } from '../../../src/core/time/real-timers.ts'
import { DeliveredMail, type Mail, mailOf } from '../delivered-mail.ts'
import { type Route, reads } from '../routes.ts'
import { arrivedSummary } from './shapes.ts'

/** Mailpit sends the counts of the mailbox at most this often. */
const STATS_MS = 250
/** More deletions in one event are reported as one `prune`, after which clients read the list again. */
const MAX_DELETIONS = 100
/** A client that reads this much more slowly than mail arrives is disconnected. */
const MAX_BUFFERED_OCTETS = 16 * 1024 * 1024
/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008

type Type = 'new' | 'update' | 'delete' | 'prune' | 'truncate' | 'stats'

/** Sends the changes of the mailbox that a caller sees, in the form of Mailpit's WebSocket. */
class Feed {
  readonly #api: Api
  readonly #caller: Caller
  readonly #socket: WebSocket
  /** The ids of the copies of each message, by the message's id. */
  readonly #copies = new Map<string, Set<string>>()
  /** The id of the message and its octets, by the id of its copy. */
  readonly #copyFacts = new Map<string, { readonly mail: string; readonly blob: string }>()
  /** The id of the message by its octets. */
  readonly #byBlob = new Map<string, string>()
  #queue: LabEvent[]
  #isBusy = false
  #stats: NodeJS.Timeout | undefined

  constructor(api: Api, caller: Caller, socket: WebSocket, { known, missed, lostRights }: Start) {
    this.#api = api
    this.#caller = caller
    this.#socket = socket
    this.#queue = missed
    for (const { id, copies } of known) for (const copy of copies) this.#add(id, copy)
    const unwatch = api.events.watch((event) => {
      this.#queue.push(event)
      void this.#run()
    })
    const endWithoutRights = (): void => {
      if (lostRights()) socket.close(POLICY_VIOLATION)
    }
    const unwatchRights = api.rights.watch(endWithoutRights)
    socket.on('close', () => {
      unwatch()
      unwatchRights()
      clearTimeout(this.#stats)
      this.#queue = []
    })
    // They may have been lost since the request was checked.
    endWithoutRights()
    void this.#run()
  }

  #add(mail: string, { id, entry }: IndexedMessage): void {
    this.#copies.set(mail, (this.#copies.get(mail) ?? new Set()).add(id))
    this.#copyFacts.set(id, { mail, blob: entry.blob })
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
      this.#socket.terminate()
    } finally {
      this.#isBusy = false
    }
  }

  async #sendAll(events: readonly LabEvent[]): Promise<void> {
    const deleted: string[] = []
    for (const { name, message } of events) {
      if (name === 'lab.reset') this.#forgetAll()
      if (!message || !seesFolder(this.#caller, message.folder)) continue
      if (name === 'message.received') await this.#received(message.id)
      else if (name === 'message.changed') this.#changed(message.id)
      else if (name === 'message.deleted') deleted.push(...this.#deleted(message.id))
    }
    if (deleted.length === 0) return
    if (this.#copies.size === 0) this.#send('truncate', null)
    else if (deleted.length > MAX_DELETIONS) this.#send('prune', null)
    else for (const ID of deleted) this.#send('delete', { ID })
  }

  async #received(id: string): Promise<void> {
    const message = this.#api.index.get(id)
    if (!message?.entry.envelope || !seesMessage(this.#caller, message.folder, message.entry)) return
    const known = this.#byBlob.get(message.entry.blob)
    this.#add(known ?? id, message)
    if (known !== undefined) return
    const summary = await arrivedSummary(this.#api, message, this.#caller)
    if (summary) this.#send('new', summary)
  }

  #changed(id: string): void {
    const mail = this.#mail(this.#copyFacts.get(id)?.mail)
    if (mail) this.#send('update', { ID: mail.id, Read: mail.isRead, Tags: mail.tags })
  }

  /** Returns the id of the message if that was its last copy. */
  #deleted(id: string): string[] {
    const facts = this.#copyFacts.get(id)
    if (!facts) return []
    const { mail, blob } = facts
    const copies = this.#copies.get(mail)
    this.#copyFacts.delete(id)
    copies?.delete(id)
    if (copies && copies.size > 0) return []
    this.#copies.delete(mail)
    this.#byBlob.delete(blob)
    return [mail]
  }

  #forgetAll(): void {
    this.#copies.clear()
    this.#copyFacts.clear()
    this.#byBlob.clear()
    this.#send('truncate', null)
  }

  #mail(id: string | undefined): Mail | undefined {
    const copies = [...((id === undefined ? undefined : this.#copies.get(id)) ?? [])]
    const [first, ...others] = copies.flatMap((copy) => this.#api.index.get(copy) ?? [])
    return id !== undefined && first ? { ...mailOf([first, ...others], this.#caller), id } : undefined
  }

  #send(type: Type, data: unknown): void {
    if (this.#socket.bufferedAmount > MAX_BUFFERED_OCTETS) return this.#socket.terminate()
    this.#socket.send(JSON.stringify({ Type: type, Data: data }))
    if (type !== 'stats') this.#stats ??= setTimeout(() => this.#sendStats(), STATS_MS)
  }

  #sendStats(): void {
    this.#stats = undefined
    const mails = [...this.#copies.keys()].flatMap((id) => this.#mail(id) ?? [])
    this.#send('stats', { Total: mails.length, Unread: mails.filter(({ isRead }) => !isRead).length })
  }
}

interface Start {
  readonly known: readonly Mail[]
  /** The events since `known` was read. */
  readonly missed: LabEvent[]
  readonly lostRights: Standing
}

/** The WebSocket of changes. */
export const eventRoute: Route = reads('/api/events', async ({ api, caller, c }) => {
  const { accept } = c.env
  if (!accept)
    throw new ApiProblem('upgrade-required', 'these events are sent by WebSocket; connect with ws:// or wss://')
  const lostRights = await c.get('standing')()
  const last = api.events.lastId
  const known = (await DeliveredMail.of(api, caller)).all.mails
  accept((socket) => new Feed(api, caller, socket, { known, missed: api.events.after(last), lostRights }))
  c.set('isUpgraded', true)
  return c.body(null, 204)
})
