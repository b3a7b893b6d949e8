import { type Overview, overview } from '../../mail/overview.ts'
import { type Folder, type MessageEntry, PUBLIC_OWNER } from '../types.ts'
import type { Bodies } from './bodies.ts'
import { type OverviewRecord, type Tables, textKey } from './tables.ts'

/** What newsreaders ask for by other ways than a number: articles by their Message-ID, and overviews. All within a transaction. */
export class Articles {
  readonly #tables: Tables
  readonly #bodies: Bodies

  constructor(tables: Tables, bodies: Bodies) {
    this.#tables = tables
    this.#bodies = bodies
  }

  /** A new blob that some public folder will hold, while its octets are at hand. */
  describe(blob: number, octets: Buffer): void {
    this.#tables.overviews.putSync(blob, overviewRecord(octets))
  }

  add(folder: Folder, { uid, blob: name, sizeOctets, messageId }: MessageEntry): void {
    if (folder.owner !== PUBLIC_OWNER) return
    const { places, history, overviews } = this.#tables
    if (messageId) {
      const key = textKey(messageId)
      places.putSync([key, folder.id, uid], true)
      history.putSync(key, true)
    }
    const blob = this.#bodies.numberOf(name)
    if (overviews.doesExist(blob)) return
    const octets = this.#bodies.read(blob, sizeOctets, 0, sizeOctets, {})
    if (octets) this.describe(blob, octets)
  }

  /** Its Message-ID stays known. RFC 5537 section 3.3. */
  remove(folder: Folder, { uid, messageId }: MessageEntry): void {
    if (messageId && folder.owner === PUBLIC_OWNER) {
      this.#tables.places.removeSync([textKey(messageId), folder.id, uid])
    }
  }
}

/** What of an overview is on disk; the size is in the entry. */
const overviewFields = ['subject', 'from', 'date', 'messageId', 'references', 'lines', 'xref'] as const

/** Of a message's octets. */
export const overviewRecord = (raw: Buffer): OverviewRecord => {
  const { bytes: _, ...made } = overview(raw)
  return overviewFields.map((field) => made[field])
}

/** The overview that a record was made of; `bytes` is the article's size in octets. */
export const fromOverviewRecord = (record: OverviewRecord, bytes: number): Overview => ({
  ...(Object.fromEntries(overviewFields.map((field, at) => [field, record[at]])) as unknown as Overview),
  bytes,
})
