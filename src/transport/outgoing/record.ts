import type { OutgoingQueue, QueueEntry } from './types.ts'

/** The results of an attempt to send a message. */
export const outcomeKinds = ['sent', 'deferred', 'failed'] as const
export type OutcomeKind = (typeof outcomeKinds)[number]

/** The outcome of an attempt, with the message as it was then. */
export interface Outcome {
  readonly kind: OutcomeKind
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly at: number
  readonly entry: QueueEntry
}

/** The counts of a connector since the start of the lab. */
interface ConnectorRecord {
  /** Messages that were queued for it. */
  readonly queued: number
  /** Attempts by their outcome. */
  readonly sent: number
  readonly deferred: number
  readonly failed: number
  readonly lastSentAt?: number
  /** Why the last attempt that was not successful failed. */
  readonly lastError?: { readonly at: number; readonly text: string; readonly session?: string }
}

const NOTHING: ConnectorRecord = { queued: 0, sent: 0, deferred: 0, failed: 0 }

/** Latest outcomes that are kept. */
const KEPT_OUTCOMES = 1_000

const isOutcome = (type: string): type is OutcomeKind => (outcomeKinds as readonly string[]).includes(type)

/** Counts what each connector has done, and keeps the latest outcomes. */
export class OutgoingRecord implements Disposable {
  readonly #byConnector = new Map<string, ConnectorRecord>()
  readonly #outcomes: Outcome[] = []
  readonly #listeners = new Set<(outcome: Outcome) => void>()
  readonly #now: () => number
  readonly #unwatch: () => void

  /** @param now returns the time of the lab, in milliseconds since the epoch */
  constructor(queue: Pick<OutgoingQueue, 'watch'>, now: () => number) {
    this.#now = now
    this.#unwatch = queue.watch(({ type, entry }) => {
      if (type === 'queued') this.#change(entry, ({ queued }) => ({ queued: queued + 1 }))
      else if (isOutcome(type)) this.#add({ kind: type, at: this.#now(), entry })
    })
  }

  /** Returns what a connector has done. */
  of(connector: string): ConnectorRecord {
    return this.#byConnector.get(connector) ?? NOTHING
  }

  /** The latest outcomes, the oldest first. */
  get outcomes(): readonly Outcome[] {
    return this.#outcomes
  }

  /** Calls `listener` for each further outcome. Returns the function that removes the listener. */
  watch(listener: (outcome: Outcome) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets the outcomes, as a part of `lab.reset()`. The counts stay. */
  clear(): void {
    this.#outcomes.length = 0
  }

  [Symbol.dispose](): void {
    this.#unwatch()
    this.#listeners.clear()
  }

  #add(outcome: Outcome): void {
    const { kind, at, entry } = outcome
    this.#outcomes.push(outcome)
    if (this.#outcomes.length > KEPT_OUTCOMES) this.#outcomes.shift()
    this.#change(entry, (before) => ({
      [kind]: before[kind] + 1,
      ...(kind === 'sent' ? { lastSentAt: at } : { lastError: errorOf(outcome) }),
    }))
    for (const listener of this.#listeners) listener(outcome)
  }

  #change({ connector }: QueueEntry, change: (before: ConnectorRecord) => Partial<ConnectorRecord>): void {
    const before = this.of(connector)
    this.#byConnector.set(connector, { ...before, ...change(before) })
  }
}

/** Returns the reason of a recipient that the attempt did not reach. */
function errorOf({ kind, at, entry: { recipients, lastSession } }: Outcome): NonNullable<ConnectorRecord['lastError']> {
  const refused = recipients.find((one) => one.kind === kind) ?? recipients.find((one) => one.text !== undefined)
  const session = lastSession === undefined ? {} : { session: lastSession }
  return { at, text: refused?.text ?? 'no reason is known', ...session }
}
