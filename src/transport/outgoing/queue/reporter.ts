import type { Logger } from 'pino'
import { StoreError } from '../../../storage/store/errors.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { ReportFacts, Reports } from '../types.ts'
import type { Item, RecipientState } from './item.ts'
import type { Records } from './records.ts'

interface ReporterOptions {
  readonly store: MessageStore
  readonly log: Logger
  readonly reports: Reports
  readonly folderId: () => string | undefined
}

/** Sends the reports about queued messages. What a report is about is in the store first. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #records: Records

  constructor(options: ReporterOptions, records: Records) {
    this.#options = options
    this.#records = records
  }

  /** Reports recipients whose result is final, once. @throws StoreError; then the next call reports them */
  async final(item: Item): Promise<void> {
    const failed = item.unreported('failed')
    const sent = item.unreported('sent').filter((result) => asksForSuccess(item, result))
    if (failed.length === 0 && sent.length === 0) return
    await this.#records.save([item])
    const { reports } = this.#options
    if (failed.length > 0) await this.#send((facts) => reports.failed(facts), item, failed)
    if (sent.length > 0) await this.#send((facts) => reports.relayed(facts), item, sent)
    item.markReported()
    if (item.pending.length > 0) await this.#records.save([item])
  }

  /** Reports recipients that wait for long. */
  async delay(item: Item, retryUntil: number | undefined): Promise<void> {
    item.state = { ...item.state, isWarned: true }
    await this.#records.save([item])
    const until = retryUntil === undefined ? {} : { retryUntil }
    const { reports } = this.#options
    await this.#send((facts) => reports.delayed({ ...facts, ...until }), item, item.unreported('deferred'))
  }

  async #send(
    send: (facts: ReportFacts) => Promise<void>,
    item: Item,
    results: readonly RecipientState[],
  ): Promise<void> {
    const { store, log, folderId } = this.#options
    const session = item.entry.envelope?.session
    try {
      await send({
        envelope: item.envelope,
        results,
        message: async () => (await store.read(folderId() ?? '', item.uid)) ?? Buffer.alloc(0),
        arrivedAt: item.queuedAt,
        ...(session !== undefined && { session }),
      })
    } catch (err) {
      if (err instanceof StoreError) throw err
      // As with a sender that has no mailbox.
      log.warn({ err, queued: item.id }, 'no report was sent about a queued message')
    }
  }
}

/** The next host tells the sender itself, if it offers DSN. RFC 3461 section 5.2.2 */
function asksForSuccess({ transport }: Item, { address, passedDsnOn }: RecipientState): boolean {
  const { notify } = transport.recipients.find((one) => one.address === address) ?? {}
  return notify?.includes('SUCCESS') === true && !passedDsnOn
}
