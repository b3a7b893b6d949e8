import type { Transaction } from '../../postgres/database.ts'
import type { MessageEntry } from '../types.ts'
import type { ValueKind } from '../value-types.ts'
import { detailsOf, flagsText, type Names, PIECE_OCTETS, PREFIX_PIECE } from './records.ts'

/** Pieces of at least this size are sent alone, in binary form. Smaller ones are sent together, as text. */
const ALONE_OCTETS = 16 * 1024

interface NewPiece {
  readonly blob: number
  readonly piece: number
  readonly octets: Buffer
}

export interface Place {
  readonly messageId: string
  readonly folder: number
  readonly uid: number
}

export interface ChangedValue {
  readonly folder: number
  readonly kind: ValueKind
  readonly reader: string
  readonly key: string
  readonly name: string
  /** Undefined: removed. */
  readonly content: Buffer | undefined
}

export interface ValueChange {
  readonly folder: number
  readonly valueSeq: number
  readonly kind: ValueKind
  readonly reader: string | null
  readonly names: readonly string[]
  readonly modSeq: number | null
}

/** The new numbers of a folder, and what is added to its counts. */
export interface FolderWrite {
  readonly key: number
  readonly uidNext: number
  readonly modSeq: number
  readonly valueSeq: number
  readonly messages: number
  readonly octets: number
  readonly unseen: number
  readonly deleted: number
  readonly deletedOctets: number
  readonly keywords: string
}

