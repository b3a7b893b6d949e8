import { randomUUID } from 'node:crypto'
import type { WebhookConfig } from '../../core/config/schema.ts'
import { readUserFile } from '../../core/files/user-files.ts'
import { maskUrls } from '../../core/text/mask-urls.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import { systemClock } from '../../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { timeText } from '../../core/time/time-text.ts'
import { splitPem, systemRoots } from '../../tls/pki/system-roots.ts'
import type { Api } from '../api.ts'
import type { Caller } from '../caller.ts'
import { eventData } from '../events/event-data.ts'
import type { LabEvent } from '../events/event-log.ts'
import { queryConditions } from '../messages/find.ts'
import { matcherOf } from '../messages/matcher.ts'
import type { Condition } from '../messages/search.ts'
import { type Delivery, PendingDeliveries } from './queue.ts'
import { type Attempt, Sender, signingKey } from './send.ts'
import type { WebhookPost, WebhookSender } from './types.ts'

/** Returns the body of an event in the format of another product; undefined if that product sends nothing. */
export type WebhookData = (api: Api, event: LabEvent) => Promise<object | undefined>

/** The formats of other products. */
export type WebhookFormats = Readonly<Record<Exclude<WebhookConfig['format'], 'standard'>, WebhookData>>

/** A webhook of a provider. */
export interface ProviderWebhook extends Pick<WebhookConfig, 'url' | 'retries' | 'timeout' | 'secret' | 'authority'> {
  /** The events of the provider. */
  readonly events: readonly string[]
  readonly source: string
}

/** A webhook of the configuration. */
interface Webhook {
  readonly config: Pick<WebhookConfig, 'url' | 'retries' | 'timeout' | 'filter'> & {
    readonly events: readonly string[]
  }
  /** The provider that sends to it. Absent: the lab itself. */
  readonly source?: string
  /** Requests at a time. */
  readonly maxConcurrent: number
  readonly key: Buffer
  readonly conditions: readonly Condition[]
  /** Absent: Standard Webhooks. */
  readonly data?: WebhookData | undefined
  /** The roots that `authority` names, in PEM. Undefined: those of the lab and of the system. */
  readonly roots: readonly string[] | undefined
}

/** Webhooks see the whole lab: the configuration names them. */
const SEES_ALL: Caller = { role: 'administrator', name: 'webhook' }

/** Pending deliveries of one webhook; finished deliveries of the lab that are kept; requests to one webhook at a time. */
const MAX_PENDING = 1_000
const MAX_FINISHED = 1_000
const MAX_CONCURRENT = 4

/**
 * Reads the secrets and filters of webhooks.
 * @param formats the formats of webhooks that are not Standard Webhooks
 * @throws Error that names the webhook
 */
export const openWebhooks = (configs: readonly WebhookConfig[], formats: WebhookFormats): Promise<Webhook[]> =>
  Promise.all(
    configs.map(async (config, index) => {
      try {
        const key = signingKey(config.secret ?? '')
        const conditions = config.filter === undefined ? [] : queryConditions({ query: config.filter })
        assertDecidable(config, conditions)
        const data = config.format === 'standard' ? undefined : formats[config.format]
        const roots = await rootsIn(config.authority)
        return { config, maxConcurrent: MAX_CONCURRENT, key, conditions, data, roots }
      } catch (cause) {
        throw new Error(`webhooks[${index}] (${maskUrls(config.url)}): ${(cause as Error).message}`, { cause })
      }
    }),
  )

/** Reads the roots of webhooks of providers. They get no events of the lab. @throws Error that names the webhook */
export const openProviderWebhooks = (configs: readonly ProviderWebhook[]): Promise<Webhook[]> =>
  Promise.all(
    configs.map(async (config) => {
      try {
        const roots = await rootsIn(config.authority)
        // Applications see the events of a message in their order, unless one has to be sent again.
        return {
          config,
          source: config.source,
          maxConcurrent: 1,
          key: signingKey(config.secret ?? ''),
          conditions: [],
          roots,
        }
      } catch (cause) {
        throw new Error(`the webhook ${maskUrls(config.url)} of a provider: ${(cause as Error).message}`, { cause })
      }
    }),
  )

