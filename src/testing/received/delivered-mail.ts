import { addressKey } from '../../accounts/directory/names.ts'
import type { UnsubscribeAnswer } from '../../api/messages/unsubscribe.ts'
import { type SmimeResult, smimeOf } from '../../mail/smime/smime.ts'
import type { StoreIndex } from '../../tls/pki/certificate-store/index-file.ts'
import type { Call } from '../calls/call.ts'
import { type WaitOptions, wait } from '../waits/wait.ts'
import {
  arrivedLines,
  type Candidate,
  describeMessage,
  section,
  sessionLines,
  WaitTimeout,
} from '../waits/wait-timeout.ts'
import type { Arrival, Arrivals } from './arrivals.ts'
import { describeFilter, has, type MessageFilter, matchesFilter } from './filter.ts'
import { LabMessage, receivedFacts } from './message.ts'
import { everything, type Scope, type Watched } from './scope.ts'

/** Lists the delivered messages of a lab or tenant and waits for new ones. Store events wake the waits; nothing polls. */
export class DeliveredMail {
  readonly #arrivals: Arrivals
  readonly #lab: Watched
  readonly #scope: Scope
  /** Arrivals that no wait may return again. */
  #seen = new WeakSet<Arrival>()
  /** Messages that a wait has returned. A wait without a recipient does not return a copy for another recipient. */
  #seenBlobs = new Set<string>()
  /** The reader of the lists of arrivals: waits start after the arrivals that none of them may return again. */
  #reader = {}
  /** Messages that several waits look at now. */
  readonly #loading = new Map<Arrival, Promise<LabMessage | undefined>>()
  /** The subjects of messages that were read, so that a wait for another one does not read them again. */
  readonly #subjects = new WeakMap<Arrival, string>()
  /** The certificate store's results for the S/MIME messages that were read. */
  readonly #smime = new WeakMap<Arrival, { readonly index: StoreIndex; readonly smime: SmimeResult }>()

  readonly #unsubscribe = async (message: LabMessage): Promise<UnsubscribeAnswer> => {
    const { unsubscribe } = await import('../../api/messages/unsubscribe.ts')
    return unsubscribe(message, this.#lab)
  }

  constructor(arrivals: Arrivals, lab: Watched, scope: Scope = everything) {
    this.#arrivals = arrivals
    this.#lab = lab
    this.#scope = scope
  }

