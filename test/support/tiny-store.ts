import { StoreError } from '../../src/store/errors.ts'
import type { Folder, MessageEntry, MessageStore, NewMessage, Owner } from '../../src/store/types.ts'

/** Throw-away. */
export function tinyStore(): MessageStore {
  const folders = new Map<string, { folder: Folder; messages: { entry: MessageEntry; raw: Buffer }[]; next: number }>()
  let n = 0
  const get = (id: string) => {
    const f = folders.get(id)
    if (!f) throw new StoreError('not-found', id)
    return f
  }
  const store: Partial<MessageStore> = {
    async createFolder(owner: Owner, name: string) {
      for (const { folder } of folders.values())
        if (folder.owner === owner && folder.name === name) throw new StoreError('exists', name)
      const folder: Folder = { id: `f${++n}`, owner, name, uidValidity: n }
      folders.set(folder.id, { folder, messages: [], next: 1 })
      return folder
    },
    async findFolder(owner, name) {
      for (const { folder } of folders.values()) if (folder.owner === owner && folder.name === name) return folder
      return undefined
    },
    async setSubscribed() {},
    async append(batch: readonly NewMessage[]) {
      const out = []
      for (const m of batch) {
        const raw = m.raw as Buffer
        for (const t of m.targets) {
          const f = get(t.folderId)
          const entry = {
            uid: f.next++,
            blob: 'b',
            sizeOctets: raw.length,
            internalDate: 0,
            savedAt: 0,
            flags: [],
            modSeq: 1,
            envelope: m.envelope,
            messageId: m.messageId,
          } as MessageEntry
          f.messages.push({ entry, raw })
          out.push({ folder: f.folder, entry })
        }
      }
      return out
    },
    async list(id) {
      return get(id).messages.map((m) => m.entry)
    },
    async entry(id, uid) {
      return get(id).messages.find((m) => m.entry.uid === uid)?.entry
    },
    async read(id, uid, start = 0, end) {
      return get(id)
        .messages.find((m) => m.entry.uid === uid)
        ?.raw.subarray(start, end)
    },
    async *stream(id, uid) {
      const raw = get(id).messages.find((m) => m.entry.uid === uid)?.raw as Buffer
      for (let i = 0; i < raw.length; i += 65536) yield raw.subarray(i, i + 65536)
    },
    async expunge(id, uids) {
      const f = get(id)
      f.messages = f.messages.filter((m) => !uids.includes(m.entry.uid))
      return uids
    },
  }
  return store as MessageStore
}
