import { type Overview, overview } from '../../../../mail/format/overview.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import { textKey } from '../text-key.ts'
import type { Bodies } from './bodies.ts'
import type { ReadOptions } from './committed.ts'
import { LAST_TEXT, type OverviewRecord, type Tables } from './tables.ts'

/** The indexes for newsreaders: articles by Message-ID, and overviews. */
export class Articles {
  readonly #tables: Tables
  readonly #bodies: Bodies

  constructor(tables: Tables, bodies: Bodies) {
    this.#tables = tables
    this.#bodies = bodies
  }

  /** Writes the overview of a new blob, while its octets are in memory. Call it within a transaction. */
  putOverview(blob: number, octets: Buffer): void {
    this.#tables.writes.put(this.#tables.overviews, blob, overviewRecord(octets))
  }

  /** Indexes a new entry of a public folder. Call it within a transaction. */
  add(folder: Folder, entry: MessageEntry): void {
    if (folder.owner !== PUBLIC_OWNER) return
    const { places, history, overviews, writes } = this.#tables
    if (entry.messageId) {
      const key = textKey(entry.messageId)
      writes.put(places, [key, folder.id, entry.uid], true)
      writes.put(history, key, true)
    }
    const blob = this.#bodies.numberOf(entry.blob)
    if (overviews.doesExist(blob)) return
    const octets = this.#bodies.read(entry, undefined, undefined, {})
    if (octets) this.putOverview(blob, octets)
  }

  /** Returns whether a public folder has or ever had a Message-ID. */
  knows(messageId: string, state?: ReadOptions): boolean {
    return this.#tables.history.get(textKey(messageId), state) === true
  }

  /** Removes an entry's place. Its Message-ID stays known (RFC 5537 section 3.3). Call it within a transaction. */
  remove(folder: Folder, { uid, messageId }: MessageEntry): void {
    if (messageId && folder.owner === PUBLIC_OWNER) {
      this.#tables.places.removeSync([textKey(messageId), folder.id, uid])
    }
  }

  /** Returns where public folders hold a Message-ID. */
  places(messageId: string, state: ReadOptions): { readonly folderId: string; readonly uid: number }[] {
    const key = textKey(messageId)
    const start: [string, string, number] = [key, '', 0]
    const end: [string, string, number] = [key, LAST_TEXT, 0]
    const keys = this.#tables.places.getKeys({ start, end, ...state })
    return Array.from(keys, ([, folderId, uid]) => ({ folderId, uid }))
  }

  /** Returns a message's overview from the index, or from its octets if it is not in a public folder. */
  overview(entry: MessageEntry, state: ReadOptions): Overview | undefined {
    const record = this.#tables.overviews.get(this.#bodies.numberOf(entry.blob), state)
    if (record) return fromOverviewRecord(record, entry.sizeOctets)
    const raw = this.#bodies.read(entry)
    return raw && overview(raw)
  }
}

/** The fields of an overview that are on disk. The size is in the entry. */
const overviewFields = ['subject', 'from', 'date', 'messageId', 'references', 'lines', 'xref'] as const

export const overviewRecord = (raw: Buffer): OverviewRecord => {
  const { bytes: _, ...fields } = overview(raw)
  return overviewFields.map((field) => fields[field])
}

const fromOverviewRecord = (record: OverviewRecord, bytes: number): Overview => ({
  ...(Object.fromEntries(overviewFields.map((field, i) => [field, record[i]])) as unknown as Overview),
  bytes,
})