/** Everything that a transaction writes, one statement for each table. */
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

  /** Sends everything. */
  send(transaction: Transaction): void {
    this.#sendBodies(transaction)
    this.#sendEntries(transaction)
    this.#sendHolders(transaction)
    this.#sendArticles(transaction)
    this.#sendValues(transaction)
    const { folders } = this
    sendRows(transaction, UPDATE_FOLDERS, [
      column(folders, 'key'),
      column(folders, 'uidNext'),
      column(folders, 'modSeq'),
      column(folders, 'valueSeq'),
      column(folders, 'messages'),
      column(folders, 'octets'),
      column(folders, 'unseen'),
      column(folders, 'deleted'),
      column(folders, 'deletedOctets'),
      column(folders, 'keywords'),
    ])
  }

  #sendBodies(transaction: Transaction): void {
    const small = this.#pieces.filter(({ octets }) => octets.length < ALONE_OCTETS)
    const alone = small.length === 1 ? this.#pieces : this.#pieces.filter((piece) => !small.includes(piece))
    for (const { blob, piece, octets } of alone) transaction.send(INSERT_PIECE, [blob, piece, octets])
    if (small.length < 2) return
    sendRows(transaction, INSERT_PIECES, [column(small, 'blob'), column(small, 'piece'), column(small, 'octets')])
  }

  #sendEntries(transaction: Transaction): void {
    const added = [...this.#added.values()]
    const entries = added.map(({ entry }) => entry)
    sendRows(transaction, INSERT_ENTRIES, [
      column(added, 'folder'),
      column(entries, 'uid'),
      entries.map(({ blob }) => this.#names.blobNumber(blob)),
      column(entries, 'sizeOctets'),
      entries.map(({ internalDate }) => Math.floor(internalDate)),
      entries.map(({ savedAt }) => Math.floor(savedAt)),
      entries.map(({ flags }) => flagsText(flags)),
      column(entries, 'modSeq'),
      entries.map(detailsOf),
    ])
    const changed = [...this.#changed.values()]
    sendRows(transaction, UPDATE_ENTRIES, [
      column(changed, 'folder'),
      changed.map(({ entry }) => entry.uid),
      changed.map(({ entry }) => flagsText(entry.flags)),
      changed.map(({ entry }) => entry.modSeq),
    ])
    sendRows(transaction, DELETE_ENTRIES, [column(this.#removed, 'folder'), column(this.#removed, 'uid')])
    sendRows(transaction, INSERT_VANISHED, [
      column(this.vanished, 'folder'),
      column(this.vanished, 'modSeq'),
      this.vanished.map(({ uids }) => `{${uids.join(',')}}`),
    ])
  }

  #sendHolders(transaction: Transaction): void {
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
    sendRows(transaction, HOLD, columnsOf(more.sort(byBlob)))
    sendRows(transaction, RELEASE, columnsOf(fewer.sort(byBlob)))
  }

  #sendArticles(transaction: Transaction): void {
    const { overviews } = this
    sendRows(transaction, INSERT_OVERVIEWS, [column(overviews, 'blob'), column(overviews, 'overview')])
    sendRows(transaction, DELETE_PLACES, placeColumns(this.#lostPlaces))
    sendRows(transaction, INSERT_PLACES, placeColumns([...this.#places.values()]))
    sendRows(transaction, INSERT_HISTORY, [[...this.#history].sort()])
  }

  #sendValues(transaction: Transaction): void {
    const values = [...this.values.values()]
    const set = values.filter(({ content }) => content !== undefined)
    const removed = values.filter(({ content }) => content === undefined)
    sendRows(transaction, SET_VALUES, [
      column(set, 'folder'),
      column(set, 'kind'),
      column(set, 'reader'),
      column(set, 'key'),
      column(set, 'name'),
      column(set, 'content'),
    ])
    sendRows(transaction, REMOVE_VALUES, [
      column(removed, 'folder'),
      column(removed, 'kind'),
      column(removed, 'reader'),
      column(removed, 'key'),
    ])
    const { valueChanges } = this
    sendRows(transaction, INSERT_VALUE_CHANGES, [
      column(valueChanges, 'folder'),
      column(valueChanges, 'valueSeq'),
      column(valueChanges, 'kind'),
      column(valueChanges, 'reader'),
      valueChanges.map(({ names }) => JSON.stringify(names)),
      column(valueChanges, 'modSeq'),
    ])
  }
}

const column = <Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Row[Key][] => rows.map((row) => row[key])

const columnsOf = (rows: readonly (readonly [number, number])[]): [number[], number[]] => [
  rows.map(([first]) => first),
  rows.map(([, second]) => second),
]

const byBlob = ([a]: readonly [number, number], [b]: readonly [number, number]): number => a - b

const placeKey = ({ messageId, folder, uid }: Place): string => `${folder}/${uid}/${messageId}`

const placeColumns = (places: readonly Place[]): unknown[][] => [
  column(places, 'messageId'),
  column(places, 'folder'),
  column(places, 'uid'),
]

/** Sends a statement whose parameters are columns of the same length, unless they are empty. */
function sendRows(transaction: Transaction, text: string, columns: readonly (readonly unknown[])[]): void {
  if (columns[0]?.length) transaction.send(text, columns)
}

const INSERT_PIECE = 'insert into pieces (blob, piece, octets) values ($1, $2, $3)'
const INSERT_PIECES =
  'insert into pieces (blob, piece, octets) select * from unnest($1::bigint[], $2::integer[], $3::bytea[])'
const INSERT_ENTRIES = `
  insert into entries (folder, uid, blob, size, internal_date, saved_at, flags, mod_seq, details)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
    $8::bigint[], $9::text[])`
const UPDATE_ENTRIES = `
  update entries e set flags = c.flags, mod_seq = c.mod_seq
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) c (folder, uid, flags, mod_seq)
  where e.folder = c.folder and e.uid = c.uid`
const DELETE_ENTRIES = `
  delete from entries e using unnest($1::bigint[], $2::bigint[]) c (folder, uid)
  where e.folder = c.folder and e.uid = c.uid`
const INSERT_VANISHED = `
  insert into vanished (folder, mod_seq, uids)
  select folder, mod_seq, uids::bigint[] from unnest($1::bigint[], $2::bigint[], $3::text[]) c (folder, mod_seq, uids)`
const HOLD = `
  insert into holders (blob, messages)
  select blob, 1 + more from unnest($1::bigint[], $2::bigint[]) c (blob, more)
  on conflict (blob) do update set messages = holders.messages + excluded.messages - 1`
/** Also used with the blobs of a deleted folder. */
export const releaseOf = (blobs: string): string => `
  , held as (
    update holders h set messages = h.messages - c.fewer from ${blobs} c where h.blob = c.blob
    returning h.blob, h.messages
  )
  insert into doomed (blob) select c.blob from ${blobs} c
  where not exists (select from held where held.blob = c.blob and held.messages > 0)
  on conflict do nothing`
const RELEASE = `
  with released (blob, fewer) as (select * from unnest($1::bigint[], $2::bigint[]))
  ${releaseOf('released')}`
const INSERT_OVERVIEWS = `
  insert into overviews (blob, overview) select * from unnest($1::bigint[], $2::text[]) on conflict do nothing`
const DELETE_PLACES = `
  delete from places p using unnest($1::text[], $2::bigint[], $3::bigint[]) c (message_id, folder, uid)
  where p.message_id = c.message_id and p.folder = c.folder and p.uid = c.uid`
const INSERT_PLACES = `
  insert into places (message_id, folder, uid) select * from unnest($1::text[], $2::bigint[], $3::bigint[])
  on conflict do nothing`
const INSERT_HISTORY = 'insert into history (message_id) select * from unnest($1::text[]) on conflict do nothing'
const SET_VALUES = `
  insert into "values" (folder, kind, reader, name_key, name, content)
  select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
  on conflict (folder, kind, reader, name_key) do update set content = excluded.content`
const REMOVE_VALUES = `
  delete from "values" v using unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) c (folder, kind, reader, name_key)
  where v.folder = c.folder and v.kind = c.kind and v.reader = c.reader and v.name_key = c.name_key`
const INSERT_VALUE_CHANGES = `
  insert into value_changes (folder, value_seq, kind, reader, names, mod_seq)
  select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])`
const UPDATE_FOLDERS = `
  update folders f set uid_next = c.uid_next, mod_seq = c.mod_seq, value_seq = c.value_seq,
    messages = f.messages + c.messages, octets = f.octets + c.octets, unseen = f.unseen + c.unseen,
    deleted = f.deleted + c.deleted, deleted_octets = f.deleted_octets + c.deleted_octets,
    keywords = c.keywords, changed_at = now()
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::text[])
    c (id, uid_next, mod_seq, value_seq, messages, octets, unseen, deleted, deleted_octets, keywords)
  where f.id = c.id`
