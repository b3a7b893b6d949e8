import type { Origin } from '../origin.ts'
import type { FolderLock, MessageStore } from '../types.ts'

/** The locks of folders in one process, for a store that no other process opens. */
export class FolderLocks {
  readonly #expunge: MessageStore['expunge']
  readonly #locked = new Set<string>()
  /** The deletions that run in folders that were not locked when they began. */
  readonly #deletions = new Map<string, Promise<unknown>>()

  constructor(expunge: MessageStore['expunge']) {
    this.#expunge = expunge
  }

  get folderIds(): ReadonlySet<string> {
    return new Set(this.#locked)
  }

  async lock(folderId: string): Promise<FolderLock | undefined> {
    if (this.#locked.has(folderId)) return undefined
    this.#locked.add(folderId)
    await this.#deletions.get(folderId)
    let isHeld = true
    return {
      expunge: (uids, origin) => this.#expunge(folderId, uids, origin),
      release: async () => {
        // A second call must not release the lock of the next holder.
        if (isHeld) this.#locked.delete(folderId)
        isHeld = false
      },
    }
  }

  async expungeUnlocked(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    await this.#deletions.get(folderId)
    if (this.#locked.has(folderId)) return []
    const deletion = this.#expunge(folderId, uids, origin)
    const ended = deletion.catch(() => {})
    this.#deletions.set(folderId, ended)
    try {
      return await deletion
    } finally {
      if (this.#deletions.get(folderId) === ended) this.#deletions.delete(folderId)
    }
  }
}
