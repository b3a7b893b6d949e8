import type { OctetString } from '../../../src/mail/types.ts'
import type { Folder, FolderStatus } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { findMailbox, fullName, mailboxName, nameForm } from '../mailbox-names.ts'
import { bad, done } from '../reply.ts'
import type { Session } from '../session.ts'
import { loggedOn } from '../state.ts'
import { recentMark } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'

/** STATUS mailbox (items). RFC 9051 section 6.3.11. */
export const status = defineCommand({
  name: 'STATUS',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const name = mailboxName(cursor, session)
    cursor.space()
    return { name, items: statusItems(cursor) }
  },
  async run(session, { identity }, { name, items }) {
    session.say(await statusLine(session, await findMailbox(session, identity, name), items))
    return done('that is its status')
  },
})

type Teller = (status: FolderStatus, folder: Folder, session: Session) => Promise<number | string> | number | string

/** What STATUS can tell of a mailbox. RFC 9051 section 6.3.11, RFC 3501, 7162, 7889, 8438, 8474. */
const tellers = {
  MESSAGES: ({ exists }) => exists,
  RECENT: (status, folder, session) => recentCount(status, folder, session),
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: (_status, { uidValidity }) => uidValidity,
  UNSEEN: ({ unseen }) => unseen,
  DELETED: ({ deleted }) => deleted,
  'DELETED-STORAGE': ({ deletedOctets }) => deletedOctets,
  SIZE: ({ sizeOctets }) => sizeOctets,
  HIGHESTMODSEQ: ({ highestModSeq }) => highestModSeq,
  MAILBOXID: (_status, { id }) => `(${id})`,
  APPENDLIMIT: (_status, _folder, { context }) => context.config.limits.messageSize,
} as const satisfies Record<string, Teller>

export type StatusItem = keyof typeof tellers

/** `(MESSAGES UIDNEXT …)` */
export function statusItems(cursor: Cursor): StatusItem[] {
  return cursor.list(() => {
    const name = cursor.keyword()
    if (!Object.hasOwn(tellers, name)) throw bad(`unknown status item ${name}`)
    return name as StatusItem
  })
}

/** RFC 9051 section 7.3.4. */
export async function statusLine(session: Session, folder: Folder, items: readonly StatusItem[]): Promise<OctetString> {
  const status = await session.context.store.status(folder.id)
  // RFC 7162 section 3.1.1: to ask for it is to be aware of it.
  if (items.includes('HIGHESTMODSEQ')) session.enabled.add('CONDSTORE')
  const told: string[] = []
  for (const item of items) {
    const teller: Teller = tellers[item]
    told.push(`${item} ${await teller(status, folder, session)}`)
  }
  return `* STATUS ${nameForm(fullName(folder), session)} (${told.join(' ')})\r\n`
}

async function recentCount({ highestUid }: FolderStatus, folder: Folder, { context }: Session): Promise<number> {
  const mark = recentMark(context.store, folder.id)
  if (highestUid <= mark) return 0
  return (await context.store.list(folder.id, { from: mark + 1, to: highestUid })).length
}
