import type { Database, Transaction } from '../../../database/database-types.ts'
import { DatabaseError } from '../../../database/errors.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ValueKind } from '../../value-types.ts'
import { detailsOf, flagsText, type Names, PIECE_OCTETS, PREFIX_PIECE } from './records.ts'
import {
  ALL_FOUND,
  ALL_MOVED,
  DELETE_ENTRIES,
  DELETE_PLACES,
  DOOM,
  HOLD,
  INSERT_CHANGES,
  INSERT_ENTRIES,
  INSERT_HISTORY,
  INSERT_OVERVIEWS,
  INSERT_PIECES,
  INSERT_PLACES,
  INSERT_VALUE_CHANGES,
  INSERT_VANISHED,
  LET_GO,
  MOVE_FOLDERS,
  REMOVE_VALUES,
  SAME_FOLDERS,
  SET_VALUES,
  UPDATE_ENTRIES,
  UPDATE_FOLDERS,
} from './write-statements.ts'

interface NewPiece {
  readonly blob: number
  readonly piece: number
  readonly octets: Buffer
}

interface Place {
  readonly messageId: string
  readonly folder: number
  readonly uid: number
}

interface ChangedValue {
  readonly folder: number
  readonly kind: ValueKind
  readonly reader: string
  readonly key: string
  readonly name: string
  /** Undefined: removed. */
  readonly content: Buffer | undefined
}

interface ValueChange {
  readonly folder: number
  readonly valueSeq: number
  readonly kind: ValueKind
  readonly reader: string | null
  readonly names: readonly string[]
  readonly modSeq: number | null
}

/** The numbers that the row of a folder has before a change. */
interface ExpectedNumbers {
  readonly id: number
  readonly uid_next: number
  readonly mod_seq: number
  readonly value_seq: number
}

/** The new numbers of a folder, and what is added to its counts. */
interface FolderWrite {
  readonly key: number
  readonly before: ExpectedNumbers
  readonly uidNext: number
  readonly modSeq: number
  readonly valueSeq: number
  readonly messages: number
  readonly octets: number
  readonly unseen: number
  readonly deleted: number
  readonly deletedOctets: number
  /** Null: as before. */
  readonly keywords: string | null
}

/** Everything that a transaction writes. */
export class Writes {
  readonly #names: Names
  readonly #pieces: NewPiece[] = []
  /** New entries by folder and uid. */
  readonly #added = new Map<string, { readonly folder: number; entry: MessageEntry }>()
  readonly #changed = new Map<string, { readonly folder: number; readonly entry: MessageEntry }>()
  readonly #removed: { readonly folder: number; readonly uid: number }[] = []
  readonly vanished: { readonly folder: number; readonly modSeq: number; readonly uids: readonly number[] }[] = []
  /** How many messages hold a new blob. */
  readonly #newBlobs = new Map<number, number>()
  /** How many more messages hold an existing blob, or fewer. */
  readonly #holders = new Map<number, number>()
  readonly overviews: { readonly blob: number; readonly overview: string }[] = []
  readonly #places = new Map<string, Place>()
  readonly #lostPlaces: Place[] = []
  readonly #history = new Set<string>()
  readonly values = new Map<string, ChangedValue>()
  readonly valueChanges: ValueChange[] = []
  readonly folders: FolderWrite[] = []

  constructor(names: Names) {
    this.#names = names
  }

  addBody(blob: number, octets: Buffer, holders: number): void {
    for (let at = 0, piece = 0; at < octets.length; at += PIECE_OCTETS, piece++) {
      this.#pieces.push({ blob, piece, octets: octets.subarray(at, at + PIECE_OCTETS) })
    }
    this.#newBlobs.set(blob, holders)
  }

  /** Makes a blob that was written before the body of a message. */
  adoptBody(blob: number, prefix: Buffer | undefined, holders: number): void {
    if (prefix?.length) this.#pieces.push({ blob, piece: PREFIX_PIECE, octets: prefix })
    this.#newBlobs.set(blob, holders)
  }

  /** Removes a blob that was written before, and that no message has. */
  abandon(blob: number): void {
    this.#newBlobs.set(blob, 0)
  }

  /** Notes that more messages hold a blob, or fewer. */
  hold(blobName: string, more: number): void {
    const blob = this.#names.blobNumber(blobName)
    const holders = this.#newBlobs.get(blob)
    if (holders === undefined) this.#holders.set(blob, (this.#holders.get(blob) ?? 0) + more)
    else this.#newBlobs.set(blob, holders + more)
  }

  add(folder: number, entry: MessageEntry): void {
    this.#added.set(`${folder}/${entry.uid}`, { folder, entry })
  }