/** Checks that a filter needs nothing that is gone when it is tested: the content of deleted messages. @throws Error */
function assertDecidable({ events, filter }: WebhookConfig, conditions: readonly Condition[]): void {
  if (!events.includes('message.deleted') || conditions.every(({ ofEntry }) => ofEntry)) return
  throw new Error(
    `filter: ${filter} needs the content of messages, which message.deleted no longer has; filter this event by account, folder, newsgroup, captured, tag, is, before, after, larger and smaller, or list it in a webhook of its own`,
  )
}

async function rootsIn(file: string | undefined): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined
  const roots = splitPem((await readUserFile(file)).toString('utf8'))
  if (roots.length === 0) throw new Error(`${file} has no certificate; write the roots of the receiver into it, in PEM`)
  return roots
}

/** Events that every node of a lab sees. The node that sends to the webhooks notes them. All others happen on one node. */
const SEEN_BY_ALL: ReadonlySet<string> = new Set([
  'request.queued',
  'certificate.changed',
  'clock.changed',
  'lab.reset',
])

/**
 * Sends the events of a lab to its webhooks, again until a receiver accepts them or the attempts are used up. Every node notes
 * its events in the store; one node sends them.
 */
export class Webhooks implements WebhookSender {
  readonly #api: Api
  readonly #pending: PendingDeliveries
  #hooks: readonly Webhook[]
  /** Pending and finished deliveries, the oldest first. */
  readonly #deliveries = new Map<string, Delivery>()
  readonly #inFlight = new Map<string, Promise<void>>()
  /** While this node sends. */
  #stop: AbortController | undefined
  readonly #sender = new Sender()
  #systemRoots: readonly string[] | undefined
  readonly #unwatch: () => void
  #timer: NodeJS.Timeout | undefined
  /** Events are read one after the other, so that they are sent in their order. */
  #reading: Promise<void> = Promise.resolve()

