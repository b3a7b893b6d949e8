import type { OctetString } from '../../src/mail/format/types.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { FolderStatus } from '../../src/storage/store/types.ts'
import { visibleEntries, visibleStatus } from './captured.ts'
import { encodeMailboxName, mailboxName } from './mailbox-names.ts'
import { recentMark } from './recent.ts'
import { bad } from './reply.ts'
import type { Identity, ImapSession } from './state.ts'
import { enableCondstore } from './updates.ts'
import type { Cursor } from './wire/cursor.ts'

type StatusValue = (
  status: FolderStatus,
  folder: Folder,
  session: ImapSession,
  identity: Identity,
) => Promise<number | string> | number | string

/** The value of each STATUS item. RFC 9051 section 6.3.11; RFC 3501, 7162, 7889, 8438, 8474. */
const statusValues = {
  MESSAGES: ({ exists }) => exists,
  RECENT: recentCount,
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: (_status, { uidValidity }) => uidValidity,
  UNSEEN: ({ unseen }) => unseen,
  DELETED: ({ deleted }) => deleted,
  'DELETED-STORAGE': ({ deletedOctets }) => deletedOctets,
  SIZE: ({ sizeOctets }) => sizeOctets,
  HIGHESTMODSEQ: ({ highestModSeq }) => highestModSeq,
  MAILBOXID: (_status, { id }) => `(${id})`,
  APPENDLIMIT: (_status, _folder, { context }) => context.config.limits.messageSize,
} as const satisfies Record<string, StatusValue>

export type StatusItem = keyof typeof statusValues

/** Reads `(MESSAGES UIDNEXT …)`. */
export function statusItems(cursor: Cursor): StatusItem[] {
  return cursor.list(() => {
    const name = cursor.keyword()
    if (!Object.hasOwn(statusValues, name)) throw bad(`Unknown STATUS item ${name}.`)
    return name as StatusItem
  })
}

/** A request for HIGHESTMODSEQ turns on CONDSTORE. RFC 7162 section 3.1. */
export function enableByItems(session: ImapSession, items: readonly StatusItem[]): void {
  if (items.includes('HIGHESTMODSEQ')) enableCondstore(session)
}

/**
 * Returns the STATUS response of a folder. RFC 9051 section 7.3.4.
 * @param name the name by which the client knows it
 */
export async function statusLine(
  session: ImapSession,
  identity: Identity,
  folder: Folder,
  items: readonly StatusItem[],
  name = mailboxName(folder, identity.owner),
): Promise<OctetString> {
  const status = await visibleStatus(session, identity, folder)
  const found: string[] = []
  for (const item of items) {
    const value: StatusValue = statusValues[item]
    found.push(`${item} ${await value(status, folder, session, identity)}`)
  }
  return `* STATUS ${encodeMailboxName(name, session)} (${found.join(' ')})\r\n`
}

async function recentCount(
  { highestUid }: FolderStatus,
  folder: Folder,
  session: ImapSession,
  identity: Identity,
): Promise<number> {
  const mark = await recentMark(session, identity, folder, highestUid)
  if (highestUid <= mark) return 0
  const sees = visibleEntries(session, identity, folder) ?? (() => true)
  return (await session.context.store.list(folder.id, { from: mark + 1, to: highestUid })).filter(sees).length
}
