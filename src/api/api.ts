import { EventLog } from './events/event-log.ts'
import type { ApiLab } from './lab.ts'
import { MessageReader } from './messages/message-facts.ts'
import { MessageIndex } from './messages/message-index.ts'

/** What the operations of one lab share. Created at the first call. */
export class Api implements AsyncDisposable {
  readonly lab: ApiLab
  readonly index: MessageIndex
  readonly reader: MessageReader
  readonly events: EventLog
  /** The messages that waits have returned, by the caller's view. A wait does not return them again. */
  readonly #returned = new Map<string, Set<string>>()

  private constructor(lab: ApiLab, index: MessageIndex) {
    this.lab = lab
    this.index = index
    this.reader = new MessageReader(lab.store, lab.intake.memory)
    this.events = new EventLog(lab, index)
  }

  static async of(lab: ApiLab): Promise<Api> {
    return new Api(lab, await MessageIndex.of(lab.store))
  }

  /** Returns the ids of the messages that waits with this view have returned. */
  returnedTo(view: string): Set<string> {
    const known = this.#returned.get(view) ?? new Set()
    this.#returned.set(view, known)
    return known
  }

  /** Forgets everything about messages, after `lab.reset()`. */
  reset(): void {
    this.#returned.clear()
    this.reader.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.events.close()
    this.index.close()
    this.reader.clear()
  }
}