  /** Returns the delivered messages in order of arrival. A message to several recipients is listed once. */
  async list(filter: MessageFilter = {}): Promise<LabMessage[]> {
    const found = new Map<string, LabMessage>()
    for (const arrival of this.#arrivals.list()) {
      if (found.has(arrival.entry.blob)) continue
      const message = await this.#load(arrival)
      if (message && matchesFilter(message, filter))
        found.set(arrival.entry.blob, await this.#authenticated(message, arrival))
    }
    return [...found.values()]
  }

  /** Resolves with the first message that matches, whether or not a wait has returned it. Later waits can return it. */
  async peek(call: Call, filter: MessageFilter, options: WaitOptions | undefined): Promise<LabMessage> {
    const [message] = await new DeliveredMail(this.#arrivals, this.#lab, this.#scope).take(call, 1, filter, options)
    return message as LabMessage
  }

  /**
   * Resolves with the first `count` messages that match and that no wait has returned yet. They may have arrived before the
   * call.
   * @throws WaitTimeout, and then later waits can still return them; the signal's reason; an Error if the lab is stopped
   */
  async take(
    call: Call,
    count: number,
    filter: MessageFilter,
    options: WaitOptions | undefined,
  ): Promise<LabMessage[]> {
    const found = await this.#wait(call, count, filter, options)
    return Promise.all(Array.from(found, ([arrival, message]) => this.#authenticated(message, arrival)))
  }

  #wait(
    call: Call,
    count: number,
    filter: MessageFilter,
    options: WaitOptions | undefined,
  ): Promise<ReadonlyMap<Arrival, LabMessage>> {
    const taken = new Map<Arrival, LabMessage>()
    return wait<ReadonlyMap<Arrival, LabMessage>>(call, options, {
      start: ({ resolve, reject }) =>
        this.#examine(
          (arrival, message) => {
            if (this.#wasSeen(arrival, filter) || !matchesFilter(message, filter)) return
            if (filter.to === undefined && [...taken.keys()].some(({ entry }) => entry.blob === arrival.entry.blob))
              return
            taken.set(arrival, message)
            // Another wait may have returned some in the meantime.
            for (const one of taken.keys()) if (this.#wasSeen(one, filter)) taken.delete(one)
            if (taken.size < count) return
            for (const one of taken.keys()) this.#markSeen(one, filter)
            resolve(new Map(taken))
          },
          reject,
          () =>
            reject(
              call.at(new Error('the lab was stopped, so a wait for a message cannot succeed; wait before lab.stop()')),
            ),
          { filter },
        ),
      timedOut: async (timeoutMs) => {
        const wanted = count === 1 ? 'no message' : `${taken.size} of ${count} messages`
        return new WaitTimeout(
          [
            `${wanted} with ${describeFilter(filter)} within ${timeoutMs} ms`,
            ...arrivedLines(await this.#candidates(filter), filter),
            ...(await this.#strayLines()),
            ...sessionLines(this.#lab.sessionLog.list().filter((record) => this.#scope.ownsSession(record))),
          ].join('\n'),
        )
      },
    })
  }

  /** Calls `listener` for each message that arrives from now on; once for a message to several recipients. */
  watch(listener: (message: LabMessage) => void, onError: (error: unknown) => void): () => void {
    const before = new Set(this.#arrivals.list().map(({ entry }) => entry.blob))
    return this.#examine(
      (arrival, message) => {
        const { entry } = arrival
        if (before.has(entry.blob)) return
        before.add(entry.blob)
        this.#authenticated(message, arrival).then(listener).catch(onError)
      },
      onError,
      () => {},
      { isNew: true },
    )
  }

  /** Forgets which messages waits have returned. */
  clear(): void {
    this.#seen = new WeakSet()
    this.#seenBlobs = new Set()
    this.#reader = {}
  }

  /**
   * Calls `visit` for arrivals one at a time, so that the first match is the one returned. Returns the function that ends it.
   * @param filter leaves out arrivals that cannot match; default: none
   * @param isNew leaves out those that are there already
   */
  #examine(
    visit: (arrival: Arrival, message: LabMessage) => void,
    onError: (error: unknown) => void,
    onClose: () => void,
    { filter = {}, isNew = false }: { readonly filter?: MessageFilter; readonly isNew?: boolean },
  ): () => void {
    const { to } = filter
    const name = typeof to === 'string' ? addressKey(to) : undefined
    const waiting: Arrival[] = []
    let isOver = false
    let isRunning = true
    const examineAll = async (arrivals: Iterable<Arrival>): Promise<void> => {
      for (const arrival of arrivals) {
        if (isOver) return
        if (!this.#mayMatch(arrival, filter)) continue
        const message = await this.#loadOnce(arrival)
        if (!isOver && message) visit(arrival, message)
      }
    }
    const run = async (arrivals: Iterable<Arrival>): Promise<void> => {
      isRunning = true
      try {
        await examineAll(arrivals)
        for (let next = waiting.shift(); next && !isOver; next = waiting.shift()) await examineAll([next])
      } finally {
        isRunning = false
      }
    }
    const start = (arrivals: Iterable<Arrival>): void => void run(arrivals).catch(onError)
    const unwatch = this.#arrivals.watch(
      (arrival) => {
        if (isRunning) waiting.push(arrival)
        else start([arrival])
      },
      onClose,
      name,
    )
    start(isNew ? [] : this.#unseen(name, filter))
    return () => {
      isOver = true
      unwatch()
    }
  }

  /** Returns the arrivals that a wait can return. */
  #unseen(name: string | undefined, filter: MessageFilter): Iterable<Arrival> {
    // A pattern can match copies of a message that was returned for another recipient.
    const isPattern = name === undefined && filter.to !== undefined
    return this.#arrivals.unread(name, isPattern ? undefined : this.#reader, (one) => this.#wasSeen(one, filter))
  }

  /** Returns false if a message is known to have another subject. */
  #mayMatch(arrival: Arrival, { subject }: MessageFilter): boolean {
    const known = subject === undefined ? undefined : this.#subjects.get(arrival)
    return subject === undefined || known === undefined || has(subject, known)
  }

  /** Loads a message once for all waits that look at it now. */
  #loadOnce(arrival: Arrival): Promise<LabMessage | undefined> {
    const known = this.#loading.get(arrival)
    if (known) return known
    const loading = this.#load(arrival).finally(() => this.#loading.delete(arrival))
    this.#loading.set(arrival, loading)
    return loading
  }

  /** Returns the lines about captured mail that no tenant owns: the code under test did not use the tenant's account. */
  async #strayLines(): Promise<string[]> {
    const found: string[] = []
    if (!this.#scope.isStray) return found
    for (const arrival of this.#arrivals.list()) {
      const message = await this.#read(arrival)
      if (message && this.#scope.isStray(message)) found.push(describeMessage(message))
    }
    return found.length === 0 ? found : section('captured without a tenant', found, 'more')
  }

  async #candidates(filter: MessageFilter): Promise<Candidate[]> {
    const found: Candidate[] = []
    for (const arrival of this.#arrivals.list()) {
      const message = await this.#load(arrival)
      if (message) found.push({ message, isTaken: this.#wasSeen(arrival, filter) })
    }
    return found
  }

  #wasSeen(arrival: Arrival, filter: MessageFilter): boolean {
    return this.#seen.has(arrival) || (filter.to === undefined && this.#seenBlobs.has(arrival.entry.blob))
  }

  #markSeen(arrival: Arrival, filter: MessageFilter): void {
    this.#seen.add(arrival)
    this.#seenBlobs.add(arrival.entry.blob)
    if (filter.to !== undefined) return
    for (const copy of this.#arrivals.copiesOf(arrival.entry.blob)) this.#seen.add(copy)
  }

  /** Adds the results of authentication to a message that is returned. */
  async #authenticated(message: LabMessage, { entry }: Arrival): Promise<LabMessage> {
    if (message.authentication) return message
    const { mailFrom = '', client } = entry.envelope ?? {}
    const authentication = await this.#lab.mailAuthentication.check([message.raw], { mailFrom, client })
    return new LabMessage(message.raw, { ...message.facts, authentication }, this.#unsubscribe)
  }

  /** Returns the message of an arrival. Undefined if it is gone or belongs to another tenant. */
  async #load(arrival: Arrival): Promise<LabMessage | undefined> {
    const message = await this.#read(arrival)
    return message && this.#scope.ownsMessage(message) ? message : undefined
  }

  async #read(arrival: Arrival): Promise<LabMessage | undefined> {
    const { store, sessionLog, directory, certificateStore } = this.#lab
    const raw = await store.read(arrival.folder.id, arrival.entry.uid)
    const session = arrival.entry.envelope?.session
    const record = session === undefined ? undefined : sessionLog.get(session)
    if (!raw) return undefined
    const { index } = certificateStore
    const judged = this.#smime.get(arrival)
    // Waits read every message again. What they say of signatures only changes with the certificate store.
    const smime =
      judged?.index === index
        ? judged.smime
        : await smimeOf(raw, certificateStore, { receivedAt: arrival.entry.savedAt })
    if (smime) this.#smime.set(arrival, { index, smime })
    const message = new LabMessage(raw, receivedFacts(arrival, directory, record, smime), this.#unsubscribe)
    this.#subjects.set(arrival, message.subject)
    return message
  }
}