  change(folder: number, entry: MessageEntry): void {
    const key = `${folder}/${entry.uid}`
    const added = this.#added.get(key)
    if (added) added.entry = entry
    else this.#changed.set(key, { folder, entry })
  }

  remove(folder: number, uid: number): void {
    const key = `${folder}/${uid}`
    this.#changed.delete(key)
    if (!this.#added.delete(key)) this.#removed.push({ folder, uid })
  }

  /** Notes where a newsgroup has a Message-ID, which stays known for ever. */
  addPlace(place: Place): void {
    this.#places.set(placeKey(place), place)
    this.#history.add(place.messageId)
  }

  removePlace(place: Place): void {
    if (!this.#places.delete(placeKey(place))) this.#lostPlaces.push(place)
  }

  /** Sends everything as one statement. @param writer see `Journal` */
  send(transaction: Transaction, writer: number): void {
    const parts = this.#parts(UPDATE_FOLDERS, writer)
    if (parts.length > 0) transaction.send(`with ${namedParts(parts).join(', ')} select`, valuesOf(parts))
  }

  /**
   * Makes the changes with one statement, which changes nothing if the folders do not have the numbers that were expected.
   * Returns whether they have. @param others folders that were only read @throws DatabaseError
   */
  async sendAlone(
    database: Pick<Database, 'change' | 'query'>,
    others: readonly ExpectedNumbers[],
    writer: number,
  ): Promise<boolean> {
    const same: Part = { name: 'same', text: SAME_FOLDERS, columns: numberColumns(others) }
    if (this.folders.length === 0) return (await database.query(SAME_FOLDERS, same.columns)).length === others.length
    const parts = this.#parts(MOVE_FOLDERS, writer)
    if (others.length > 0) parts.push(same)
    const change = { parts: namedParts(parts, 1), last: others.length > 0 ? ALL_FOUND : ALL_MOVED }
    try {
      await database.change(change, [this.folders.length + others.length, ...valuesOf(parts)])
      return true
    } catch (error) {
      if (error instanceof DatabaseError && GUESSED_WRONG.has(error.sqlState ?? '')) return false
      throw error
    }
  }

  /** @param folders the statement for the numbers of the folders */
  #parts(folders: string, writer: number): Part[] {
    const parts = [this.#bodies(), ...this.#entries(), ...this.#articles(), ...this.#values(), ...this.#holding()]
    return [...parts, this.#journal(writer), this.#numbers(folders)].filter(({ columns }) => columns[0]?.length)
  }

  /** Values that belong to no folder have no listeners. */
  #journal(writer: number): Part {
    const keys = column(this.folders, 'key').filter((key) => key > 0)
    return { text: INSERT_CHANGES, columns: [keys, [writer]] }
  }

  /** The octets of all pieces are one parameter: in an array, each octet would be written as two digits. */
  #bodies(): Part {
    const pieces = this.#pieces
    let at = 1
    const starts = pieces.map(({ octets }) => {
      const start = at
      at += octets.length
      return start
    })
    const lengths = pieces.map(({ octets }) => octets.length)
    const all = Buffer.concat(pieces.map(({ octets }) => octets))
    return { text: INSERT_PIECES, columns: [...columns(pieces, 'blob', 'piece'), starts, lengths, all] }
  }

  #entries(): Part[] {
    const added = [...this.#added.values()]
    const entries = added.map(({ entry }) => entry)
    const changed = [...this.#changed.values()]
    return [
      {
        text: INSERT_ENTRIES,
        columns: [
          column(added, 'folder'),
          column(entries, 'uid'),
          entries.map(({ blob }) => this.#names.blobNumber(blob)),
          column(entries, 'sizeOctets'),
          entries.map(({ internalDate }) => Math.floor(internalDate)),
          entries.map(({ savedAt }) => Math.floor(savedAt)),
          entries.map(({ flags }) => flagsText(flags)),
          column(entries, 'modSeq'),
          entries.map(detailsOf),
        ],
      },
      {
        text: UPDATE_ENTRIES,
        columns: [
          column(changed, 'folder'),
          changed.map(({ entry }) => entry.uid),
          changed.map(({ entry }) => flagsText(entry.flags)),
          changed.map(({ entry }) => entry.modSeq),
        ],
      },
      { text: DELETE_ENTRIES, columns: columns(this.#removed, 'folder', 'uid') },
      {
        text: INSERT_VANISHED,
        columns: [
          ...columns(this.vanished, 'folder', 'modSeq'),
          this.vanished.map(({ uids }) => `{${uids.join(',')}}`),
        ],
      },
    ]
  }

  #holding(): Part[] {
    const more: [blob: number, messages: number][] = []
    const fewer: [blob: number, messages: number][] = []
    for (const [blob, messages] of this.#newBlobs) {
      if (messages > 1) more.push([blob, messages - 1])
      else if (messages < 1) fewer.push([blob, 1])
    }
    for (const [blob, messages] of this.#holders) {
      if (messages > 0) more.push([blob, messages])
      else if (messages < 0) fewer.push([blob, -messages])
    }
    fewer.sort(compareBlobs)
    return [
      { text: HOLD, columns: columnsOf(more.sort(compareBlobs)) },
      { name: 'held', text: LET_GO, columns: columnsOf(fewer) },
      { text: DOOM, columns: [fewer.map(([blob]) => blob)] },
    ]
  }

  #articles(): Part[] {
    const { overviews } = this
    return [
      { text: INSERT_OVERVIEWS, columns: columns(overviews, 'blob', 'overview') },
      { text: DELETE_PLACES, columns: placeColumns(this.#lostPlaces) },
      { text: INSERT_PLACES, columns: placeColumns([...this.#places.values()]) },
      { text: INSERT_HISTORY, columns: [[...this.#history].sort()] },
    ]
  }

  #values(): Part[] {
    const values = [...this.values.values()]
    const set = values.filter(({ content }) => content !== undefined)
    const removed = values.filter(({ content }) => content === undefined)
    const { valueChanges } = this
    return [
      { text: SET_VALUES, columns: columns(set, 'folder', 'kind', 'reader', 'key', 'name', 'content') },
      { text: REMOVE_VALUES, columns: columns(removed, 'folder', 'kind', 'reader', 'key') },
      {
        text: INSERT_VALUE_CHANGES,
        columns: [
          ...columns(valueChanges, 'folder', 'valueSeq', 'kind', 'reader'),
          valueChanges.map(({ names }) => JSON.stringify(names)),
          column(valueChanges, 'modSeq'),
        ],
      },
    ]
  }

  #numbers(text: string): Part {
    const { folders } = this
    const before = column(folders, 'before')
    return {
      name: 'moved',
      text,
      columns: [
        ...columns(folders, 'key', 'uidNext', 'modSeq', 'valueSeq', 'messages', 'octets', 'unseen', 'deleted'),
        ...columns(folders, 'deletedOctets', 'keywords'),
        ...numberColumns(before).slice(1),
      ],
    }
  }
}

/** A change of one table. Its parameters are columns; without rows, there is nothing to change. */
interface Part {
  readonly text: string
  readonly columns: readonly (readonly unknown[] | Buffer)[]
  /** By which others refer to it. */
  readonly name?: string
}

/** Returns the parts of one statement, whose parameters follow each other. @param before parameters that precede them */
function namedParts(parts: readonly Part[], before = 0): string[] {
  let at = before
  return parts.map(({ name = `p${at}`, text, columns }) => {
    const own = at
    at += columns.length
    return `${name} as (${shiftParameters(text, own)})`
  })
}

/** Texts whose parameters have other numbers. There are as many as kinds of changes. */
const shiftedTexts = new Map<string, string[]>()

function shiftParameters(text: string, by: number): string {
  const texts = shiftedTexts.get(text) ?? []
  shiftedTexts.set(text, texts)
  texts[by] ??= text.replace(/\$(\d+)/g, (_, number: string) => `$${by + Number(number)}`)
  return texts[by]
}

const valuesOf = (parts: readonly Part[]): unknown[] => parts.flatMap(({ columns }) => columns)

const column = <Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Row[Key][] => rows.map((row) => row[key])

const columns = <Row, Key extends keyof Row>(rows: readonly Row[], ...keys: readonly Key[]): Row[Key][][] =>
  keys.map((key) => column(rows, key))

const columnsOf = (rows: readonly (readonly [number, number])[]): [number[], number[]] => [
  rows.map(([first]) => first),
  rows.map(([, second]) => second),
]

const compareBlobs = ([a]: readonly [number, number], [b]: readonly [number, number]): number => a - b

const placeKey = ({ messageId, folder, uid }: Place): string => `${folder}/${uid}/${messageId}`

const numberColumns = (rows: readonly ExpectedNumbers[]): unknown[][] =>
  columns(rows, 'id', 'uid_next', 'mod_seq', 'value_seq')

const placeColumns = (places: readonly Place[]): unknown[][] => columns(places, 'messageId', 'folder', 'uid')

/** A folder has other numbers (`division_by_zero`), or already has a message with the uid (`unique_violation`). */
const GUESSED_WRONG: ReadonlySet<string> = new Set(['22012', '23505'])
