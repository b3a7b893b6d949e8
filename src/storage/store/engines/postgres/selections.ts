import type { Database } from '../../../database/database-types.ts'
import { OUTGOING_OWNER } from '../../folder.ts'
import type { StoredMessage } from '../../message-entry.ts'
import type { EntryTest, ScanPart, SelectedMessages, Selection, SelectionPart } from '../../selection.ts'
import type { Folders } from './folders.ts'
import { columnsOf, ENTRY_COLUMNS, type EntryRow, entryOf, type Names } from './records.ts'

/** The parts of a store that a selection needs. */
export interface Selecting {
  readonly database: Pick<Database, 'query'>
  readonly names: Names
  readonly folders: Folders
}

/** The keys of folders, and the tests of a selection. */
interface Wanted {
  readonly folders: readonly number[] | { readonly except: readonly number[] }
  readonly tests: readonly EntryTest[]
}

type SelectedRow = EntryRow & { readonly folder: number }

/** The part of a message in which a short header ends. */
const HEADER_OCTETS = 16 * 1024
/** Hides letters in a header: an encoded word, a backslash, as `encode` also writes for other octets, controls, a comment in a word. */
const HIDING = String.raw`=\?|\\|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|[a-z0-9]\(`

/** Returns whether an entry `e` may have letters in its header or envelope: unless the header is short, plain and without them. */
const mayContain = (letters: string): string => `(
  strpos(lower(e.details collate "C"), ${letters}) > 0 or e.details ~ '[^\\x01-\\x7f]' or not exists (
    select from pieces p
    cross join lateral (select substring(p.octets for ${HEADER_OCTETS}) as octets) start
    cross join lateral (select position('\\x0d0a0d0a'::bytea in start.octets) as at) blank
    cross join lateral (
      select lower(encode(substring(start.octets for coalesce(nullif(blank.at, 0), ${HEADER_OCTETS})), 'escape') collate "C") as text
    ) header
    where p.blob = e.blob and p.piece = 0 and (blank.at > 0 or length(start.octets) < ${HEADER_OCTETS})
      and strpos(translate(header.text, E' \\t\\r\\n"', ''), ${letters}) = 0 and header.text !~ '${HIDING}'
    offset 0))`

/** Up to this part of all messages, the selected ones are found and sorted. Of more, the newest are near the end of the index. */
const FEW = 0.05

const COLUMNS = { savedAt: 'e.saved_at', internalDate: 'e.internal_date', sizeOctets: 'e.size' } as const
const HAS = {
  keyword: `e.flags ~ E'(^|\\n)[^\\\\\\\\$]'`,
  envelope: `coalesce(e.details like '%"envelope":{%', false)`,
} as const
const BY_TIME = 'order by saved_at desc, folder desc, uid desc'
/** Entries that one query of a scan reads: few at first, because many scans end early. */
const BATCH = { first: 250, most: 4_000 }

/** The newest rows of a selection, and how many it has. */
interface Selected {
  readonly rows: readonly SelectedRow[]
  readonly total: number
}

/** Adds a parameter of a statement, and returns how it is written there. */
type Parameter = (value: unknown, type: string) => string

/**
 * Returns a part of the messages that meet conditions, the newest first, and how many meet them. Reads the entries that it
 * returns; to test conditions, the server looks at all entries of the folders, unless the counts of folders tell.
 * @throws DatabaseError
 */
export async function select(
  selecting: Selecting,
  selection: Selection,
  part: SelectionPart,
): Promise<SelectedMessages> {
  const { database, names } = selecting
  const wanted = searchedFolders(selecting, selection)
  const { tests, folders } = wanted
  const { chosen, unseen, all } = await sumsOf(database, folders)
  const known = tests.length === 0 ? chosen : isUnseen(tests) ? unseen : undefined
  if (known === 0) return { messages: [], total: 0, copies: [] }
  const isMost = known !== undefined && known > FEW * all
  const { rows, total } = isMost
    ? await selectOfMost(database, names, wanted, part, known)
    : await selectOfFew(database, names, wanted, part)
  const copies = part.isDistinct ? await copiesOf(database, wanted, rows) : []
  return { messages: messagesOf(selecting, rows), total, copies: messagesOf(selecting, copies) }
}

/** Returns the folders that a selection searches, as they are now. */
function searchedFolders({ folders }: Selecting, { folders: isOf, tests }: Selection): Wanted {
  const keys = Array.from(folders.all).flatMap(({ key, folder }) => {
    const isHidden = folder.owner === OUTGOING_OWNER
    return (isOf ? !isHidden && isOf(folder) : isHidden) ? key : []
  })
  return { tests, folders: isOf ? keys : { except: keys } }
}

