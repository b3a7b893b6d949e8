import type { Folder } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { QuotaUsage } from '../../../src/storage/store/quota.ts'
import type { CopyResult } from '../../../src/storage/store/types.ts'
import { defineMessageCommand } from '../command.ts'
import { checkStorable, findMailbox, readMailboxName } from '../mailbox-names.ts'
import { checkMessageLimit } from '../message-limit.ts'
import { withProgress } from '../progress.ts'
import { no, ok } from '../reply.ts'
import { checkRights, permittedFlags, rightsOf } from '../rights.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession, StateOf } from '../state.ts'
import { highestModSeqCode } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { formatNumbers, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'
import { checkQuota, holderOf, holdLimit } from './quota.ts'

/** COPY numbers mailbox. RFC 9051 section 6.4.7; COPYUID: RFC 4315. */
export const copy = defineMessageCommand({
  name: 'COPY',
  needsNoRefresh: true,
  parse: copyRequest,
  async run(session, state, request, byUid) {
    const { selection, identity } = state
    const { uids, folder } = await resolve(session, state, request, byUid)
    if (uids.length === 0) return ok()
    checkMessageLimit(session, uids.length)
    const holder = holderOf(session, identity, folder)
    await checkQuota(session, holder, () => usageOf(selection, uids))
    const limit = await holdLimit(session, holder)
    const { store } = session.context
    const result = await withProgress(session, () => store.copy(selection.folder.id, uids, folder.id, selection, limit))
    await removeForbiddenFlags(session, state, folder, result)
    return ok(copyUidCode(folder, result, byUid))
  },
})

/** MOVE numbers mailbox. RFC 6851; RFC 9051 section 6.4.8. */
export const move = defineMessageCommand({
  name: 'MOVE',
  needsNoRefresh: true,
  parse: copyRequest,
  async run(session, state, request, byUid) {
    const { selection, identity } = state
    checkRights(selection, 'te') // RFC 6851 section 4.6
    const { uids, folder } = await resolve(session, state, request, byUid)
    if (uids.length === 0) return ok()
    checkMessageLimit(session, uids.length)
    // Captured mail does not count until it is moved to a mailbox of the account.
    const isOwn = selection.folder.owner === folder.owner
    const holder = holderOf(session, identity, folder)
    if (!isOwn) await checkQuota(session, holder, () => usageOf(selection, uids))
    const limit = isOwn ? undefined : await holdLimit(session, holder)
    const { store } = session.context
    const result = await withProgress(session, () => store.move(selection.folder.id, uids, folder.id, selection, limit))
    await removeForbiddenFlags(session, state, folder, result)
    const code = copyUidCode(folder, result, byUid)
    if (code === undefined) return ok()
    // Sent before the EXPUNGE responses, so that the client knows the new uids. RFC 6851 section 4.3
    session.send(`* OK [${code}] Moved\r\n`)
    return ok(highestModSeqCode(session, selection))
  },
})

/** Removes flags that the account may not set in the mailbox to which it copied. RFC 4314 section 4. */
async function removeForbiddenFlags(
  session: ImapSession,
  { identity, selection }: StateOf<'selected'>,
  folder: Folder,
  { to }: CopyResult,
): Promise<void> {
  const rights = await rightsOf(session, identity, folder)
  const known = [...selection.knownFlags]
  const permitted = permittedFlags(rights, known)
  if (permitted.length === known.length || to.length === 0) return
  const flags = known.filter((flag) => !permitted.includes(flag))
  await session.context.store.setFlags(folder.id, to, { mode: 'remove', flags })
}

/** Returns how much messages add to the account that gets them. */
const usageOf = (selection: Selection, uids: readonly number[]): QuotaUsage => ({
  octets: uids.reduce((sum, uid) => sum + (selection.messages.find(uid)?.sizeOctets ?? 0), 0),
  messages: uids.length,
})

interface CopyRequest {
  readonly set: SequenceSet
  readonly name: string
}

function copyRequest(cursor: Cursor, session: ImapSession): CopyRequest {
  cursor.space()
  const set = sequenceSet(cursor)
  cursor.space()
  return { set, name: readMailboxName(cursor, session) }
}

async function resolve(
  session: ImapSession,
  { identity, selection }: StateOf<'selected'>,
  { set, name }: CopyRequest,
  byUid: boolean,
): Promise<{ readonly uids: readonly number[]; readonly folder: Folder }> {
  checkStorable(name)
  const folder = await findMailbox(session, identity, name, 'TRYCREATE', 'i') // RFC 9051 section 6.4.7
  const uids = selection.resolve(set, byUid).map((index) => (selection.messages.at(index) as MessageEntry).uid)
  return { uids, folder }
}

/**
 * Returns the code COPYUID, with both sets in ascending order. RFC 4315 section 3. If no message was left to copy: undefined for
 * the UID command, which ignores uids that do not exist. RFC 9051 section 6.4.9.
 * @throws ImapError if no message was left to copy by sequence number
 */
function copyUidCode({ uidValidity }: Folder, { from, to }: CopyResult, byUid: boolean): string | undefined {
  if (from.length === 0 && byUid) return undefined
  if (from.length === 0) throw no('The messages have been expunged.', 'EXPUNGEISSUED') // RFC 5530 section 3
  return `COPYUID ${uidValidity} ${formatNumbers(from)} ${formatNumbers(to)}`
}
