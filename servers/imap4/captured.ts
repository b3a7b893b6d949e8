import { CAPTURED_OWNER, type Folder } from '../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { FolderStatus } from '../../src/storage/store/types.ts'
import { isCapturedReader } from '../service.ts'
import type { SeesEntry } from './selection.ts'
import type { Identity, ImapSession } from './state.ts'

/** Returns whether an account is a reader of captured mail. */
export const seesCaptured = ({ context }: ImapSession, { account }: Identity): boolean =>
  isCapturedReader(context, account)

/** Returns which messages of a folder an account sees: of captured mail, the account of a tenant only that of its tenant. Undefined: all. */
export function visibleEntries(
  { context: { tenants } }: ImapSession,
  { account }: Identity,
  { owner }: Folder,
): SeesEntry | undefined {
  const tenant = owner === CAPTURED_OWNER ? tenants.tenantOfAccount(account.user) : undefined
  if (tenant === undefined) return undefined
  const { ownsEnvelope } = tenants.scope(tenant)
  return ({ envelope }) => ownsEnvelope(envelope)
}

/** Returns whether captured mail for a domain exists for an account. A domain without a visible message does not. */
export async function seesFolder(session: ImapSession, identity: Identity, folder: Folder): Promise<boolean> {
  const sees = visibleEntries(session, identity, folder)
  return sees === undefined || (await session.context.store.list(folder.id)).some(sees)
}

/** Returns the status of a folder, counting only what an account sees. */
export async function visibleStatus(session: ImapSession, identity: Identity, folder: Folder): Promise<FolderStatus> {
  const { store } = session.context
  const status = await store.status(folder.id)
  const sees = visibleEntries(session, identity, folder)
  if (sees === undefined) return status
  const entries = (await store.list(folder.id)).filter(sees)
  const deleted = entries.filter(({ flags }) => flags.includes('\\Deleted'))
  return {
    ...status,
    exists: entries.length,
    sizeOctets: sum(entries),
    unseen: entries.filter(({ flags }) => !flags.includes('\\Seen')).length,
    deleted: deleted.length,
    deletedOctets: sum(deleted),
    lowestUid: entries[0]?.uid ?? 0,
    highestUid: entries.at(-1)?.uid ?? 0,
  }
}

const sum = (entries: readonly MessageEntry[]): number =>
  entries.reduce((octets, { sizeOctets }) => octets + sizeOctets, 0)
