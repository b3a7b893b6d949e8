import { inOnePiece } from '../../src/mail/octets.ts'
import type { OctetString } from '../../src/mail/types.ts'
import type { Folder, MessageEntry, MessageStore } from '../../src/store/types.ts'

/** What LIST OVERVIEW.FMT says, in the order of the columns. RFC 3977 section 8.4. */
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

/** Characters of rows kept, of all articles together; and what is left of them after some were forgotten. */
const MAX_CHARS = 48 << 20
const KEPT_CHARS = MAX_CHARS * (15 / 16)

/** The overview rows of articles, without their numbers: made once an article, the oldest forgotten first. */
export class OverviewRows {
  readonly #store: MessageStore
  readonly #rows = new Map<string, OctetString>()
  #chars = 0

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** The row from its first TAB on, with its line end; undefined where the article is gone meanwhile. */
  async row(group: Folder, entry: MessageEntry): Promise<OctetString | undefined> {
    return this.#rows.get(entry.blob) ?? (await this.#make(group, entry))
  }

  /** The same if it is there already: no promise a row. */
  known(entry: MessageEntry): OctetString | undefined {
    return this.#rows.get(entry.blob)
  }

  async #make(group: Folder, entry: MessageEntry): Promise<OctetString | undefined> {
    const made = await this.#store.overview(group.id, entry.uid)
    if (!made) return undefined
    const { subject, from, date, messageId, references, bytes, lines, xref } = made
    // RFC 3977 section 8.3.2: a full field has its name in front, and is empty where the article has none.
    const full = xref === '' ? '' : `Xref: ${xref}`
    const row = inOnePiece(
      `\t${subject}\t${from}\t${date}\t${messageId}\t${references}\t${bytes}\t${lines}\t${full}\r\n`,
    )
    this.#keep(entry.blob, row)
    return row
  }

  #keep(blob: string, row: OctetString): void {
    if (this.#rows.has(blob)) return // another session was quicker
    this.#rows.set(blob, row)
    this.#chars += row.length
    if (this.#chars <= MAX_CHARS) return
    // Somewhat more than must go, so that this happens seldom: to find a map's oldest entry is not cheap.
    for (const [oldest, forgotten] of this.#rows) {
      if (this.#chars <= KEPT_CHARS) return
      this.#rows.delete(oldest)
      this.#chars -= forgotten.length
    }
  }
}

const rowsOfStore = new WeakMap<MessageStore, OverviewRows>()

/** The rows of a store, shared by every session on it. */
export function overviewRows(store: MessageStore): OverviewRows {
  let rows = rowsOfStore.get(store)
  if (!rows) {
    rows = new OverviewRows(store)
    rowsOfStore.set(store, rows)
  }
  return rows
}
