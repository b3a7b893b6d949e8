import type { MemoryBudget } from '../../src/core/octets/memory-budget.ts'
import { StoreError } from '../../src/storage/store/errors.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { ValueSpace, Values } from '../../src/storage/store/value-types.ts'
import { hasOwnSeen } from '../../src/storage/store/views/readers/reader-store.ts'
import type { Selection } from './selection.ts'
import type { Identity, ImapSession } from './state.ts'

/** The highest uids that were reported as `\Recent` to a session, by folder and reader. RFC 3501 section 2.3.2. */
interface Marks {
  /** As the sessions have seen them in the store. They only rise, and a mark may be higher there: other nodes raise it too. */
  readonly seen: Map<string, number>
  /** Marks that a session is raising. The other sessions of the mailbox wait for it instead of doing the same. */
  readonly rising: Map<string, { readonly to: number; readonly done: Promise<number> }>
}

/** The marks of each lab, which its memory budget stands for. */
const marks = new WeakMap<MemoryBudget, Marks>()
/** Beyond this number, marks are read from the store again. */
const MAX_MARKS = 10_000
const VALUE = 'uid'

function marksOf({ connection: { memory } }: ImapSession): Marks {
  const known = marks.get(memory) ?? { seen: new Map(), rising: new Map() }
  marks.set(memory, known)
  if (known.seen.size > MAX_MARKS) known.seen.clear()
  return known
}

/** Where a mark is kept. In newsgroups and mailboxes of others each reader has its own. */
const spaceOf = ({ owner }: Identity, folder: Folder): ValueSpace => ({
  folderId: folder.id,
  kind: 'recent',
  names: [VALUE],
  ...(hasOwnSeen(folder, owner) && { reader: owner }),
})

const markKey = ({ folderId, reader = undefined }: ValueSpace): string => `${folderId} ${reader ?? ''}`

const markIn = (values: Values): number => Number(values.get(VALUE)?.toString() ?? 0)

/**
 * Returns the uid above which a folder's messages are recent for an account.
 * @param highest the highest uid that the caller asks about: a mark that has reached it is not read again
 */
export async function recentMark(
  session: ImapSession,
  identity: Identity,
  folder: Folder,
  highest: number,
): Promise<number> {
  const space = spaceOf(identity, folder)
  const known = marksOf(session).seen.get(markKey(space)) ?? 0
  return known >= highest ? known : note(session, space, markIn(await session.context.store.values(space)))
}

/**
 * Marks new messages as `\Recent` in this session. Later sessions do not mark them, on any node, unless this one is
 * read-only.
 */
export async function claimRecent(session: ImapSession, selection: Selection): Promise<void> {
  const { state, enabled } = session
  if (enabled.has('IMAP4rev2') || !('identity' in state)) return // has no \Recent. RFC 9051 appendix E
  const { identity } = state
  const highest = selection.messages.at(-1)?.uid ?? 0
  if (highest <= selection.recent.highest) return
  const mark = await (selection.readOnly
    ? recentMark(session, identity, selection.folder, highest)
    : claim(session, spaceOf(identity, selection.folder), highest))
  const from = Math.max(mark, selection.recent.highest) + 1
  if (from <= highest) selection.recent.add({ from, to: highest })
}

/** Raises a mark to a uid. Returns the mark before, for one session of all; the others get what it was raised to. */
async function claim(session: ImapSession, space: ValueSpace, highest: number): Promise<number> {
  const { seen, rising } = marksOf(session)
  const key = markKey(space)
  const mark = seen.get(key) ?? 0
  if (mark >= highest) return mark
  const other = rising.get(key)
  if (other && other.to >= highest) {
    await other.done
    return seen.get(key) ?? mark
  }
  const own = { to: highest, done: raise(session, space, highest) }
  rising.set(key, own)
  try {
    return await own.done
  } finally {
    if (rising.get(key) === own) rising.delete(key)
  }
}

/**
 * Raises a mark in the store, in one step with reading it, so that no other session claims the same messages. Returns the
 * mark before. If that fails, messages may be `\Recent` once more.
 */
async function raise(session: ImapSession, space: ValueSpace, highest: number): Promise<number> {
  const { context, connection } = session
  let mark = marksOf(session).seen.get(markKey(space)) ?? 0
  try {
    await context.store.changeValues(space, (current) => {
      mark = markIn(current)
      return mark < highest ? new Map([[VALUE, Buffer.from(String(highest))]]) : new Map()
    })
  } catch (err) {
    if (err instanceof StoreError) connection.record.note(`not kept which messages are recent: ${err.message}`)
    else context.log.error({ session: connection.record.id, err }, 'imap4: \\Recent was not kept')
  }
  note(session, space, Math.max(mark, highest))
  return mark
}

/** Notes a mark, and returns it. Another session may have raised it meanwhile. */
function note(session: ImapSession, space: ValueSpace, mark: number): number {
  const { seen } = marksOf(session)
  const newest = Math.max(mark, seen.get(markKey(space)) ?? 0)
  seen.set(markKey(space), newest)
  return newest
}