  private constructor(api: Api, hooks: readonly Webhook[], report: (error: Error) => void) {
    this.#api = api
    this.#hooks = hooks
    this.#pending = new PendingDeliveries(api.lab.store, report)
    this.#unwatch = api.events.watch((event) => {
      this.#reading = this.#reading.then(() => this.#onEvent(event)).catch(report)
    })
  }

  /** @param report called with errors that no caller waits for */
  static async start(api: Api, hooks: readonly Webhook[], report: (error: Error) => void): Promise<Webhooks> {
    const webhooks = new Webhooks(api, hooks, report)
    api.lab.cluster.lead('webhooks', { run: (signal) => webhooks.#lead(signal), woken: () => webhooks.#onWake(report) })
    return webhooks
  }

  /** Sends what waits, and what comes, until `signal` is aborted. @throws StoreError */
  async #lead(signal: AbortSignal): Promise<void> {
    this.#stop = new AbortController()
    try {
      await this.#load()
      await untilAborted(signal)
    } finally {
      clearTimeout(this.#timer)
      await this.#reading
      this.#stop.abort()
      this.#stop = undefined
      await Promise.all(this.#inFlight.values())
      await this.#pending.settled
      for (const one of this.#deliveries.values()) if (one.state === 'pending') this.#deliveries.delete(one.id)
    }
  }

  /** Takes up the deliveries that the store has. @throws StoreError */
  async #load(): Promise<void> {
    for (const delivery of await this.#pending.load())
      if (!this.#deliveries.has(delivery.id)) this.#deliveries.set(delivery.id, delivery)
    this.#dropUnknown()
    this.#run()
  }

  #onWake(report: (error: Error) => void): void {
    this.#load().catch(report)
  }

  /** Uses other webhooks, after a reload. Deliveries to URLs that are no longer listed are given up. */
  use(hooks: readonly Webhook[]): void {
    this.#hooks = hooks
    this.#dropUnknown()
    this.#run()
  }

  async reset(): Promise<void> {
    await this.#reading
    for (const one of this.#deliveries.values()) if (one.state === 'pending') this.#finish(one, 'failed', DELETED)
    this.#deliveries.clear()
  }

  get hooks(): readonly Webhook[] {
    return this.#hooks
  }

  deliveries(): Delivery[] {
    return [...this.#deliveries.values()].reverse()
  }

  async test(url: string): Promise<Delivery | undefined> {
    const hook = this.#hooks.find(({ config }) => [config.url, maskUrls(config.url)].includes(url))
    if (!hook) return undefined
    const event = { name: 'webhook.test', at: systemClock.now() }
    const body = JSON.stringify(standardBody(event, {}))
    const source = hook.source === undefined ? {} : { source: hook.source }
    const delivery = await this.#enqueue(hook.config.url, { event: event.name, body, ...source })
    this.#run()
    await this.#inFlight.get(delivery.id)
    return delivery
  }

  async #onEvent(event: LabEvent): Promise<void> {
    if (event.isRemote || (SEEN_BY_ALL.has(event.name) && !this.#stop)) return
    for (const { config, conditions, data: format } of this.#hooks) {
      if (!config.events.some((name) => name === event.name)) continue
      if (conditions.length > 0 && !(await this.#meets(event, conditions))) continue
      const data = format ? await format(this.#api, event) : await eventData(this.#api, SEES_ALL, event)
      const body = data && JSON.stringify(format ? data : standardBody(event, data))
      if (body !== undefined) await this.#enqueue(config.url, { event: event.name, body })
    }
    this.#run()
  }

  async #meets({ message }: LabEvent, conditions: readonly Condition[]): Promise<boolean> {
    // The message as it was at the event: by now it may be deleted.
    if (!message?.entry) return false
    return matcherOf(this.#api.reader, conditions)({ ...message, entry: message.entry, order: 0 })
  }

  async ask(url: string, source: string, query: string): Promise<Attempt | undefined> {
    const hook = this.#hooks.find((one) => one.config.url === url && one.source === source)
    if (!hook) return undefined
    const target = `${url}${url.includes('?') ? '&' : '?'}${query}`
    const headers = { 'Content-Type': 'text/plain; charset=utf-8' }
    const request = newDelivery(target, { event: 'question', body: '', headers, sign: 'none' })
    const { config, key, roots = this.#defaultRoots() } = hook
    const options = { key, roots: () => roots, timeoutMs: config.timeout }
    return this.#sender.send(request, options, new AbortController().signal)
  }

  async post(url: string, { delayMs, sign = 'none', ...post }: WebhookPost): Promise<void> {
    await this.#enqueue(url, { ...post, sign }, delayMs)
    this.#run()
  }

  async #enqueue(url: string, request: Omit<WebhookPost, 'delayMs'>, delayMs = 0): Promise<Delivery> {
    const delivery = newDelivery(url, request, delayMs)
    const isWritten = this.#pending.put(delivery)
    if (this.#stop) this.#deliveries.set(delivery.id, delivery)
    else {
      await isWritten
      this.#api.lab.cluster.wake('webhooks')
    }
    return delivery
  }

  #pendingOf(hook: Webhook): Delivery[] {
    return [...this.#deliveries.values()].filter((one) => one.state === 'pending' && isFor(hook, one))
  }

  /** Gives up what no webhook of the configuration takes, and the oldest of what is too much. */
  #dropUnknown(): void {
    if (!this.#stop) return
    for (const one of this.#deliveries.values()) {
      const isKnown = this.#hooks.some((hook) => isFor(hook, one))
      if (one.state === 'pending' && !isKnown) this.#finish(one, 'failed', NOT_LISTED)
    }
  }

  /** Starts every attempt that is due, and a timer for the next one. */
  #run(): void {
    const signal = this.#stop?.signal
    if (!signal) return
    clearTimeout(this.#timer)
    const now = systemClock.now()
    let next = Number.POSITIVE_INFINITY
    for (const hook of this.#hooks) {
      const waiting = this.#pendingOf(hook)
      for (const one of waiting.splice(0, Math.max(0, waiting.length - MAX_PENDING)))
        this.#finish(one, 'failed', QUEUE_FULL)
      let running = waiting.filter(({ id }) => this.#inFlight.has(id)).length
      for (const one of waiting) {
        if (this.#inFlight.has(one.id) || running >= hook.maxConcurrent) continue
        if (one.nextAttemptAt > now) next = Math.min(next, one.nextAttemptAt)
        else {
          running++
          this.#inFlight.set(one.id, this.#attempt(one, hook, signal))
        }
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#run(), next - now).unref()
  }

  async #attempt(
    delivery: Delivery,
    { config: { retries, timeout }, key, roots }: Webhook,
    signal: AbortSignal,
  ): Promise<void> {
    const trusted = (): readonly string[] => roots ?? this.#defaultRoots()
    const attempt = await this.#sender.send(delivery, { key, roots: trusted, timeoutMs: timeout }, signal)
    this.#inFlight.delete(delivery.id)
    // An attempt that the stop has ended is made again after the restart. A reload may have given it up meanwhile.
    if (signal.aborted || delivery.state !== 'pending') return
    this.#record(delivery, attempt, retries)
    this.#run()
  }

  /** Returns the roots of the lab, as they are now, and of the system. */
  #defaultRoots(): readonly string[] {
    this.#systemRoots ??= systemRoots()
    return [this.#api.lab.certificateStore.rootPem, ...this.#systemRoots]
  }

  #record(delivery: Delivery, attempt: Attempt, retries: readonly number[]): void {
    const { status, error, retryAfterMs = 0, isGone = false } = attempt
    const pause = retries[delivery.attempts]
    delivery.attempts++
    if (status === undefined) delete delivery.status
    else delivery.status = status
    if (error === undefined) return this.#finish(delivery, 'delivered')
    if (pause === undefined || isGone) return this.#finish(delivery, 'failed', error)
    delivery.error = error
    delivery.nextAttemptAt = systemClock.now() + Math.max(pause, retryAfterMs)
    void this.#pending.put(delivery)
  }

  #finish(delivery: Delivery, state: 'delivered' | 'failed', error?: string): void {
    delivery.state = state
    delivery.finishedAt = systemClock.now()
    if (error === undefined) delete delivery.error
    else delivery.error = error
    this.#pending.remove(delivery.id)
    const finished = [...this.#deliveries.values()].filter((one) => one.state !== 'pending')
    for (const { id } of finished.slice(0, Math.max(0, finished.length - MAX_FINISHED))) this.#deliveries.delete(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    await this.#reading
    this.#sender.close()
    await this.#pending.settled
  }
}

function newDelivery(url: string, request: Omit<WebhookPost, 'delayMs'>, delayMs = 0): Delivery {
  const now = systemClock.now()
  const id = `msg_${randomUUID().replaceAll('-', '')}`
  return { id, url, ...request, state: 'pending', attempts: 0, createdAt: now, nextAttemptAt: now + delayMs }
}

const isFor = ({ config, source }: Webhook, delivery: Delivery): boolean =>
  config.url === delivery.url && source === delivery.source

const standardBody = ({ name, at }: { readonly name: string; readonly at: number }, data: object): object => ({
  type: name,
  timestamp: timeText(at),
  data,
})

const QUEUE_FULL = `given up: ${MAX_PENDING} newer events wait for this webhook`
const DELETED = 'given up: the lab was reset'
const NOT_LISTED = 'given up: the configuration no longer lists this URL'
