import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import { mailboxName, superiors } from '../mailbox-names.ts'
import type { Identity, ImapSession, Notifier, SelectedEvents } from '../state.ts'
import { Subscriptions } from '../subscriptions.ts'
import { type Announcement, watchAnnouncements } from './announcements.ts'
import { isWanted } from './filters.ts'
import { type EventGroup, type EventName, NO_EVENTS, type NotifyRequest } from './request.ts'
import { type Pending, sendPending, sharedNames } from './responses.ts'

/** Waiting changes; more of them are an overflow. RFC 5465 section 5.8. */
const MAX_PENDING = 1_000

const nothing = (): Pending => ({ messages: new Map(), names: new Map(), metadata: new Map() })

/** Watches the mailboxes that NOTIFY SET names. RFC 5465. */
export class Notifications implements Notifier {
  selected: SelectedEvents
  onChange: (() => void) | undefined
  readonly #session: ImapSession
  readonly #identity: Identity
  #groups: readonly EventGroup[]
  readonly #subscribed = new Subscriptions()
  #pending = nothing()
  #isOverflow = false
  /** The shared mailboxes that the client knows. Changes of the names of others stay hidden from it. */
  #shared: Set<string> = new Set()
  #unwatch: () => void = () => {}

  private constructor(session: ImapSession, identity: Identity, request: NotifyRequest) {
    this.#session = session
    this.#identity = identity
    this.selected = request.selected
    this.#groups = request.groups
  }

  /** Starts to watch, until `close`. */
  static async start(session: ImapSession, identity: Identity, request: NotifyRequest): Promise<Notifications> {
    const { store } = session.context
    const notifications = new Notifications(session, identity, request)
    if (request.groups.length === 0) return notifications
    const unwatch = store.watch((event) => notifications.#changed(() => notifications.#handle(event)))
    const unwatchAnnouncements = watchAnnouncements(session, (announcement, isOwn) => {
      if (!isOwn) notifications.#changed(() => notifications.#announced(announcement))
      else if (announcement.kind === 'subscription') notifications.#subscribe(announcement)
    })
    notifications.#unwatch = () => {
      unwatch()
      unwatchAnnouncements()
    }
    try {
      await notifications.#subscribed.load(store, identity.owner)
      if (request.groups.some(({ events }) => events.has('MailboxName') || events.has('SubscriptionChange'))) {
        notifications.#shared = await sharedNames(session, identity)
      }
      return notifications
    } catch (error) {
      notifications.close()
      throw error
    }
  }

  close(): void {
    this.#unwatch()
    this.onChange = undefined
    this.#groups = []
    this.#pending = nothing()
  }

  get hasChanges(): boolean {
    const { messages, names, metadata } = this.#pending
    return messages.size + names.size + metadata.size > 0 || this.#isOverflow
  }

  async send(): Promise<void> {
    const pending = this.#pending
    this.#pending = nothing()
    if (!this.#isOverflow) return sendPending(this.#session, this.#identity, pending, this.#shared)
    this.#isOverflow = false
    this.#session.send('* OK [NOTIFICATIONOVERFLOW] Too many changes: no more of them are sent\r\n')
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#pending.names.delete(name)
  }

  /** Returns whether the client wants an event of a mailbox. */
  wants(name: string, event: EventName): boolean {
    return isWanted(this.#groups, this.#subscribed, this.#identity, name, event)
  }

  #changed(handle: () => void): void {
    handle()
    const { messages, names, metadata } = this.#pending
    if (messages.size + names.size + metadata.size > MAX_PENDING) {
      // As after NOTIFY NONE. RFC 5465 section 5.8
      const { onChange } = this
      this.close()
      this.onChange = onChange
      this.selected = NO_EVENTS
      this.#isOverflow = true
    }
    if (this.hasChanges) this.onChange?.()
  }

  #handle(event: StoreEvent): void {
    const { folder, type } = event
    const name = mailboxName(folder, this.#identity.owner)
    if (type === 'folder-created' || type === 'folder-deleted') {
      if (type === 'folder-deleted') this.#pending.messages.delete(folder.id)
      // Its direct parent is affected, too. RFC 5465 section 5.4. The parent of a shared mailbox may be hidden from the client.
      const parent = folder.owner === this.#identity.owner ? superiors(name).slice(-1) : []
      for (const one of [...parent, name]) this.#nameChanged(one)
      if (type === 'folder-created') this.#messagesChanged(event, name, 'MessageNew')
    } else if (type === 'folder-changed')
      this.#renamed(mailboxName({ ...folder, name: event.previousName }, this.#identity.owner), name)
    else if (this.#isOwn(event)) return
    else if (type === 'values') this.#valuesChanged(event, name)
    else this.#messagesChanged(event, name, type === 'flags' ? 'FlagChange' : 'MessageNew')
  }

  /** Returns whether this session made the change. RFC 5465 section 5. */
  #isOwn({ origin }: Extract<StoreEvent, { origin?: object }>): boolean {
    const { state } = this.#session
    return origin === this.#session || (state.name === 'selected' && origin === state.selection)
  }

  #messagesChanged({ folder }: StoreEvent, name: string, event: 'MessageNew' | 'FlagChange'): void {
    const { state } = this.#session
    // SELECTED and SELECTED-DELAYED decide for the selected mailbox. RFC 5465 section 6
    if (state.name === 'selected' && state.selection.folder.id === folder.id) return
    if (!this.wants(name, event)) return
    const { messages } = this.#pending
    const { isNew = false, hasFlags = false } = messages.get(folder.id) ?? {}
    messages.set(folder.id, {
      name,
      isNew: isNew || event === 'MessageNew',
      hasFlags: hasFlags || event === 'FlagChange',
    })
  }

