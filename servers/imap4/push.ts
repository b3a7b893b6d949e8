import { ConnectionEnded } from '../../src/net/errors.ts'
import { reportChanges } from './report.ts'
import type { ImapSession } from './state.ts'

/** While more octets than this are unsent, changes are collected instead of sent. */
const CONGESTED_OCTETS = 64 * 1024

/** Sends changes as they happen, without a command or during IDLE. RFC 2177; RFC 5465 sections 3.1 and 4. */
export class Pusher {
  readonly #session: ImapSession
  #isActive = false
  #mayExpunge = false
  #isScheduled = false
  #running: Promise<void> | undefined
  /** Whether something changed while changes were sent. */
  #hasMore = false

  constructor(session: ImapSession) {
    this.#session = session
  }

  start(mayExpunge: boolean): void {
    this.#isActive = true
    this.#mayExpunge = mayExpunge
    const { state, notifier } = this.#session
    if (state.name === 'selected') state.selection.onChange = this.#schedule
    if (notifier) notifier.onChange = this.#schedule
    if ((state.name === 'selected' && state.selection.hasUpdates) || notifier?.hasChanges) this.#schedule()
  }

  /** Resolves when nothing is being sent any more. */
  async stop(): Promise<void> {
    this.#isActive = false
    const { state, notifier } = this.#session
    if (state.name === 'selected') state.selection.onChange = undefined
    if (notifier) notifier.onChange = undefined
    await this.#running
  }

  // Changes made in the same moment are sent in one write.
  readonly #schedule = (): void => {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(this.#update)
  }

  readonly #update = (): void => {
    this.#isScheduled = false
    if (!this.#isActive) return
    if (this.#running) {
      this.#hasMore = true
      return
    }
    const { connection, state } = this.#session
    if (state.name === 'selected' && state.selection.isDeleted) {
      this.#isActive = false
      this.#session.endAfterMailboxDeletion()
      return
    }
    if (connection.socket.writableLength > CONGESTED_OCTETS) {
      this.#isScheduled = true
      connection.socket.once('drain', this.#update)
      return
    }
    this.#running = this.#send().finally(() => this.#continue())
  }

  /** Sends what has changed meanwhile. */
  #continue(): void {
    this.#running = undefined
    if (this.#hasMore) this.#schedule()
    this.#hasMore = false
  }

  /** Sends the changes. Runs in an event of another session, so an error must end this session only. */
  async #send(): Promise<void> {
    const { state, notifier, connection, context } = this.#session
    try {
      if (state.name === 'selected') {
        const reading = reportChanges(this.#session, state.selection, this.#mayExpunge)
        if (reading) await reading
      }
      if (notifier?.hasChanges) await notifier.send()
      connection.flush()
    } catch (error) {
      if (error instanceof ConnectionEnded) return
      context.log.error({ session: connection.record.id, err: error }, 'imap4: sending changes failed')
      connection.destroy()
    }
  }
}
