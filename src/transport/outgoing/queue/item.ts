import { omitUndefined } from '../../../core/values/omit-undefined.ts'
import type { OutgoingTransport } from '../../../storage/store/delivery-envelope.ts'
import type { MessageEntry } from '../../../storage/store/message-entry.ts'
import type { OutgoingEnvelope, OutgoingRecipient, QueueEntry, RecipientResult } from '../types.ts'

/** The last result of a recipient. */
export interface RecipientState extends RecipientResult {
  readonly at: number
  /** The sender has got the report about it, if one was due. */
  readonly isReported?: boolean
}

/** The state of a queued message, as the store has it. Times are in milliseconds since the epoch. */
interface ItemState {
  readonly attempts: number
  readonly nextAttemptAt?: number | undefined
  readonly isHeld?: boolean | undefined
  /** Whether the sender got the report about the delay. */
  readonly isWarned?: boolean | undefined
  readonly lastSession?: string | undefined
  /** By position in the envelope; null: no attempt yet. */
  readonly recipients: readonly (RecipientState | null)[]
}

interface RunningAttempt {
  readonly controller: AbortController
  readonly ended: Promise<void>
  /** The hosts have answered. */
  isAnswered: boolean
}

/** How a queued message ends. */
type Ending = 'sent' | 'failed' | 'deleted'

/** A message of the queue. Its octets are in the store only. */
export class Item {
  readonly uid: number
  readonly id: string
  readonly entry: MessageEntry
  readonly transport: OutgoingTransport
  state: ItemState
  /** The attempt that runs, until what became of it is written down. */
  sending: RunningAttempt | undefined
  /** How many calls of the sender work with it. Meanwhile, it is neither planned nor sent. */
  claims = 0
  ending: Ending | undefined
  /** Whether the store has deleted it. */
  isGone = false
  /** Whether the store contains its state. */
  isSaved: boolean

  constructor(entry: MessageEntry, transport: OutgoingTransport, saved: ItemState | undefined) {
    this.uid = entry.uid
    this.id = String(entry.uid)
    this.entry = entry
    this.transport = transport
    this.isSaved = saved !== undefined
    this.state = saved ?? {
      attempts: 0,
      nextAttemptAt: this.startsAt,
      recipients: transport.recipients.map(() => null),
    }
  }

  get queuedAt(): number {
    return this.entry.savedAt
  }

  /** When its first attempt is due. */
  get startsAt(): number {
    return this.transport.scheduled?.at ?? this.queuedAt
  }

  get envelope(): OutgoingEnvelope {
    const {
      connector: _,
      destination: __,
      subject: ___,
      scheduled: ____,
      released: _____,
      ...envelope
    } = this.transport
    return { mailFrom: this.entry.envelope?.mailFrom ?? '', ...envelope }
  }

  /** Equal for messages that one connector sends to the same hosts. */
  get destinationKey(): string {
    return `${this.transport.connector}\n${this.transport.destination}`
  }

  /** The recipients that neither have the message nor failed. */
  get pending(): readonly OutgoingRecipient[] {
    return this.transport.recipients.filter((_, index) => isPending(this.state.recipients[index]))
  }

  /** Takes over the results of recipients that are pending. */
  take(results: readonly RecipientResult[], at: number): void {
    const byAddress = new Map(results.map((result) => [result.address, result]))
    const recipients = this.transport.recipients.map(({ address }, index) => {
      const state = this.state.recipients[index] ?? null
      const result = isPending(state) ? byAddress.get(address) : undefined
      return result ? { ...result, at } : state
    })
    this.state = { ...this.state, recipients }
  }

  /** Returns the results that were not reported to the sender yet. */
  unreported(...kinds: readonly RecipientResult['kind'][]): RecipientState[] {
    return this.state.recipients.filter(
      (one) => one !== null && kinds.includes(one.kind) && !one.isReported,
    ) as RecipientState[]
  }

  markReported(): void {
    const recipients = this.state.recipients.map((one) =>
      one === null || one.kind === 'deferred' ? one : { ...one, isReported: true },
    )
    this.state = { ...this.state, recipients }
  }
}

const isPending = (state: RecipientState | null | undefined): boolean =>
  state === null || state === undefined || state.kind === 'deferred'

/** Returns the results that a message has so far. */
export const results = ({ state }: Item) => state.recipients.filter((one) => one !== null)

/** Makes failures of all pending recipients. Keeps the text of the last reply, unless another is given. */
export const failures = (
  item: Item,
  why: { readonly enhancedCode: string; readonly text?: string },
): RecipientResult[] =>
  item.pending.map(({ address }) => {
    const last = results(item).find((one) => one.address === address)
    return { text: '', ...last, ...why, address, kind: 'failed' }
  })

/** Returns a message of the queue as users see it. */
export function entryOf(item: Item, givesUpAt: number | undefined, why: string | undefined): QueueEntry {
  const { entry, transport, state } = item
  const isSending = item.sending?.isAnswered === false
  const { attempts, nextAttemptAt, isHeld, lastSession } = state
  const lastReply = state.recipients.find((one) => one?.kind === 'deferred')?.text
  const reason = why ?? (isHeld ? 'waits until it is resumed' : lastReply)
  return {
    id: item.id,
    connector: transport.connector,
    destination: transport.destination,
    mailFrom: entry.envelope?.mailFrom ?? '',
    recipients: transport.recipients.map(({ address }, index) =>
      recipientEntry(address, state.recipients[index] ?? null),
    ),
    sizeOctets: entry.sizeOctets,
    ...(transport.subject !== undefined && { subject: transport.subject }),
    content: transport.released ?? entry.blob,
    queuedAt: item.queuedAt,
    attempts,
    ...(!isSending && !isHeld && why === undefined && nextAttemptAt !== undefined && { nextAttemptAt }),
    ...(givesUpAt !== undefined && { givesUpAt }),
    state: isSending ? 'sending' : isHeld ? 'held' : attempts > 0 ? 'deferred' : 'waiting',
    ...(reason !== undefined && { reason }),
    ...(entry.envelope?.session !== undefined && { receivedBy: entry.envelope.session }),
    ...(lastSession !== undefined && { lastSession }),
    ...omitUndefined({ scheduled: transport.scheduled, submission: transport.submission }),
  }
}

function recipientEntry(address: string, state: RecipientState | null): QueueEntry['recipients'][number] {
  if (state === null) return { address, kind: 'waiting' }
  const { kind, text, code, at } = state
  return { address, kind, text, at, ...(code !== undefined && { code }) }
}

/** Returns a state as the store keeps it. */
export const savedState = (state: ItemState): Buffer => Buffer.from(JSON.stringify(state))

/** Returns a state that the store has kept. */
export const readState = (content: Buffer | undefined): ItemState | undefined =>
  content && (JSON.parse(content.toString()) as ItemState)
