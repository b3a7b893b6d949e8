import { accountOwner, type Folder } from '../../../src/storage/store/folder.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import type { MessageStore, NewMessage } from '../../../src/storage/store/types.ts'
import { TestClock } from '../../support/test-clock.ts'

export const alice = accountOwner('alice')
export const newsgroup = { description: 'Talk', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const
export const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', 'Work', 'work', 'Home'] as const

/** The store of a contract test. `beforeEach` calls `begin` with a new one. */
export class StoreContext {
  clock = new TestClock()
  #store: MessageStore | undefined
  #inbox: Folder | undefined

  get store(): MessageStore {
    if (!this.#store) throw new Error('the test has not begun')
    return this.#store
  }

  /** The INBOX of alice. */
  get inbox(): Folder {
    if (!this.#inbox) throw new Error('the test has not begun')
    return this.#inbox
  }

  async begin(open: (clock: TestClock) => Promise<MessageStore>): Promise<void> {
    this.clock = new TestClock()
    this.#store = await open(this.clock)
    this.#inbox = await this.#store.createFolder(alice, 'INBOX')
  }

  /** Appends messages with these texts. Returns their uids. */
  async deliver(folder: Folder, ...texts: string[]): Promise<number[]> {
    const stored = await this.store.append(texts.map((text) => message(text, folder)))
    return stored.map(({ entry }) => entry.uid)
  }

  async textOf(folder: Folder, uid: number): Promise<string | undefined> {
    return (await this.store.read(folder.id, uid))?.toString('latin1')
  }

  async uidsOf(folder: Folder): Promise<number[]> {
    return (await this.store.list(folder.id)).map(({ uid }) => uid)
  }

  /** Returns an array that receives the events of a folder or of all folders from now on. */
  watched(folderId?: string): StoreEvent[] {
    const events: StoreEvent[] = []
    this.store.watch((event) => events.push(event), folderId)
    return events
  }
}

/** Returns a new message for these folders. */
export const message = (text: string, ...folders: readonly Folder[]): NewMessage => ({
  raw: Buffer.from(text, 'latin1'),
  targets: folders.map(({ id }) => ({ folderId: id })),
})

/** Returns octets that differ from position to position. */
export function pattern(octets: number): Buffer {
  const pattern = Buffer.alloc(octets)
  // `Uint8Array.from` with a function takes 60 times as long.
  for (let i = 0; i < octets; i++) pattern[i] = i * 31 + (i >> 8)
  return pattern
}

/** Yields a buffer in pieces. */
export async function* pieces(whole: Buffer, octets: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < whole.length; at += octets) yield whole.subarray(at, at + octets)
}

/** Reads a stream to its end. */
export async function drain(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
