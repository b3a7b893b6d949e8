import type { SessionRecord } from '../../core/sessions/types.ts'
import { Call } from '../calls/call.ts'
import type { WaitOptions } from '../waits/wait.ts'
import type { Arrivals } from './arrivals.ts'
import { DeliveredMail } from './delivered-mail.ts'
import {
  BufferedEvents,
  checkEvent,
  type EventOptions,
  type EventSources,
  type EventStream,
  type LabEvents,
  type Listen,
  type Subscription,
  subscribe,
} from './events.ts'
import type { MessageFilter } from './filter.ts'
import type { LabMessage } from './message.ts'
import { assertNothingSent } from './nothing-sent.ts'
import { everything, type Scope, type Watched } from './scope.ts'
import { type SessionFilter, WatchedSessions } from './sessions.ts'

/** A filter for messages. A string is short for `{ to: … }`. */
export type MessageQuery = MessageFilter | string
/** The arguments of a wait. Not optional parameters, so that a filter that is undefined differs from one that is left out. */
export type MessageArguments = [filter?: MessageQuery, options?: WaitOptions]
/** A filter for sessions. A string is short for `{ user: … }`. */
export type SessionQuery = SessionFilter | string

/** A lab or a tenant, as a place where mail arrives: what tests wait for, look at and listen to. */
export abstract class Receiver {
  readonly #mail: DeliveredMail
  readonly #sessions: WatchedSessions
  readonly #arrivals: Arrivals

  constructor(arrivals: Arrivals, lab: Watched, scope: Scope = everything) {
    this.#mail = new DeliveredMail(arrivals, lab, scope)
    this.#sessions = new WatchedSessions(lab.sessionLog, scope)
    this.#arrivals = arrivals
  }

  /**
   * Resolves with the first delivered message that matches and that no wait has returned yet. It may have arrived before
   * the call.
   * @throws WaitTimeout, which lists the messages that did arrive, and how they differ; TypeError for a wrong filter
   */
  async waitForMessage(...rest: MessageArguments): Promise<LabMessage> {
    const call = new Call('waitForMessage', Receiver.prototype.waitForMessage)
    const [message] = await this.#mail.take(call, 1, this.#filter(call, rest), rest[1])
    return message as LabMessage
  }

  /**
   * Resolves with the first `count` messages that match and that no wait has returned yet, in order of arrival.
   * @throws WaitTimeout if fewer arrive; then later waits can still return them
   */
  async waitForMessages(count: number, ...rest: MessageArguments): Promise<LabMessage[]> {
    const call = new Call('waitForMessages', Receiver.prototype.waitForMessages)
    if (!Number.isInteger(count) || count < 1) {
      throw call.mistake(
        `count is ${JSON.stringify(count) ?? count}; must be a whole number from 1 up. Use assertNothingSent to check for none`,
      )
    }
    return this.#mail.take(call, count, this.#filter(call, rest), rest[1])
  }

  /**
   * Resolves with the first delivered message that matches, whether or not a wait has returned it. `waitForMessage` can
   * still return it.
   * @throws WaitTimeout, which lists the messages that did arrive, and how they differ; TypeError for a wrong filter
   */
  async receives(...rest: MessageArguments): Promise<LabMessage> {
    const call = new Call('receives', Receiver.prototype.receives)
    return this.#mail.peek(call, this.#filter(call, rest), rest[1])
  }

  /** Returns the delivered messages that match, in order of arrival. A message to several recipients is listed once. */
  async messages(...rest: [filter?: MessageQuery]): Promise<LabMessage[]> {
    return this.#mail.list(this.#filter(new Call('messages', Receiver.prototype.messages), rest))
  }

  /**
   * Resolves with the oldest session that matches, as soon as one does; it may be open, or have ended before the call.
   * @throws WaitTimeout, which lists the sessions; TypeError for a wrong filter
   */
  async waitForSession(...rest: [filter?: SessionQuery, options?: WaitOptions]): Promise<SessionRecord> {
    const call = new Call('waitForSession', Receiver.prototype.waitForSession)
    const filter = call.optional<SessionQuery>(rest, {}, 'filter')
    const wanted = typeof filter === 'string' ? { user: filter } : filter
    call.check('sessionFilter', wanted, 'filter')
    const { user } = wanted
    return this.#sessions.wait(
      call,
      typeof user === 'string' ? { ...wanted, user: this.user(user) } : wanted,
      rest[1],
      this.#arrivals,
    )
  }

  /** Returns every recorded connection, oldest first, including open ones and failed handshakes. */
  sessions(): readonly SessionRecord[] {
    return this.#sessions.list()
  }

  /**
   * Checks that no mail was sent since the start or the last reset, and that no client is about to send some. It waits until
   * the lab is settled: everything that had reached its ports is processed, and every SMTP session has ended, or has
   * finished a message and begun no other. Mail that was refused counts as sent, unless there is a filter.
   * @throws SomethingSent, which lists the messages; WaitTimeout if a client stays connected without sending
   */
  async assertNothingSent(...rest: MessageArguments): Promise<void> {
    const call = new Call('assertNothingSent', Receiver.prototype.assertNothingSent)
    await assertNothingSent(call, { mail: this.#mail, sessions: this.#sessions }, this.#filter(call, rest), rest[1])
  }

  /** Returns the events from now on: `for await (const mail of lab.on('message')) …`. They wait until they are read. */
  on<E extends keyof LabEvents>(event: E, options?: EventOptions): EventStream<LabEvents[E]>
  /** Calls a listener at each event from now on. What it throws is an uncaught exception, which test runners report. */
  on<E extends keyof LabEvents>(event: E, listener: (value: LabEvents[E]) => void, options?: EventOptions): Subscription
  on<E extends keyof LabEvents>(
    event: E,
    listenerOrOptions: ((value: LabEvents[E]) => void) | EventOptions = {},
    listenerOptions: EventOptions = {},
  ): Subscription {
    const call = new Call('on', Receiver.prototype.on)
    const sources = this.#sources
    const options = typeof listenerOrOptions === 'function' ? listenerOptions : listenerOrOptions
    checkEvent(call, event, sources, options)
    const listen: Listen<LabEvents[E]> = sources[event]
    return typeof listenerOrOptions === 'function'
      ? subscribe(listen, listenerOrOptions, options)
      : new BufferedEvents(listen, options)
  }

  /** Returns the log-on name of an account. */
  abstract user(name: string): string

  /** Returns a filter as it applies to the whole lab. @throws the mistake if the filter can never match */
  protected abstract resolveFilter(filter: MessageFilter, call: Call): MessageFilter

  /** Forgets which messages waits have returned. */
  protected forgetMessages(): void {
    this.#mail.clear()
  }

  #filter(call: Call, rest: MessageArguments): MessageFilter {
    const query = call.optional<MessageQuery>(rest, {}, 'filter')
    const filter = typeof query === 'string' ? { to: query } : query
    call.check('filter', filter, 'filter')
    return this.resolveFilter(filter, call)
  }

  get #sources(): EventSources {
    const untilStopped =
      <T>(start: (listener: (value: T) => void, onError: (error: unknown) => void) => () => void): Listen<T> =>
      (listener, onError, onClose) => {
        const ends = [start(listener, onError), this.#arrivals.onClosed(onClose)]
        return () => {
          for (const end of ends) end()
        }
      }
    return {
      message: untilStopped((listener, onError) => this.#mail.watch(listener, onError)),
      session: untilStopped((listener) => this.#sessions.watchEnds(listener)),
      refusal: untilStopped((listener) => this.#sessions.watchRefusals(listener)),
    }
  }
}
