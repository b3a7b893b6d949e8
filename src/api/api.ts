import { setMaxListeners } from 'node:events'
import { OneAtATime } from '../core/async/one-at-a-time.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import { accountOf, PUBLIC_OWNER } from '../storage/store/folder.ts'
import { seesSession } from './caller.ts'
import { EventLog } from './events/event-log.ts'
import { Jobs } from './jobs/jobs.ts'
import type { ApiLab, ApiOutgoing } from './lab.ts'
import { Arrivals } from './messages/arrivals.ts'
import { HeldMessages } from './messages/held-messages.ts'
import { FactsReader } from './messages/message-facts.ts'
import type { MessageIndex } from './messages/message-index.ts'
import { MessageViews } from './messages/message-views.ts'
import { RemoteContents } from './messages/remote-content.ts'
import { StoredMessages } from './messages/stored-messages.ts'
import { MessageThreads } from './messages/threads.ts'
import { ReturnedMessages } from './returned-messages.ts'
import { RightsChanges } from './rights.ts'
import type { ReportProviderEvent, WebhookSender } from './webhooks/types.ts'

/** The services that the operations of one lab share. Created at the first call. */
export class Api implements AsyncDisposable {
  readonly lab: ApiLab
  readonly index: MessageIndex
  readonly arrivals: Arrivals
  readonly reader: FactsReader
  readonly views: MessageViews
  readonly events: EventLog
  readonly threads: MessageThreads
  readonly rights: RightsChanges
  readonly returned: ReturnedMessages
  readonly jobs: Jobs
  readonly remoteContents: RemoteContents
  /** Changes of certificates that callers have read. Each sees the outcome of those before it. */
  readonly certificateChanges = new OneAtATime()
  /** Sends events to the webhooks of the configuration; undefined if it never had any. */
  webhooks: WebhookSender | undefined
  /** Reports what a test asks for to the webhooks of a provider. Absent: no virtual server has the API of one. */
  reportProviderEvent: ReportProviderEvent | undefined
  readonly #resetListeners: (() => void | Promise<void>)[] = []
  readonly #stopping = new AbortController()
  readonly #unwatchTenants: () => void

  /** Until `begin`, the operations know no messages. */
  constructor(lab: ApiLab) {
    // Every wait listens.
    setMaxListeners(0, this.stopping)
    this.lab = lab
    this.index = lab.store.select ? new StoredMessages(lab.store) : new HeldMessages(lab.store)
    const { index } = this
    this.reader = new FactsReader(lab.store, lab.intake.memory)
    this.arrivals = new Arrivals(index, this.reader, lab.directory)
    this.views = new MessageViews(index, this.reader, {
      tenants: lab.tenants,
      directory: lab.directory,
      memory: lab.intake.memory,
    })
    this.events = new EventLog(lab, index)
    this.threads = new MessageThreads(lab.store, index)
    this.rights = new RightsChanges(lab)
    this.#unwatchTenants = lab.tenants.created.watch(({ key, value, previous }) => {
      if (previous && !value) this.#forgetTenant(key)
    })
    this.jobs = new Jobs(lab, (event, { facts: job }) => this.events.add(event, { facts: { job }, isOfLab: true }))
    this.remoteContents = new RemoteContents(lab)
    this.returned = new ReturnedMessages(lab.values, index, (error) =>
      lab.logError(error, 'messages that were deleted are still noted as returned by a wait'),
    )
  }

  /** The mail that the lab sends to other hosts. */
  get outgoing(): ApiOutgoing {
    return this.lab.outgoing
  }

  /** Lets the operations follow the messages of the store. Some stores are read whole for that. @throws StoreError */
  async begin(): Promise<this> {
    this.events.begin()
    await this.index.begin()
    return this
  }

  /** Calls a listener at every `lab.reset()`, which waits for it. */
  onReset(listener: () => void | Promise<void>): void {
    this.#resetListeners.push(listener)
  }

  /** Forgets the sessions and events of a tenant that was deleted: the next one of its name must not see them. */
  #forgetTenant(name: string): void {
    const scope = this.lab.tenants.scope(name)
    const isOf = (session: Pick<SessionRecord, 'user' | 'usedBy'>): boolean =>
      seesSession({ role: 'tenant', name, tenant: scope }, session)
    this.lab.sessionLog.forgetEnded(isOf)
    this.events.hide(({ session, message }) => {
      if (session) return isOf(session)
      if (!message) return false
      const { owner, name: folder } = message.folder
      if (owner === PUBLIC_OWNER) return scope.ownsNewsgroup(folder)
      return scope.ownsAccount(accountOf({ owner }) ?? '') || scope.ownsEnvelope(message.entry?.envelope)
    })
  }

  /** Forgets everything about messages and faults, as a part of `lab.reset()`. Tenants stay. */
  async reset(): Promise<void> {
    this.reader.clear()
    this.remoteContents.clear()
    this.outgoing.record.clear()
    for (const listener of this.#resetListeners) await listener()
    await this.webhooks?.reset()
    this.events.add('lab.reset')
  }

  /** Aborts when the lab begins to end its sessions. What waits for something to happen in the lab must end then. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Ends what waits for something to happen in the lab: streams of events, and waits. */
  finish(): void {
    if (this.stopping.aborted) return
    this.#stopping.abort()
    this.events.add('lab.stopping')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.jobs[Symbol.asyncDispose]()
    await this.webhooks?.[Symbol.asyncDispose]()
    this.finish()
    this.events.close()
    this.returned.close()
    this.rights.close()
    this.#unwatchTenants()
    this.index.close()
    this.views.clear()
    this.remoteContents.clear()
    this.reader.clear()
  }
}
