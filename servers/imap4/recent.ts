import type { MemoryBudget } from '../../src/common/memory-budget.ts'
import { hasOwnSeen } from '../../src/store/readers/reader-view.ts'
import { type Folder, StoreError } from '../../src/store/types.ts'
import type { ValueSpace } from '../../src/store/value-types.ts'
import type { Selection } from './selection.ts'
import type { Identity, ImapSession } from './state.ts'

/** The highest uids that were reported as `\Recent` to a session, by folder and reader. RFC 3501 section 2.3.2. */
type Marks = Map<string, number>

/** The marks of each lab, which its memory budget stands for. All its sessions share them; the store keeps them. */
const marks = new WeakMap<MemoryBudget, Marks>()
/** Beyond this number, marks are read from the store again. */
const MAX_MARKS = 10_000
const VALUE = 'uid'

function marksOf({ connection: { memory } }: ImapSession): Marks {
  const known = marks.get(memory) ?? new Map<string, number>()
  marks.set(memory, known)
  if (known.size > MAX_MARKS) known.clear()
  return known
}

/** Where a mark is kept. In newsgroups and mailboxes of others each reader has its own. */
const spaceOf = ({ owner }: Identity, folder: Folder): ValueSpace => ({
  folderId: folder.id,
  kind: 'recent',
  ...(hasOwnSeen(folder, owner) && { reader: owner }),
})

const keyOf = ({ folderId, reader = undefined }: ValueSpace): string => `${folderId} ${reader ?? ''}`

/** Returns the uid above which a folder's messages are recent for an account. */
export async function recentMark(session: ImapSession, identity: Identity, folder: Folder): Promise<number> {
  const space = spaceOf(identity, folder)
  const known = marksOf(session).get(keyOf(space))
  if (known !== undefined) return known
  const kept = Number((await session.context.store.values(space)).get(VALUE)?.toString() ?? 0)
  // Another session may have claimed messages while this one read.
  const mark = Math.max(kept, marksOf(session).get(keyOf(space)) ?? 0)
  marksOf(session).set(keyOf(space), mark)
  return mark
}

/**
 * Marks new messages as `\Recent` in this session. Later sessions do not mark them, unless this one is read-only. Call
 * `recentMark` before the first use.
 */
export function claimRecent(session: ImapSession, selection: Selection): void {
  const { state, enabled } = session
  if (enabled.has('IMAP4rev2') || !('identity' in state)) return // has no \Recent. RFC 9051 appendix E
  const space = spaceOf(state.identity, selection.folder)
  const mark = marksOf(session).get(keyOf(space)) ?? 0
  const highest = selection.messages.at(-1)?.uid ?? 0
  const from = Math.max(mark, selection.recent.highest) + 1
  if (from <= highest) selection.recent.add({ from, to: highest })
  if (selection.readOnly || highest <= mark) return
  marksOf(session).set(keyOf(space), highest)
  void keep(session, space, highest)
}

/** Keeps a mark in the store. If that fails, messages are `\Recent` once more after a restart. */
async function keep({ context, connection }: ImapSession, space: ValueSpace, highest: number): Promise<void> {
  try {
    await context.store.changeValues(space, (current) =>
      Number(current.get(VALUE)?.toString() ?? 0) < highest
        ? new Map([[VALUE, Buffer.from(String(highest))]])
        : new Map(),
    )
  } catch (err) {
    if (err instanceof StoreError) connection.record.note(`not kept which messages are recent: ${err.message}`)
    else context.log.error({ session: connection.record.id, err }, 'imap4: \\Recent was not kept')
  }
}
