import { hasFailed } from '../../core/sessions/describe.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { performance } from '../../core/time/real-timers.ts'
import { DROPPED } from '../../storage/store/engines/full/drop-oldest.ts'
import { CAPTURED_OWNER, type Owner, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { OWN_CHANGES, type StoreEvent } from '../../storage/store/store-events.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { Sample } from './exposition.ts'

type Labels = Sample['labels']

/** Values by their labels. */
export class Tally {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>()

  add(labels: Labels, amount = 1): void {
    const key = JSON.stringify(labels)
    const known = this.#values.get(key)
    if (known) known.value += amount
    else this.#values.set(key, { labels, value: amount })
  }

  get samples(): readonly Sample[] {
    return [...this.#values.values()].map(({ labels, value }) => ({ labels, value }))
  }
}

/** Upper limits of the durations of mail transactions, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts how long things take. */
class Durations {
  readonly #counts = BUCKETS.map(() => 0)
  #count = 0
  #sum = 0

  add(seconds: number): void {
    this.#count++
    this.#sum += seconds
    for (const [index, limit] of BUCKETS.entries()) if (seconds <= limit) (this.#counts[index] as number)++
  }

  get samples(): readonly Sample[] {
    return [
      ...BUCKETS.map((le, index) => ({ suffix: '_bucket', labels: { le }, value: this.#counts[index] as number })),
      { suffix: '_bucket', labels: { le: '+Inf' }, value: this.#count },
      { suffix: '_sum', labels: {}, value: this.#sum },
      { suffix: '_count', labels: {}, value: this.#count },
    ]
  }
}

/** Returns the kind of an owner's messages. */
export function kindOf(owner: Owner): 'mail' | 'news' | 'captured' {
  if (owner === PUBLIC_OWNER) return 'news'
  return owner === CAPTURED_OWNER ? 'captured' : 'mail'
}

/** Counts the traffic of a lab, for its metrics. The counts only grow, whatever the session log forgets. */
export class Traffic implements Disposable {
  readonly connections = new Tally()
  readonly openConnections = new Tally()
  readonly handshakes = new Tally()
  readonly refused = new Tally()
  readonly messages = new Tally()
  /** Messages that were deleted because the store was full. */
  readonly dropped = new Tally()
  readonly transactions = new Durations()
  /** When the mail transaction of each session has begun. */
  readonly #begun = new Map<string, number>()
  readonly #unwatch: readonly (() => void)[]

  constructor(sessions: SessionLog, store: MessageStore) {
    this.#unwatch = [
      sessions.follow({
        opened: (record) => {
          this.connections.add(labelsOf(record))
          this.openConnections.add(labelsOf(record))
        },
        secured: (record) => this.handshakes.add(handshakeOf(record, 'completed')),
        forgotten: (record) => this.openConnections.add(labelsOf(record), -1),
        mail: (record, isOpen) => this.#onMail(record.id, isOpen),
      }),
      sessions.watch((record) => this.#onEnd(record)),
      // Each node counts its own messages.
      store.watch((event) => this.#onChange(event), OWN_CHANGES),
    ]
  }

  #onChange(event: StoreEvent): void {
    if (event.type === 'appended') this.messages.add({ kind: kindOf(event.folder.owner) }, event.entries.length)
    else if (event.type === 'expunged' && event.origin === DROPPED) {
      this.dropped.add({ kind: kindOf(event.folder.owner) }, event.uids.length)
    }
  }

  #onMail(id: string, isOpen: boolean): void {
    const since = this.#begun.get(id)
    if (isOpen) this.#begun.set(id, performance.now())
    else if (since !== undefined && this.#begun.delete(id)) this.transactions.add((performance.now() - since) / 1000)
  }

  #onEnd(record: SessionRecord): void {
    const labels = labelsOf(record)
    this.#begun.delete(record.id)
    this.openConnections.add(labels, -1)
    if (hasFailed(record)) this.refused.add(labels)
    if (record.endCause === 'handshake failed') this.handshakes.add(handshakeOf(record, 'failed'))
  }

  [Symbol.dispose](): void {
    for (const unwatch of this.#unwatch) unwatch()
  }
}

const labelsOf = ({ protocol, virtualServer, direction }: SessionRecord): Labels => ({
  protocol,
  virtual_server: virtualServer,
  ...(direction && { direction }),
})

const handshakeOf = (record: SessionRecord, outcome: 'completed' | 'failed'): Labels => ({
  ...labelsOf(record),
  outcome,
  version: record.tls?.version ?? '',
  suite: record.tls?.cipher ?? '',
})
