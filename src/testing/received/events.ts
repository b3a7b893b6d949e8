import { nearestWord } from '../../core/config/nearest.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Call } from '../calls/call.ts'
import { keepAlive } from '../lab/keep-alive.ts'
import type { LabMessage } from './message.ts'
import type { Refusal } from './sessions.ts'

/** The events of a lab, and what each one carries. */
export interface LabEvents {
  /** A message was delivered. Reported once for a message to several recipients. */
  readonly message: LabMessage
  /** A session has ended. Its record is complete. */
  readonly session: SessionRecord
  /** A server, or a fault in its place, refused a handshake, a log-on, a command or a message. */
  readonly refusal: Refusal
}

/** Options of `lab.on`. */
export interface EventOptions {
  /** Ends the subscription. A loop over it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A listener that was added. Ends with `close`, with `using`, with its signal, or when the lab stops. */
export interface Subscription extends Disposable {
  close(): void
}

/**
 * The events of one kind from the moment of the subscription on, to read with `for await` or `next()`. Events wait until
 * they are read. The loop ends with `break`, with `close`, with its signal, or when the lab stops.
 */
export interface EventStream<T> extends Subscription, AsyncIterableIterator<T> {
  next(): Promise<IteratorResult<T, undefined>>
  return(): Promise<IteratorResult<T, undefined>>
  [Symbol.asyncIterator](): EventStream<T>
}

/** Starts to listen to an event. Returns the function that ends it. */
export type Listen<T> = (
  listener: (value: T) => void,
  onError: (error: unknown) => void,
  onClose: () => void,
) => () => void

/** How to listen to each event. */
export type EventSources = { readonly [E in keyof LabEvents]: Listen<LabEvents[E]> }

/** @throws TypeError if the event does not exist, or the options are wrong */
export function checkEvent(call: Call, event: string, sources: EventSources, options: EventOptions): void {
  if (!Object.hasOwn(sources, event)) {
    const near = nearestWord(event, Object.keys(sources))
    const hint = near === undefined ? `known here: ${Object.keys(sources).join(', ')}` : `did you mean ${near}?`
    throw call.mistake(`no event "${event}"; ${hint}`)
  }
  call.check('eventOptions', options, 'options')
}

/** Adds a listener. What it throws is an uncaught exception, which test runners report. */
export function subscribe<T>(listen: Listen<T>, listener: (value: T) => void, { signal }: EventOptions): Subscription {
  const rethrow = (error: unknown): void =>
    process.nextTick(() => {
      throw error
    })
  const guarded = (value: T): void => {
    try {
      listener(value)
    } catch (error) {
      // Not here: this runs within the server.
      rethrow(error)
    }
  }
  const close = (): void => {
    stop()
    signal?.removeEventListener('abort', close)
  }
  const stop = signal?.aborted ? () => {} : listen(guarded, rethrow, () => close())
  signal?.addEventListener('abort', close)
  return { close, [Symbol.dispose]: close }
}

/** Collects events until they are read. */
export class BufferedEvents<T> implements EventStream<T> {
  readonly #events: T[] = []
  readonly #readers: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[] = []
  readonly #signal: AbortSignal | undefined
  readonly #stop: () => void
  /** Set once no more events come: the error that the next read rejects with, if any. */
  #end: { error?: unknown } | undefined

  constructor(listen: Listen<T>, { signal }: EventOptions) {
    this.#signal = signal
    const stop = listen(
      (value) => this.#push(value),
      (error) => this.#finish({ error }),
      () => this.#finish({}),
    )
    this.#stop = stop
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#events.length > 0) return Promise.resolve({ value: this.#events.shift() as T, done: false })
    if (!this.#end) return this.#wait()
    const { error } = this.#end
    this.#end = {}
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error)
  }

  /** Waits for an event, which keeps the process running. */
  #wait(): Promise<IteratorResult<T, undefined>> {
    const reading = new Promise<IteratorResult<T, undefined>>((resolve, reject) => {
      this.#readers.push({ resolve, reject })
    })
    return reading.finally(keepAlive())
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Ends the subscription and discards unread events. */
  close(): void {
    this.#events.length = 0
    this.#finish({})
  }

  [Symbol.dispose](): void {
    this.close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  readonly #onAbort = (): void => this.#finish({ error: this.#signal?.reason })

  #push(value: T): void {
    const reader = this.#readers.shift()
    if (reader) reader.resolve({ value, done: false })
    else this.#events.push(value)
  }

  #finish(end: { error?: unknown }): void {
    if (this.#end) return
    this.#end = end
    this.#stop()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const [first, ...others] = this.#readers.splice(0)
    if (first && end.error !== undefined) {
      first.reject(end.error)
      this.#end = {}
    } else first?.resolve({ value: undefined, done: true })
    for (const { resolve } of others) resolve({ value: undefined, done: true })
  }
}
