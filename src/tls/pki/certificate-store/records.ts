import { performance } from '../../../core/time/real-timers.ts'
/** Records of one kind that live for a while, such as authorization codes. The nodes of a lab on a database share them. */
export interface Records {
  /** Adds a record. Returns false if there is one of this id whose life has not ended. @throws PkiError `store`, as all methods */
  add(id: string, record: NewRecord): Promise<boolean>
  /** Adds or replaces a record. */
  put(id: string, record: NewRecord): Promise<void>
  get(id: string): Promise<StoredRecord | undefined>
  /** Returns the records of a key, the oldest first. */
  withKey(key: string): Promise<readonly StoredRecord[]>
  /** Replaces a text if it is still `before`. Of several nodes that replace the same text, one succeeds. */
  replace(id: string, before: string, text: string): Promise<boolean>
  /** Returns whether there was one: of several nodes that remove a record, one did. */
  remove(id: string): Promise<boolean>
  removeWithKey(key: string): Promise<void>
  /** Removes all records of the kind. */
  clear(): Promise<void>
}

export interface NewRecord {
  readonly text: string
  /** Further keys that find it. Several records can have the same key. */
  readonly keys?: readonly string[]
  /** Milliseconds after which it may be deleted, or added again. */
  readonly lifeMs: number
}

export interface StoredRecord {
  readonly text: string
  /** Milliseconds since it was put, by the clock that all nodes share. */
  readonly ageMs: number
}

interface Kept extends NewRecord {
  readonly atMs: number
}

/** Creates records that belong to this process. Beyond the limit, the oldest is dropped. */
export function memoryRecords(limit: number): Records {
  const records = new Map<string, Kept>()
  const put = (id: string, record: NewRecord): void => {
    records.set(id, { ...record, atMs: performance.now() })
    if (records.size > limit) records.delete(records.keys().next().value as string)
  }
  const stored = ({ text, atMs }: Kept): StoredRecord => ({ text, ageMs: performance.now() - atMs })
  const withKey = (key: string) => [...records].filter(([, { keys }]) => keys?.includes(key))
  return {
    async add(id, record) {
      const found = records.get(id)
      if (found && performance.now() - found.atMs < found.lifeMs) return false
      put(id, record)
      return true
    },
    put: async (id, record) => put(id, record),
    async get(id) {
      const found = records.get(id)
      return found && stored(found)
    },
    withKey: async (key) => withKey(key).map(([, one]) => stored(one)),
    async replace(id, before, text) {
      const found = records.get(id)
      if (found?.text !== before) return false
      records.set(id, { ...found, text })
      return true
    },
    remove: async (id) => records.delete(id),
    async removeWithKey(key) {
      for (const [id] of withKey(key)) records.delete(id)
    },
    clear: async () => records.clear(),
  }
}
