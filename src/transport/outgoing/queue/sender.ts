import type { Logger } from 'pino'
import { connector as connectorSchema } from '../../../core/config/schema/connector.ts'
import type { Clock } from '../../../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { ConnectorRules } from '../connectors.ts'
import type { QueueEvent, RecipientResult, Reports, ResolvedConnector } from '../types.ts'
import { Agenda } from './agenda.ts'
import { Alarm } from './alarm.ts'
import { attemptItem, type Sending } from './attempt.ts'
import type { Destination } from './destinations.ts'
import { failures, type Item, results } from './item.ts'
import { sentOctets } from './octets.ts'
import { Records } from './records.ts'
import { Reporter } from './reporter.ts'
import { givesUpAt, nextAttempt, SendingRates, warnsAt } from './times.ts'

interface SenderOptions extends Sending {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  readonly rules: () => ConnectorRules
  readonly reports: Reports
  readonly folderId: () => string | undefined
  readonly random: () => number
  readonly emit: (type: QueueEvent['type'], item: Item, results?: readonly RecipientResult[]) => void
}

/** Attempts of all destinations together. */
const MAX_IN_FLIGHT = 100
/** Pause after the store could not write what became of a message. */
const STORE_PAUSE_MS = 60_000
/** How long attempts may go on when the lab stops. */
const GRACE_MS = 1500

/** Delivers scheduled messages to the accounts of the lab. */
const OWN = connectorSchema.parse({ name: 'Scheduled mail', when: 'automatic', route: 'dns' }) as ResolvedConnector

/** Returns the connector that sends a message; undefined if the configuration no longer has it. */
export const connectorOf = ({ connectors }: ConnectorRules, { transport }: Item): ResolvedConnector | undefined =>
  transport.scheduled ? OWN : connectors.find(({ name }) => name === transport.connector)

/** Returns why a message waits for a change of the configuration; undefined if it does not. */
export function whyStopped(rules: ConnectorRules, item: Item): string | undefined {
  const connector = connectorOf(rules, item)
  if (!connector) return `the configuration has no connector ${item.transport.connector}`
  return connector.when === 'never' ? `the connector ${connector.name} sends no mail (when: never)` : undefined
}

/** Decides which queued message is sent when, and writes down what became of it. */
export class Sender {
  readonly #options: SenderOptions
  readonly #records: Records
  readonly #reporter: Reporter
  readonly #rates = new SendingRates()
  readonly #sending = new Set<Item>()
  readonly #running = new Set<Promise<void>>()
  readonly #alarm: Alarm
  readonly #agenda: Agenda
  #isClosed = false

  constructor(options: SenderOptions) {
    this.#options = options
    this.#records = new Records(options)
    this.#reporter = new Reporter(options, this.#records)
    this.#alarm = new Alarm(options.clock, () => this.#look())
    this.#agenda = new Agenda(this.#alarm, (item) => this.#dueAt(item))
  }

  add(item: Item): void {
    if (!item.isSaved) this.#options.emit('queued', item)
    this.#agenda.add(item)
  }

  /** Forgets a message that the store has deleted. */
  remove(item: Item): void {
    this.#agenda.remove(item)
    item.isGone = true
    item.ending ??= 'deleted'
    item.sending?.controller.abort()
    this.#options.emit(item.ending, item, item.ending === 'deleted' ? undefined : results(item))
    if (item.isSaved) this.forget([item.uid])
  }

  /** Removes the states of messages that the store has deleted. */
  forget(uids: readonly number[]): void {
    if (uids.length > 0) this.#run(this.#records.remove(uids))
  }

  /** Looks at all messages again. */
  wake(): void {
    this.#look()
  }

  async flush(items: readonly Item[]): Promise<number> {
    const now = this.#options.clock.now()
    const held = items.filter(({ state }) => state.isHeld)
    for (const item of items) {
      // A scheduled message that was held keeps its time.
      const nextAttemptAt = item.state.isHeld ? Math.max(now, item.transport.scheduled?.at ?? now) : now
      item.state = { ...item.state, isHeld: undefined, nextAttemptAt }
    }
    await this.#records.save(held)
    for (const item of items) this.#agenda.add(item)
    this.#look()
    return items.length
  }