  #valuesChanged(event: Extract<StoreEvent, { type: 'values' }>, name: string): void {
    const { kind, reader, names, folder } = event
    // Rights that are granted or revoked make a mailbox appear or disappear. RFC 5465 section 5.4
    if (kind === 'acl' && folder.owner !== this.#identity.owner) this.#nameChanged(name)
    if (reader !== undefined && reader !== this.#identity.owner) return
    if (kind === 'seen') this.#messagesChanged(event, name, 'FlagChange')
    else if (kind === 'metadata') this.#metadataChanged(name, 'MailboxMetadataChange', names)
  }

  #metadataChanged(name: string, event: EventName, entries: readonly string[]): void {
    if (entries.length === 0 || !this.wants(name, event)) return
    const { metadata } = this.#pending
    metadata.set(name, new Set([...(metadata.get(name) ?? []), ...entries]))
  }

  #nameChanged(name: string): void {
    if (this.wants(name, 'MailboxName') && !this.#pending.names.has(name)) this.#pending.names.set(name, {})
  }

  #renamed(oldName: string, name: string): void {
    if (oldName === name) return
    for (const change of this.#pending.messages.values()) if (change.name === oldName) change.name = name
    const { names } = this.#pending
    // The mailboxes below a renamed one are not reported. RFC 5465 section 5.4
    const isBelowRenamed = superiors(name).some((above) => {
      const former = names.get(above)?.oldName
      return former !== undefined && former + name.slice(above.length) === oldName
    })
    if (isBelowRenamed || !(this.wants(name, 'MailboxName') || this.wants(oldName, 'MailboxName'))) return
    // A mailbox that is renamed twice was last known by its first name.
    const first = names.get(oldName)?.oldName ?? oldName
    names.delete(oldName)
    names.set(name, { oldName: first })
  }

  #announced(announcement: Announcement): void {
    const { owner } = announcement
    if (owner !== undefined && owner !== this.#identity.owner) return
    if (announcement.kind === 'server-metadata') {
      const isWanted = this.#groups.some(({ events }) => events.has('ServerMetadataChange'))
      if (!isWanted || announcement.entries.length === 0) return
      const { metadata } = this.#pending
      metadata.set('', new Set([...(metadata.get('') ?? []), ...announcement.entries]))
      return
    }
    const { name } = announcement
    // The list before the change counts too: otherwise no client would learn that a subscription has ended.
    const wasWanted = this.wants(name, 'SubscriptionChange')
    this.#subscribe(announcement)
    if ((wasWanted || this.wants(name, 'SubscriptionChange')) && !this.#pending.names.has(name)) {
      this.#pending.names.set(name, {})
    }
  }

  #subscribe({ name, subscribed }: Extract<Announcement, { kind: 'subscription' }>): void {
    this.#subscribed.note(name, subscribed)
  }
}
