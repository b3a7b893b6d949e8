import { flattenString } from '../../src/mail/format/octets.ts'
import type { OctetString } from '../../src/mail/format/types.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { MessageReads, MessageStore } from '../../src/storage/store/types.ts'

/** The columns of a row, as LIST OVERVIEW.FMT shows them. RFC 3977 section 8.4. */
export const OVERVIEW_FORMAT = [
  'Subject:',
  'From:',
  'Date:',
  'Message-ID:',
  'References:',
  ':bytes',
  ':lines',
  'Xref:full',
] as const

/** Most characters of all rows together, and the number that remains after the oldest rows are dropped. */
const MAX_CHARS = 48 << 20
const KEPT_CHARS = MAX_CHARS * (15 / 16)

/** Caches the overview rows of articles, without their numbers. Each row is built once; the oldest are dropped first. */
class OverviewRows {
  readonly #store: MessageStore
  readonly #rows = new Map<string, OctetString>()
  #chars = 0

  constructor(store: MessageStore) {
    this.#store = store
  }

  /**
   * Returns a row from its first TAB to its line end; undefined if the article was removed.
   * @param source where the overview is read. Default: the store
   */
  async row(group: Folder, entry: MessageEntry, source?: MessageReads): Promise<OctetString | undefined> {
    return this.#rows.get(entry.blob) ?? (await this.#build(group, entry, source ?? this.#store))
  }

  /** Returns a row if it is cached already, without the cost of a promise. */
  cached(entry: MessageEntry): OctetString | undefined {
    return this.#rows.get(entry.blob)
  }

  async #build(group: Folder, entry: MessageEntry, source: MessageReads): Promise<OctetString | undefined> {
    const overview = await source.overview(group.id, entry.uid)
    if (!overview) return undefined
    const { subject, from, date, messageId, references, bytes, lines, xref } = overview
    // A "full" column includes the field's name, and is empty if the article lacks the field. RFC 3977 section 8.3.2
    const full = xref === '' ? '' : `Xref: ${xref}`
    const row = flattenString(
      `\t${subject}\t${from}\t${date}\t${messageId}\t${references}\t${bytes}\t${lines}\t${full}\r\n`,
    )
    this.#keep(entry.blob, row)
    return row
  }

  #keep(blob: string, row: OctetString): void {
    if (this.#rows.has(blob)) return // another session has just built it
    this.#rows.set(blob, row)
    this.#chars += row.length
    if (this.#chars <= MAX_CHARS) return
    // Drops many rows together, because finding the oldest entry of a Map is not cheap.
    for (const [oldest, dropped] of this.#rows) {
      if (this.#chars <= KEPT_CHARS) return
      this.#rows.delete(oldest)
      this.#chars -= dropped.length
    }
  }
}

const rowsOfStore = new WeakMap<MessageStore, OverviewRows>()

/** Returns the rows of a store, which all its sessions share. */
export function overviewRows(store: MessageStore): OverviewRows {
  let rows = rowsOfStore.get(store)
  if (!rows) {
    rows = new OverviewRows(store)
    rowsOfStore.set(store, rows)
  }
  return rows
}
