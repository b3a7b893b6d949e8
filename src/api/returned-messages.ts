import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'
import type { SharedMap, SharedValues } from '../core/values/shared-values.ts'
import type { MessageIndex } from './messages/message-index.ts'

const NAME = 'returned-messages'

/** Nodes forget deleted messages at different times, so that usually one of them does it for all. */
const FORGET_MS = { from: 2_000, to: 20_000 }

/**
 * The messages that waits have returned, by the caller's view: another wait of the same view, on any node of the lab, does
 * not return them again.
 */
export class ReturnedMessages {
  readonly #values: SharedValues
  readonly #claims: SharedMap<true>
  /** The keys of the claims of each message. */
  readonly #keys = new Map<string, Set<string>>()
  readonly #unwatch: readonly (() => void)[]
  readonly #deleted = new Set<string>()
  readonly #report: (error: unknown) => void
  /** By view. */
  #readers = new Map<string, object>()
  #timer: NodeJS.Timeout | undefined

  /** @param report called with errors that no caller waits for */
  constructor(values: SharedValues, index: MessageIndex, report: (error: unknown) => void) {
    this.#values = values
    this.#report = report
    this.#claims = values.map(NAME)
    for (const [key] of this.#claims.entries()) this.#note(key)
    this.#unwatch = [
      this.#claims.watch(({ key, value }) => {
        if (value) return this.#note(key)
        this.#keys.delete(messageOf(key))
        this.#readers = new Map()
      }),
      index.watch(({ type, message: { id } }) => {
        if (type === 'deleted' && this.#keys.has(id)) this.#forgetLater(id)
      }),
    ]
  }

  /** Returns the `NamedLists` reader of a view. It is replaced when waits may return old messages again. */
  readerOf(view: string): object {
    const reader = this.#readers.get(view) ?? {}
    this.#readers.set(view, reader)
    return reader
  }

  has(view: string, message: string): boolean {
    return this.#claims.has(returnKey(view, message))
  }

  /** Returns whether no other wait of this view has returned the message. */
  claim(view: string, message: string): Promise<boolean> {
    return this.#claims.claim(returnKey(view, message), true)
  }

  /** Lets waits return all messages again. */
  static forget(values: SharedValues): Promise<void> {
    return values.map(NAME).clear()
  }

  close(): void {
    for (const unwatch of this.#unwatch) unwatch()
    clearTimeout(this.#timer)
  }

  #note(key: string): void {
    const id = messageOf(key)
    this.#keys.set(id, (this.#keys.get(id) ?? new Set()).add(key))
  }

  #forgetLater(id: string): void {
    this.#deleted.add(id)
    const { from, to } = FORGET_MS
    const pause = this.#values.isShared ? from + Math.random() * (to - from) : 0
    this.#timer ??= setTimeout(() => void this.#forget().catch(this.#report), pause).unref()
  }

  async #forget(): Promise<void> {
    const ids = [...this.#deleted]
    this.#deleted.clear()
    this.#timer = undefined
    for (const id of ids) for (const key of this.#keys.get(id) ?? []) await this.#claims.delete(key)
  }
}

const returnKey = (view: string, message: string): string => JSON.stringify([message, view])
const messageOf = (key: string): string => (JSON.parse(key) as readonly [string])[0]
