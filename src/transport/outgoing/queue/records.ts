import type { Logger } from 'pino'
import { StoreError } from '../../../storage/store/errors.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import { type Item, savedState } from './item.ts'

interface RecordsOptions {
  readonly store: MessageStore
  readonly log: Logger
  readonly folderId: () => string | undefined
}

/** Writes to the store what became of queued messages. */
export class Records {
  readonly #options: RecordsOptions

  constructor(options: RecordsOptions) {
    this.#options = options
  }

  /** Writes the states of messages. A full disk does not stop the queue: the states stay in memory. */
  async save(items: readonly Item[]): Promise<void> {
    const folderId = this.#options.folderId()
    if (items.length === 0 || folderId === undefined) return
    const states = new Map(items.map(({ id, state }) => [id, savedState(state)]))
    try {
      await this.#options.store.changeValues({ folderId, kind: 'outgoing', names: [...states.keys()] }, () => states)
      for (const item of items) item.isSaved = true
    } catch (err) {
      if (!(err instanceof StoreError)) throw err
      this.#options.log.error({ err }, 'the store could not write the results of queued messages')
    }
  }

  /** Removes states. */
  async remove(uids: readonly number[]): Promise<void> {
    const folderId = this.#options.folderId()
    if (folderId === undefined) return
    const names = uids.map(String)
    const changes = new Map(names.map((name) => [name, undefined]))
    await this.#options.store.changeValues({ folderId, kind: 'outgoing', names }, () => changes)
  }

  /** Removes messages. @throws StoreError */
  async expunge(items: readonly Item[]): Promise<void> {
    const folderId = this.#options.folderId()
    if (items.length > 0 && folderId !== undefined) {
      await this.#options.store.expunge(
        folderId,
        items.map(({ uid }) => uid),
      )
    }
  }
}