function messagesOf({ folders, names }: Selecting, rows: readonly SelectedRow[]): readonly StoredMessage[] {
  return rows.flatMap((row) => {
    const state = folders.get(row.folder)
    return state ? { folder: state.folder, entry: entryOf(columnsOf(row), names, state) } : []
  })
}

/** Finds the newest messages near the end of the index. @param known how many there are, with copies */
async function selectOfMost(
  database: Pick<Database, 'query'>,
  names: Names,
  wanted: Wanted,
  part: SelectionPart,
  known: number,
): Promise<Pick<Selected, 'rows' | 'total'>> {
  const { values, parameter, where } = conditionsOf(wanted)
  // `offset 0` keeps the server from joining all entries.
  const isNewest = `not exists (select from entries n where n.blob = e.blob and ${where.replaceAll(/\be\./g, 'n.')}
    and (n.saved_at, n.folder, n.uid) > (e.saved_at, e.folder, e.uid) offset 0)`
  const rows = await database.query<SelectedRow>(
    `select e.folder, ${ENTRY_COLUMNS} from entries e where ${where} ${part.isDistinct ? `and ${isNewest}` : ''}
     and ${partText(part, names, parameter)}`,
    values,
  )
  return { rows, total: known - (part.isDistinct ? await countCopies(database, wanted) : 0) }
}

/** Finds and sorts all messages that meet the conditions: the server would look through the index by time, in which they may be far away. */
async function selectOfFew(
  database: Pick<Database, 'query'>,
  names: Names,
  wanted: Wanted,
  part: SelectionPart,
): Promise<Pick<Selected, 'rows' | 'total'>> {
  const { values, parameter, where } = conditionsOf(wanted)
  const [distinct, order] = part.isDistinct
    ? ['distinct on (e.blob)', 'order by e.blob, e.saved_at desc, e.folder desc, e.uid desc']
    : ['', '']
  const rows = await database.query<SelectedRow & { readonly total: number }>(
    `with found as materialized (select ${distinct} e.folder, e.uid, e.saved_at from entries e where ${where} ${order}),
       part as (select * from found where ${partText(part, names, parameter)})
     select c.total, e.folder, ${ENTRY_COLUMNS} from (select count(*) as total from found) c
     left join (part join entries e using (folder, uid, saved_at)) on true ${BY_TIME}`,
    values,
  )
  return { rows: rows.filter(({ uid }) => uid !== null), total: rows[0]?.total ?? 0 }
}

/** Returns how many messages that meet conditions are further copies of others that do. */
async function countCopies(database: Pick<Database, 'query'>, wanted: Wanted): Promise<number> {
  const { values, where } = conditionsOf(wanted)
  const [row] = await database.query<{ readonly copies: number }>(
    `select coalesce(sum(copies - 1), 0)::bigint as copies from (
       select count(*) as copies from holders h join entries e on e.blob = h.blob
       where h.messages > 1 and ${where} group by h.blob) c`,
    values,
  )
  return row?.copies ?? 0
}

/** Returns the copies of messages that meet conditions, the newest first. */
async function copiesOf(
  database: Pick<Database, 'query'>,
  wanted: Wanted,
  rows: readonly SelectedRow[],
): Promise<readonly SelectedRow[]> {
  const { values, parameter, where } = conditionsOf(wanted)
  const blobs = parameter(
    rows.map(({ blob }) => blob),
    'bigint[]',
  )
  return database.query<SelectedRow>(
    `select e.folder, ${ENTRY_COLUMNS} from entries e where e.blob = any(${blobs}) and ${where} ${BY_TIME}`,
    values,
  )
}

interface Conditions {
  readonly values: unknown[]
  readonly parameter: Parameter
  /** Of entries `e`. */
  readonly where: string
}

function conditionsOf({ folders, tests }: Wanted): Conditions {
  const values: unknown[] = []
  const parameter: Parameter = (value, type) => `$${values.push(value)}::${type}`
  const texts = [folderTest('e.folder', folders, parameter), ...tests.map((test) => testSql(test, parameter))]
  return { values, parameter, where: texts.join(' and ') }
}

function partText({ limit, after, offset = 0 }: SelectionPart, names: Names, parameter: Parameter): string {
  const isAfter = after
    ? `(saved_at, folder, uid) < (${placeText([after.savedAt, names.folderKey(after.folderId), after.uid], parameter)})`
    : 'true'
  return `${isAfter} ${BY_TIME} limit ${parameter(limit, 'bigint')} offset ${parameter(offset, 'bigint')}`
}

