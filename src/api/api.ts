import { setMaxListeners } from 'node:events'
import { OneAtATime } from '../common/one-at-a-time.ts'
import type { FaultInput } from '../config/schema/fault.ts'
import { EventLog } from './events/event-log.ts'
import { Jobs } from './jobs/jobs.ts'
import type { ApiLab, ApiOutgoing, ChangeableFault } from './lab.ts'
import { MessageReader } from './messages/message-facts.ts'
import { MessageIndex } from './messages/message-index.ts'
import { MessageViews } from './messages/message-views.ts'
import { MessageThreads } from './messages/threads.ts'
import type { WebhookSender } from './webhooks/types.ts'

/** A part of the lab that one program uses: accounts and newsgroups whose names begin with its name. */
export interface TenantRecord {
  readonly name: string
  readonly token: string
  readonly accounts: readonly { readonly user: string; readonly password: string; readonly address: string }[]
}

/** A fault that was added over the API. */
export interface AddedFault extends ChangeableFault {
  readonly id: string
  input: FaultInput
  /** How often it has happened. */
  hits: number
}

/** What the operations of one lab share. Created at the first call. */
export class Api implements AsyncDisposable {
  readonly lab: ApiLab
  readonly index: MessageIndex
  readonly reader: MessageReader
  readonly views: MessageViews
  readonly events: EventLog
  readonly threads: MessageThreads
  /** The tenants that were created over the API, by name. */
  readonly tenants = new Map<string, TenantRecord>()
  /** The faults that were added over the API, by id. */
  readonly faults = new Map<string, AddedFault>()
  readonly jobs: Jobs
  /** Changes of certificates that callers have read. Each sees the outcome of those before it. */
  readonly certificateChanges = new OneAtATime()
  /** Sends events to the webhooks of the configuration; undefined if it never had any. */
  webhooks: WebhookSender | undefined
  readonly #resetListeners: (() => void)[] = []
  readonly #stopping = new AbortController()
  #addedFaults = 0
  /** The messages that waits have returned, by the caller's view. A wait does not return them again. */
  readonly #returned = new Map<string, Set<string>>()

  private constructor(lab: ApiLab, index: MessageIndex) {
    // Every wait listens.
    setMaxListeners(0, this.stopping)
    this.lab = lab
    this.index = index
    this.reader = new MessageReader(lab.store, lab.intake.memory)
    this.views = new MessageViews(index, this.reader, lab.tenants, lab.intake.memory)
    this.events = new EventLog(lab, index)
    this.threads = new MessageThreads(lab.store, index)
    this.jobs = new Jobs(lab, (event, { facts: job }) => this.events.add(event, { facts: { job }, isOfLab: true }))
    index.watch(({ type, message: { id } }) => {
      if (type === 'deleted') for (const returned of this.#returned.values()) returned.delete(id)
    })
  }

  /** The mail that the lab sends to other hosts. */
  get outgoing(): ApiOutgoing {
    return this.lab.outgoing
  }

  static async of(lab: ApiLab): Promise<Api> {
    return new Api(lab, await MessageIndex.of(lab.store))
  }

  /** Returns the ids of the messages that waits with this view have returned. */
  returnedTo(view: string): Set<string> {
    const known = this.#returned.get(view) ?? new Set()
    this.#returned.set(view, known)
    return known
  }

  /** Adds a fault. @throws ConfigError listing every mistake in it */
  addFault(input: FaultInput): AddedFault {
    const id = `f${++this.#addedFaults}`
    const { change, remove } = this.lab.faults.add(input, { onStrike: () => added.hits++ })
    const added: AddedFault = { id, input, hits: 0, change, remove }
    this.faults.set(id, added)
    return added
  }

  /** Puts another fault in the place of one. @throws ConfigError listing every mistake in it; nothing has changed then */
  changeFault(added: AddedFault, input: FaultInput): void {
    added.change(input)
    added.input = input
    added.hits = 0
  }

  /** Calls a listener at every `lab.reset()`. */
  onReset(listener: () => void): void {
    this.#resetListeners.push(listener)
  }

  /** Forgets everything about messages and faults, as a part of `lab.reset()`. Tenants stay. */
  async reset(): Promise<void> {
    this.#returned.clear()
    this.faults.clear()
    this.reader.clear()
    this.outgoing.record.clear()
    for (const listener of this.#resetListeners) listener()
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
    this.index.close()
    this.views.clear()
    this.reader.clear()
  }
}