  async hold(items: readonly Item[]): Promise<number> {
    for (const item of items) {
      item.state = { ...item.state, isHeld: true }
      this.#agenda.remove(item)
    }
    await this.#records.save(items)
    for (const item of items) this.#options.emit('held', item)
    return items.length
  }

  delete(items: readonly Item[]): Promise<number> {
    return this.#interrupt(items, async (left) => {
      for (const item of left) item.ending = 'deleted'
      try {
        await this.#records.expunge(left)
      } catch (err) {
        for (const item of left) if (!item.isGone) item.ending = undefined
        throw err
      }
    })
  }

  bounce(items: readonly Item[]): Promise<number> {
    return this.#interrupt(items, async (left) => {
      for (const item of left) {
        const text = item.unreported('deferred')[0]?.text
        const why = text === undefined ? GIVEN_UP : `${GIVEN_UP} (last reply: ${text})`
        item.take(failures(item, { enhancedCode: '5.0.0', text: why }), this.#options.clock.now())
        await this.#finish(item)
      }
    })
  }

  /** Begins no further attempt, and resolves when none is under way. @param hasTime whether they may go on for a while */
  async end(hasTime: boolean): Promise<void> {
    this.#isClosed = true
    this.#alarm.clear()
    if (hasTime) {
      let grace: NodeJS.Timeout | undefined
      const over = new Promise<void>((resolve) => {
        grace = setTimeout(resolve, GRACE_MS)
      })
      await Promise.race([Promise.allSettled(this.#running), over])
      clearTimeout(grace)
    }
    for (const item of this.#sending) item.sending?.controller.abort()
    await Promise.allSettled(this.#running)
  }

  /**
   * Ends the attempts of messages, and lets no other begin before `work` has ended. What hosts have acknowledged by then
   * counts. Returns how many messages were left for `work`.
   */
  async #interrupt(items: readonly Item[], work: (left: readonly Item[]) => Promise<void>): Promise<number> {
    for (const item of items) {
      this.#agenda.claim(item)
      item.sending?.controller.abort()
    }
    try {
      await Promise.allSettled(items.map(({ sending }) => sending?.ended))
      const left = items.filter(({ ending }) => ending === undefined)
      await work(left)
      return left.length
    } finally {
      for (const item of items) this.#agenda.release(item)
    }
  }

  /** Returns when something is to be done with a message that waits. */
  #dueAt(item: Item): number {
    const { nextAttemptAt = 0 } = item.state
    const connector = connectorOf(this.#options.rules(), item)
    return Math.min(nextAttemptAt, (connector && warnsAt(item, connector.schedule)) ?? nextAttemptAt)
  }

  /** Plans every message whose time has come, and sends what may be sent. */
  #look(): void {
    this.#alarm.clear()
    if (this.#isClosed) return
    const now = this.#options.clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const item of this.#agenda.waiting) {
      if ((item.state.nextAttemptAt ?? 0) <= now) {
        this.#agenda.waiting.delete(item)
        if (item.pending.length > 0) this.#agenda.destinations.add(item)
        else this.#run(this.#finish(item))
      } else {
        if (this.#dueAt(item) <= now) this.#run(this.#warn(item))
        next = Math.min(next, this.#dueAt(item))
      }
    }
    this.#alarm.set(next)
    for (const destination of this.#agenda.destinations.all) this.#sendTo(destination)
  }

  #sendTo(destination: Destination): void {
    for (const item of destination.ready) {
      const connector = connectorOf(this.#options.rules(), item)
      if (this.#isClosed || !connector || whyStopped(this.#options.rules(), item) !== undefined) return
      const { connections } = connector.schedule
      if (
        this.#agenda.destinations.inFlight >= MAX_IN_FLIGHT ||
        (connections !== 'off' && destination.inFlight >= connections)
      )
        return
      const now = this.#options.clock.now()
      const at = this.#rates.take(connector.name, connector.schedule, now)
      if (at > now) return this.#alarm.set(at)
      this.#send(item, destination, connector)
    }
  }

  #send(item: Item, destination: Destination, connector: ResolvedConnector): void {
    const end = this.#agenda.destinations.begin(destination, item)
    this.#agenda.claim(item)
    const controller = new AbortController()
    this.#sending.add(item)
    const ended = this.#attempt(item, connector, controller.signal).finally(() => {
      item.sending = undefined
      this.#sending.delete(item)
      const wasFull = this.#agenda.destinations.inFlight >= MAX_IN_FLIGHT
      end()
      this.#agenda.release(item)
      for (const one of wasFull ? this.#agenda.destinations.all : [destination]) this.#sendTo(one)
    })
    item.sending = { controller, ended, isAnswered: false }
    this.#run(ended)
    this.#options.emit('attempted', item)
  }

  async #attempt(item: Item, connector: ResolvedConnector, signal: AbortSignal): Promise<void> {
    const { store, clock, log, folderId } = this.#options
    let found: Awaited<ReturnType<typeof attemptItem>>
    try {
      const octets = await sentOctets(store, folderId() ?? '', item)
      found = await attemptItem(item, connector, octets, this.#options, signal)
    } catch (err) {
      if (item.isGone) return
      log.error({ err, queued: item.id, connector: connector.name }, 'a message could not be sent')
      found = {
        recipients: item.pending.map(({ address }) => ({ address, kind: 'deferred', text: (err as Error).message })),
      }
    }
    if (item.sending) item.sending.isAnswered = true
    const isInterrupted = signal.aborted
    const attempts = item.state.attempts + (isInterrupted ? 0 : 1)
    item.state = { ...item.state, attempts, lastSession: found.session ?? item.state.lastSession }
    const now = clock.now()
    if (!isInterrupted || found.recipients.some(({ kind }) => kind !== 'deferred')) item.take(found.recipients, now)
    if (item.ending !== undefined) return // the folder was deleted
    const isOver = !isInterrupted && now >= givesUpAt(item, connector.schedule)
    if (isOver) item.take(failures(item, { enhancedCode: '4.4.7' }), now)
    if (item.pending.length === 0) return this.#finish(item)
    await this.#defer(item, connector, isInterrupted ? now : undefined)
  }

  /** @param at when the next attempt is; default: after a pause */
  async #defer(item: Item, { schedule }: ResolvedConnector, at: number | undefined): Promise<void> {
    const { clock, random, emit, log } = this.#options
    const now = clock.now()
    item.state = { ...item.state, nextAttemptAt: at ?? nextAttempt(item, schedule, now, random) }
    await this.#records.save([item])
    try {
      await this.#reporter.final(item)
      if ((warnsAt(item, schedule) ?? Number.POSITIVE_INFINITY) <= now) await this.#warn(item)
    } catch (err) {
      // The next attempt reports again.
      log.error({ err, queued: item.id }, 'no report was sent about a queued message')
    }
    if (item.ending === undefined) emit('deferred', item, results(item))
  }

  /** Reports what became of a message, and removes it. */
  async #finish(item: Item): Promise<void> {
    if (item.ending !== undefined) return
    item.ending = results(item).some(({ kind }) => kind === 'failed') ? 'failed' : 'sent'
    try {
      await this.#reporter.final(item)
      await this.#records.expunge([item])
    } catch (err) {
      if (item.isGone) return
      item.ending = undefined
      this.#options.log.error({ err, queued: item.id }, 'the store could not remove a message that was sent')
      item.state = { ...item.state, nextAttemptAt: this.#options.clock.now() + STORE_PAUSE_MS }
      this.#agenda.add(item)
    }
  }

  #warn(item: Item): Promise<void> {
    const connector = connectorOf(this.#options.rules(), item)
    return this.#reporter.delay(item, connector && givesUpAt(item, connector.schedule))
  }

  /** Runs work that the stop of the lab waits for. */
  #run(work: Promise<void>): void {
    const { log } = this.#options
    const running = work
      .catch((err) => log.error({ err }, 'the queue of outgoing mail failed'))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

const GIVEN_UP = 'the administrator of the lab gave up the message'
