import type { Lab } from '../lab/lab.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { Arrival, Arrivals } from './arrivals.ts'
import { factsOf, LabMessage, type MessageFilter, matches } from './message.ts'

/** Limits of a wait. */
export interface WaitOptions {
  /** Milliseconds; default 5,000. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MS = 5_000

/** Lists the delivered messages of a lab and waits for new ones. Store events wake the waits; nothing polls. */
export class DeliveredMail {
  readonly #arrivals: Arrivals
  readonly #lab: Pick<Lab, 'store' | 'sessionLog' | 'directory'>
  /** Arrivals that no wait may return again. */
  #seen = new WeakSet<Arrival>()
  /** Messages that a wait has returned. A wait without a recipient does not return a copy for another recipient. */
  #seenBlobs = new Set<string>()

  constructor(arrivals: Arrivals, lab: Pick<Lab, 'store' | 'sessionLog' | 'directory'>) {
    this.#arrivals = arrivals
    this.#lab = lab
  }

  /** Returns the delivered messages in order of arrival. A message to several recipients is listed once. */
  async list(filter: MessageFilter = {}): Promise<LabMessage[]> {
    const found = new Map<string, LabMessage>()
    for (const arrival of this.#arrivals.list()) {
      if (found.has(arrival.entry.blob)) continue
      const message = await this.#load(arrival)
      if (message && matches(message, filter)) found.set(arrival.entry.blob, message)
    }
    return [...found.values()]
  }

  /**
   * Resolves with the first message that matches and that no wait has returned yet. It may have arrived before the call.
   * @throws WaitTimeout; the signal's reason if aborted; an Error if the lab is stopped
   */
  wait(filter: MessageFilter, options: WaitOptions = {}): Promise<LabMessage> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options
    return new Promise((resolve, reject) => {
      let settled = false
      const settle = (finish: () => void): void => {
        if (settled) return
        settled = true
        unwatch()
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        finish()
      }
      const onAbort = (): void => settle(() => reject(signal?.reason))
      const examine = async (arrival: Arrival): Promise<void> => {
        const message = await this.#load(arrival)
        if (settled || !message || this.#wasSeen(arrival, filter) || !matches(message, filter)) return
        this.#markSeen(arrival, filter)
        settle(() => resolve(message))
      }
      // Arrivals are examined one at a time, so that the first match is the one returned.
      let examined: Promise<void> = Promise.resolve()
      const enqueue = (arrival: Arrival): void => {
        examined = examined.then(() => examine(arrival)).catch((error: Error) => settle(() => reject(error)))
      }
      const onClose = (): void => settle(() => reject(new Error('the lab was stopped during a wait for a message')))
      const unwatch = this.#arrivals.watch(enqueue, onClose)
      const timer = setTimeout(() => {
        this.list().then(
          (messages) => settle(() => reject(new WaitTimeout(filter, timeout, messages, this.#lab.sessionLog.list()))),
          (error: Error) => settle(() => reject(error)),
        )
      }, timeout)
      signal?.addEventListener('abort', onAbort)
      if (signal?.aborted) onAbort()
      for (const arrival of this.#arrivals.list()) enqueue(arrival)
    })
  }

  clear(): void {
    this.#arrivals.clear()
    this.#seen = new WeakSet()
    this.#seenBlobs = new Set()
  }

  #wasSeen(arrival: Arrival, filter: MessageFilter): boolean {
    return this.#seen.has(arrival) || (filter.to === undefined && this.#seenBlobs.has(arrival.entry.blob))
  }

  #markSeen(arrival: Arrival, filter: MessageFilter): void {
    this.#seen.add(arrival)
    this.#seenBlobs.add(arrival.entry.blob)
    if (filter.to !== undefined) return
    for (const copy of this.#arrivals.list()) if (copy.entry.blob === arrival.entry.blob) this.#seen.add(copy)
  }

  async #load(arrival: Arrival): Promise<LabMessage | undefined> {
    const { store, sessionLog, directory } = this.#lab
    const raw = await store.read(arrival.folder.id, arrival.entry.uid)
    const session = arrival.entry.envelope?.session
    const record = session === undefined ? undefined : sessionLog.get(session)
    return raw && new LabMessage(raw, factsOf(arrival, directory, record))
  }
}

/** Thrown if no message matches in time. Lists the messages that arrived, and the sessions with their refusals. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout'
  constructor(
    filter: MessageFilter,
    timeoutMs: number,
    messages: readonly LabMessage[],
    sessions: readonly SessionRecord[],
  ) {
    super(
      [
        `no message with ${describeFilter(filter)} within ${timeoutMs} ms`,
        ...section('messages that arrived', messages.map(describeMessage)),
        ...section('sessions', sessions.map(describeSession)),
      ].join('\n'),
    )
  }
}

/** Longer lists show their latest lines only. */
const MAX_LINES = 20

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [`${title}: none`]
  const omitted = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} earlier`] : []
  return [`${title}:`, ...omitted, ...lines.slice(-MAX_LINES).map((line) => `  ${line}`)]
}

const patternText = (value: string | RegExp): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value)

function describeFilter(filter: MessageFilter): string {
  const conditions = (['to', 'from', 'subject', 'text', 'folder'] as const).flatMap((key) => {
    const value = filter[key]
    return value === undefined ? [] : [`${key} ${patternText(value)}`]
  })
  if (filter.matches) conditions.push('a `matches` function')
  return conditions.length === 0 ? 'any content' : conditions.join(', ')
}

function describeMessage({ envelope, subject }: LabMessage): string {
  const title = subject === '' ? '(no subject)' : JSON.stringify(subject)
  return `from <${envelope.from}> to <${envelope.to.join('>, <')}>: ${title}`
}

function describeSession({ id, user, tls, refusals, endCause }: SessionRecord): string {
  const channel = tls ? `${tls.version} ${tls.cipher}` : 'clear text'
  const refused = refusals.length === 0 ? '' : `; refused: ${refusals.join('; ')}`
  return `${id} ${user ?? 'not logged on'}, ${channel}, ${endCause ?? 'open'}${refused}`
}