/**
 * Yields the messages that meet conditions in batches, in order of their time. It holds no transaction: what arrives
 * meanwhile may be found.
 * @throws DatabaseError
 */
export async function* scan(
  selecting: Selecting,
  selection: Selection,
  { after, isNewestFirst = false }: ScanPart,
): AsyncGenerator<readonly StoredMessage[], void, void> {
  const { database, names } = selecting
  const wanted = searchedFolders(selecting, selection)
  const { chosen, all } = await sumsOf(database, wanted.folders)
  if (chosen === 0) return
  const isFew = chosen <= FEW * all
  let place = after && [after.savedAt, names.folderKey(after.folderId), after.uid]
  const [direction, isAfter] = isNewestFirst ? ['desc', '<'] : ['asc', '>']
  for (let limit = BATCH.first; ; limit = Math.min(4 * limit, BATCH.most)) {
    const { values, parameter, where: isWanted } = conditionsOf(wanted)
    const where = place
      ? `${isWanted} and (e.saved_at, e.folder, e.uid) ${isAfter} (${placeText(place, parameter)})`
      : isWanted
    const order = `order by saved_at ${direction}, folder ${direction}, uid ${direction}`
    const most = `limit ${parameter(limit, 'bigint')}`
    const all = `select e.folder, ${ENTRY_COLUMNS} from entries e`
    const text = isFew
      ? `with found as materialized (select e.folder, e.uid, e.saved_at from entries e where ${where}),
           part as (select * from found ${order} ${most})
         ${all} join part using (folder, uid, saved_at) ${order}`
      : `${all} where ${where} ${order} ${most}`
    const rows = await database.query<SelectedRow>(text, values)
    yield messagesOf(selecting, rows)
    const last = rows.at(-1)
    if (!last || rows.length < limit) return
    place = [last.saved_at, last.folder, last.uid]
  }
}

const placeText = (place: readonly number[], parameter: Parameter): string =>
  place.map((one) => parameter(asBigint(one), 'bigint')).join(', ')

async function sumsOf(
  database: Pick<Database, 'query'>,
  folders: Wanted['folders'],
): Promise<{ readonly chosen: number; readonly unseen: number; readonly all: number }> {
  const values: unknown[] = []
  const isChosen = folderTest('id', folders, (value, type) => `$${values.push(value)}::${type}`)
  const [sums] = await database.query<{ readonly chosen: number; readonly unseen: number; readonly all: number }>(
    `select coalesce(sum(messages) filter (where ${isChosen}), 0)::bigint as chosen,
       coalesce(sum(unseen) filter (where ${isChosen}), 0)::bigint as unseen, coalesce(sum(messages), 0)::bigint as all
     from folders where id > 0`,
    values,
  )
  return sums ?? { chosen: 0, unseen: 0, all: 0 }
}

const folderTest = (column: string, folders: Wanted['folders'], parameter: Parameter): string =>
  'except' in folders
    ? `${column} <> all(${parameter(folders.except, 'bigint[]')})`
    : `${column} = any(${parameter(folders, 'bigint[]')})`

const isUnseen = ([test, ...others]: readonly EntryTest[]): boolean =>
  others.length === 0 && test !== undefined && 'flag' in test && test.flag === '\\Seen' && test.negated === true

function testSql(test: EntryTest, parameter: Parameter): string {
  const text = positiveText(test, parameter)
  return test.negated ? `not (${text})` : text
}

/** Returns a number that `bigint` can hold: clients choose sizes and places, and no value of an entry is beyond these. */
const asBigint = (value: number): number =>
  Number.isNaN(value) ? 0 : Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))

function positiveText(test: EntryTest, parameter: Parameter): string {
  if ('has' in test) return HAS[test.has]
  if ('headerMayContain' in test) return mayContain(parameter(test.headerMayContain, 'text'))
  // Flags contain no line breaks.
  if ('flag' in test)
    return `strpos(E'\\n' || e.flags || E'\\n', E'\\n' || ${parameter(test.flag, 'text')} || E'\\n') > 0`
  const column = COLUMNS[test.number]
  const { from, below } = test
  return [
    ...(from === undefined ? [] : [`${column} >= ${parameter(asBigint(from), 'bigint')}`]),
    ...(below === undefined ? [] : [`${column} < ${parameter(asBigint(below), 'bigint')}`]),
  ].join(' and ')
}
