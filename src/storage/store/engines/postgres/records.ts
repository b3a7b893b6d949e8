import type { FolderSettings, Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'

/** Octets per piece of a message. */
export const PIECE_OCTETS = 64 * 1024
/** The number of the piece that precedes the others of a large message. It can have any length. */
export const PREFIX_PIECE = -1

/** Conversions between the numbers of the tables and the names that callers see. All nodes have the same ones. */
export class Names {
  #folders = ''
  #blobs = ''

  /** @param tag distinguishes the store from all others */
  constructor(tag: string) {
    this.use(tag)
  }

  /** Makes the names of a store with this tag. */
  use(tag: string): void {
    this.#folders = `F${tag}-`
    this.#blobs = `P${tag}-`
  }

  folderKey(id: string): number {
    return Number.parseInt(id.slice(this.#folders.length), 36)
  }

  readonly folder = (key: number): string => this.#folders + key.toString(36)

  readonly blob = (number: number): string => this.#blobs + number.toString(36)

  blobNumber(name: string): number {
    return Number.parseInt(name.slice(this.#blobs.length), 36)
  }
}

/** The columns of an entry in the order of `EntryColumns`, of the table `e`. */
export const ENTRY_COLUMNS = 'e.uid, e.blob, e.size, e.internal_date, e.saved_at, e.flags, e.mod_seq, e.details'

type EntryColumns = readonly [
  uid: number,
  blob: number,
  size: number,
  internalDate: number,
  savedAt: number,
  flags: string,
  modSeq: number,
  details: string | null,
]

export interface EntryRow {
  readonly uid: number
  readonly blob: number
  readonly size: number
  readonly internal_date: number
  readonly saved_at: number
  readonly flags: string
  readonly mod_seq: number
  readonly details: string | null
}

export const columnsOf = (row: EntryRow): EntryColumns => [
  row.uid,
  row.blob,
  row.size,
  row.internal_date,
  row.saved_at,
  row.flags,
  row.mod_seq,
  row.details,
]

/** The parts of an entry besides numbers and flags. */
export type Details = Pick<MessageEntry, 'messageId' | 'envelope' | 'lacksLineEnd'>

/** Returns the flags of a text, the same array for the same flags. */
interface FlagReader {
  flagsOf(text: string): readonly string[]
}

export function entryOf(
  [uid, blob, sizeOctets, internalDate, savedAt, flags, modSeq, details]: EntryColumns,
  names: Names,
  folder: FlagReader,
): MessageEntry {
  return {
    uid,
    blob: names.blob(blob),
    sizeOctets,
    internalDate,
    savedAt,
    flags: folder.flagsOf(flags),
    modSeq,
    ...(details !== null && (JSON.parse(details) as Details)),
  }
}

/** Returns the details of an entry as a text; null if it has none. JSON escapes NUL, which PostgreSQL's texts cannot hold. */
export const detailsOf = ({ messageId, envelope, lacksLineEnd }: Details): string | null =>
  messageId === undefined && envelope === undefined && lacksLineEnd === undefined
    ? null
    : JSON.stringify({ messageId, envelope, lacksLineEnd })

/** SQL: whether the details of an entry `e` have `lacksLineEnd`. In texts of the details, quotes are escaped. */
export const LACKS_LINE_END = `e.details like '%"lacksLineEnd":true%'`

/** Flags contain no line breaks. */
const SEPARATOR = '\n'
export const flagsText = (flags: readonly string[]): string => flags.join(SEPARATOR)
export const flagsFrom = (text: string): readonly string[] => (text === '' ? [] : text.split(SEPARATOR))

export interface FolderRow {
  readonly id: number
  readonly owner: Owner
  readonly name: string
  readonly uid_validity: number
  /** `FolderSettings` in JSON. */
  readonly settings: string
  readonly version: number
  readonly first_uid: number
  readonly uid_next: number
  readonly mod_seq: number
  readonly value_seq: number
}

export const FOLDER_COLUMNS =
  'id, owner, name, uid_validity, settings, version, first_uid, uid_next, mod_seq, value_seq'

/** Returns the settings of a folder as a text. */
export const settingsText = ({ specialUse, newsgroup, sortOrder }: FolderSettings): string =>
  JSON.stringify({ specialUse, newsgroup, sortOrder })
